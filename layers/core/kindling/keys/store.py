"""DynamoDB calls for API keys and quotas. A key is looked up by its id before its tenant is known."""

from typing import Any

from kindling.keys.model import Key
from kindling.platform import table
from kindling.platform.paging import Page, Paging, page
from kindling.platform.table import Action, Attr


def get(key_id: str) -> Key | None:
    item = table.get(_row_key(key_id))
    return Key.model_validate(item) if item else None


def put(key: Key) -> None:
    """Write the row of a new key. An existing row, revoked or not, is not changed."""
    try:
        table.put(_item(key), ConditionExpression=Attr("pk").not_exists())
    except table.ConditionFailed:
        return


def list_of(user_id: str) -> list[Key]:
    """All keys of the tenant, newest first."""
    return [Key.model_validate(item) for item in table.owned(f"{user_id}#key")]


def page_of(user_id: str, paging: Paging) -> Page[Key]:
    """The tenant's keys, newest first."""
    return page(f"{user_id}#key", Key.model_validate, paging)


def make(made: Key, maker: Key) -> None:
    """Write the row of a new key, if its maker has not changed since it was read.

    Raises table.TransactionFailed with the items: an existing row of the new key, and the maker's row.
    """
    table.transact([_put(made), _check_unchanged(maker)])


def replace(made: Key, old: Key, maker: Key, ends_at: str) -> None:
    """Write the row of a new key and set the old one's expiry, if neither it nor the maker has changed since the read.

    Raises table.TransactionFailed with the items: an existing row of the new key, the old key's row, and the maker's
    unless that is the old key.
    """
    unchanged, values = _unchanged(old)
    update = {
        "Key": _row_key(old.key_id),
        "UpdateExpression": "SET expires_at = :ends, rotated_to = :made",
        "ConditionExpression": f"{unchanged} AND attribute_not_exists(rotated_to)",
        "ExpressionAttributeValues": {":ends": ends_at, ":made": made.key_id, **values},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    checks = [] if maker.key_id == old.key_id else [_check_unchanged(maker)]
    table.transact([_put(made), {"Update": update}, *checks])


def revoke(key_id: str, revoked_at: str, *, if_unchanged: Key | None = None) -> None:
    """Mark a key as revoked, if it is not; with `if_unchanged`, only if that other key has not changed since its read.

    Raises table.TransactionFailed with the items: the key's row, and the other key's.
    """
    update = {
        "Key": _row_key(key_id),
        "UpdateExpression": "SET revoked_at = :at",
        "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(revoked_at)",
        "ExpressionAttributeValues": {":at": revoked_at},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    table.transact([{"Update": update}, *([_check_unchanged(if_unchanged)] if if_unchanged else [])])


def record_use(key_id: str, used_at: str, since: str) -> None:
    """Set `last_used_at`. Raises table.ConditionFailed when it is later than `since` already."""
    table.update(
        _row_key(key_id),
        waits=False,
        UpdateExpression="SET last_used_at = :at",
        ConditionExpression=("attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :since)"),
        ExpressionAttributeValues={":at": used_at, ":since": since},
    )


def count(subject: str, window: str, n: int, limits: dict[str, int], expires_at: int) -> None:
    """Add `n`, at most the smallest limit, to every counter in `limits`, if all stay within their limits.

    Each window has an item of its own, which DynamoDB deletes after `expires_at` (seconds since 1970).
    Raises table.ConditionFailed with the item.
    """
    numbered = list(enumerate(limits.items()))
    table.update(
        {"pk": f"QUOTA#{subject}", "sk": window},
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


def _check_unchanged(key: Key) -> Action:
    unchanged, values = _unchanged(key)
    check = {
        "Key": _row_key(key.key_id),
        "ConditionExpression": unchanged,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return {"ConditionCheck": check | ({"ExpressionAttributeValues": values} if values else {})}


def _unchanged(key: Key) -> tuple[str, dict[str, str]]:
    """A condition and its values: the key is not revoked, and its expiry is the one that was read."""
    condition = "attribute_exists(pk) AND attribute_not_exists(revoked_at) AND "
    if key.expires_at is None:
        return f"{condition}attribute_not_exists(expires_at)", {}
    return f"{condition}expires_at = :seen", {":seen": key.expires_at}


def _item(key: Key) -> dict[str, Any]:
    return {**_row_key(key.key_id), "owner": f"{key.user_id}#key", **key.model_dump(mode="json", exclude_none=True)}


def _row_key(key_id: str) -> dict[str, str]:
    return {"pk": f"KEY#{key_id}", "sk": "KEY"}
