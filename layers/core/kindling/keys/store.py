"""DynamoDB calls for API keys and quotas. A key is looked up by its id before its tenant is known."""

from typing import Any

from kindling.keys.model import Key
from kindling.platform import table
from kindling.platform.table import Action, Attr


def get(key_id: str) -> Key | None:
    item = table.get(_at(key_id))
    return Key.model_validate(item) if item else None


def put(key: Key) -> None:
    """Write the row; a key that is there already stays as it is, revoked if it is."""
    try:
        table.put(_item(key), ConditionExpression=Attr("pk").not_exists())
    except table.ConditionFailed:
        return


def list_of(user_id: str) -> list[Key]:
    """The tenant's keys, newest first."""
    return [Key.model_validate(item) for item in table.owned(f"{user_id}#key")]


def make(made: Key, maker: Key) -> None:
    """Write the row of a new key, if its maker's still stands as it was read.

    Raises table.TransactionFailed: its items are what the new key's place holds, and the maker's row.
    """
    table.transact([_put(made), _unchanged(maker)])


def replace(made: Key, old: Key, maker: Key, ends_at: str) -> None:
    """Write the row of a new key and let the old one end at `ends_at`, if it and the maker stand as they were read.

    Raises table.TransactionFailed: its items are what the new key's place holds, the old row, and the maker's unless
    that is the same.
    """
    standing, seen = _as_seen(old)
    update = {
        "Key": _at(old.key_id),
        "UpdateExpression": "SET expires_at = :ends, rotated_to = :made",
        "ConditionExpression": f"{standing} AND attribute_not_exists(rotated_to)",
        "ExpressionAttributeValues": {":ends": ends_at, ":made": made.key_id, **seen},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    checks = [] if maker.key_id == old.key_id else [_unchanged(maker)]
    table.transact([_put(made), {"Update": update}, *checks])


def revoke(key_id: str, at: str, *, beside: Key | None = None) -> None:
    """Mark a key that is not revoked yet; with `beside`, only if that one still stands as it was read.

    Raises table.TransactionFailed: its items are the row, and the one beside.
    """
    update = {
        "Key": _at(key_id),
        "UpdateExpression": "SET revoked_at = :at",
        "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(revoked_at)",
        "ExpressionAttributeValues": {":at": at},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    table.transact([{"Update": update}, *([_unchanged(beside)] if beside else [])])


def stamp(key_id: str, at: str, unless_since: str) -> None:
    """Note that a key was used at `at`, unless it was noted later than `unless_since`. Raises table.ConditionFailed."""
    table.update(
        _at(key_id),
        waits=False,
        UpdateExpression="SET last_used_at = :at",
        ConditionExpression=("attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :since)"),
        ExpressionAttributeValues={":at": at, ":since": unless_since},
    )


def count(who: str, what: str, n: int, most: dict[str, int], expires_at: int) -> None:
    """Add `n` to each counter that `most` names, if none then stands above its most; each `n` is at most that.

    An item has the counters of one window, so that nothing has to be set back; the table's time to live removes it.
    Raises table.ConditionFailed with the counters that stood in the way.
    """
    numbered = list(enumerate(most.items()))
    table.update(
        {"pk": f"QUOTA#{who}", "sk": what},
        waits=False,
        UpdateExpression=f"SET expires_at = :expires ADD {', '.join(f'#c{i} :n' for i, _ in numbered)}",
        ConditionExpression=" AND ".join(f"(attribute_not_exists(#c{i}) OR #c{i} <= :room{i})" for i, _ in numbered),
        ExpressionAttributeNames={f"#c{i}": name for i, (name, _) in numbered},
        ExpressionAttributeValues={
            ":n": n,
            ":expires": expires_at,
            **{f":room{i}": limit - n for i, (_, limit) in numbered},
        },
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def _put(key: Key) -> Action:
    put = {
        "Item": _item(key),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return {"Put": put}


def _unchanged(key: Key) -> Action:
    """The condition that a key still opens what it opened when it was read."""
    standing, seen = _as_seen(key)
    check = {
        "Key": _at(key.key_id),
        "ConditionExpression": standing,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return {"ConditionCheck": check | ({"ExpressionAttributeValues": seen} if seen else {})}


def _as_seen(key: Key) -> tuple[str, dict[str, str]]:
    """A condition, and its values: not revoked, and ending when it ended."""
    standing = "attribute_exists(pk) AND attribute_not_exists(revoked_at) AND "
    if key.expires_at is None:
        return f"{standing}attribute_not_exists(expires_at)", {}
    return f"{standing}expires_at = :seen", {":seen": key.expires_at}


def _item(key: Key) -> dict[str, Any]:
    return {**_at(key.key_id), "owner": f"{key.user_id}#key", **key.model_dump(mode="json", exclude_none=True)}


def _at(key_id: str) -> dict[str, str]:
    return {"pk": f"KEY#{key_id}", "sk": "KEY"}
