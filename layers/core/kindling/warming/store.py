"""DynamoDB calls for warming: the one item that is a domain's gate, its history, and a tenant's own schedules."""

from typing import Any

from kindling.errors import NotFound, StaleStatus
from kindling.platform import clock, table
from kindling.platform.table import Action, Attr, Key, Part
from kindling.warming import gate
from kindling.warming.gate import Windows
from kindling.warming.model import GRAPH, PLACE_DIGITS, HistoryEntry, Warming, history_partition, warming_key
from kindling.warming.schedules import CUSTOM, PRESETS, STANDARD, Schedule


def get(user_id: str, domain_id: str) -> Warming | None:
    return read(warming_key(user_id, domain_id))


def read(key: dict[str, str]) -> Warming | None:
    item = table.get(key)
    return Warming.model_validate(item) if item else None


def all_of(user_id: str) -> list[Warming]:
    """The warming of every domain of the tenant, as the table has them at this moment."""
    where = Key("pk").eq(f"TENANT#{user_id}") & Key("sk").begins_with("WARMING#")
    items = table.pages({"KeyConditionExpression": where, "ConsistentRead": True})
    return [Warming.model_validate(item) for item in items]


def count(warming: Warming, windows: Windows, n: int) -> None:
    """Count `n` recipients in all three windows, if the gate still stands as `warming` has it and there is room.

    One write decides and counts. Raises ConditionFailed with the item as it is when it decides otherwise. A write
    that the SDK repeats because its answer was lost counts twice: that sends less, never more.
    """
    names = {"#revision": "revision", "#minute": "minute", "#sent": "sent"}
    values: dict[str, Any] = {":revision": warming.revision, ":minute": windows.minute, ":n": n, ":none": 0}
    conditions = ["#revision = :revision", "#minute <= :minute"]
    sets = ["#minute = :minute"]
    limit = warming.limits
    limits = (limit.daily_limit, limit.hourly_limit, limit.per_minute_limit) if limit else (None, None, None)
    for i, (window, most) in enumerate(zip(windows.names, limits, strict=True)):
        names[f"#w{i}"] = window
        sets.append(f"#sent.#w{i} = if_not_exists(#sent.#w{i}, :none) + :n")
        if most is not None:
            values[f":room{i}"] = most - n
            conditions.append(f"(attribute_not_exists(#sent.#w{i}) OR #sent.#w{i} <= :room{i})")
    old = gate.stale(warming, windows)
    names |= {f"#o{i}": window for i, window in enumerate(old)}
    drop = " REMOVE " + ", ".join(f"#sent.#o{i}" for i in range(len(old))) if old else ""
    table.update(
        warming_key(warming.user_id, warming.domain_id),
        UpdateExpression="SET " + ", ".join(sets) + drop,
        ConditionExpression=" AND ".join(conditions),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def uncount(user_id: str, domain_id: str, windows: tuple[str, ...], n: int) -> None:
    """Subtract `n` recipients from the windows. Raises ConditionFailed when one of them is gone from the item.

    Never repeated: repeating a write whose answer was lost would free the quota twice. Raises StoreUnavailable then.
    """
    table.update(
        warming_key(user_id, domain_id),
        once=True,
        UpdateExpression="SET " + ", ".join(f"#sent.#w{i} = #sent.#w{i} - :n" for i in range(len(windows))),
        ConditionExpression=" AND ".join(f"#sent.#w{i} >= :n" for i in range(len(windows))),
        ExpressionAttributeNames={"#sent": "sent"} | {f"#w{i}": window for i, window in enumerate(windows)},
        ExpressionAttributeValues={":n": n},
    )


def created(warming: Warming, due_fields: dict[str, str]) -> Action:
    """Write the warming of a new domain."""
    item = {**warming_key(warming.user_id, warming.domain_id), **warming.item(), **due_fields}
    return {"Put": {"Item": item}}


def moved(warming: Warming, entry: HistoryEntry, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> Part:
    """Move a domain to another phase and write its history entry, if its warming has not changed since it was read."""
    update = GRAPH.update(
        warming_key(warming.user_id, warming.domain_id),
        (entry.to_phase,),
        put=put | {"revision": warming.revision + 1},
        drop=drop,
        seen={"revision": warming.revision},
    )
    return [{"Update": update}, recorded(warming, entry)]


def recorded(warming: Warming, entry: HistoryEntry) -> Action:
    """Write a history entry. Its sort key is the revision that it changed, so that text order is their order."""
    partition = history_partition(warming.user_id, warming.domain_id)
    # DynamoDB returns fractions as Decimals, which JSON does not know: they are kept as text.
    item = entry.model_dump(mode="json", exclude_none=True)
    if entry.metrics_snapshot is not None:
        item["metrics_snapshot"] = {name: str(value) for name, value in entry.metrics_snapshot.items()}
    return {"Put": {"Item": {"pk": partition, "sk": f"{warming.revision:0{PLACE_DIGITS}}"} | item}}


def move(warming: Warming, entry: HistoryEntry, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> None:
    """Move a domain to another phase. Raises NotFound, or StaleStatus when it changed since it was read."""
    try:
        table.transact(moved(warming, entry, put=put, drop=drop))
    except table.TransactionFailed as lost:
        if lost.items[0] == {}:
            raise NotFound("There is no such domain.") from lost
        raise StaleStatus("The domain's warming changed meanwhile; read it again.") from lost


def adjust(warming: Warming, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> bool:
    """Write what is not the phase, as long as nothing but sends happened since it was read.

    False asks for another look: somebody came first, or it was this very write, whose answer was lost.
    """
    put = put | {"revision": warming.revision + 1, "updated_at": clock.timestamp()}
    try:
        table.update(
            warming_key(warming.user_id, warming.domain_id),
            ConditionExpression=Attr("revision").eq(warming.revision),
            **table.assigned(put, drop),
        )
    except table.ConditionFailed:
        return False
    return True


def history(user_id: str, domain_id: str, limit: int, after: str | None) -> tuple[list[HistoryEntry], str | None]:
    """Up to `limit` entries, newest first, older than the place `after`; and the place to go on from."""
    query: dict[str, Any] = {
        "KeyConditionExpression": Key("pk").eq(history_partition(user_id, domain_id)),
        "ScanIndexForward": False,
        "Limit": limit,
    }
    if after:
        query["ExclusiveStartKey"] = {"pk": history_partition(user_id, domain_id), "sk": after}
    page = table.query(**query)
    last = page.get("LastEvaluatedKey")
    return [HistoryEntry.model_validate(item) for item in page["Items"]], str(last["sk"]) if last else None


def schedule_of(user_id: str) -> Schedule:
    """The schedule that the tenant's domains follow."""
    item = table.get(_schedule(user_id))
    return Schedule.model_validate_json(str(item["body"])) if item else PRESETS[STANDARD]


def own_schedule(user_id: str) -> Schedule | None:
    """The newest schedule of the tenant's own, followed or not."""
    item = table.get(_schedule(user_id, CUSTOM))
    return Schedule.model_validate_json(str(item["body"])) if item else None


def put_schedule(user_id: str, schedule: Schedule) -> None:
    """Make the tenant's domains follow `schedule`. One of its own is kept under its version as well.

    Raises StaleStatus when that version was written by somebody else meanwhile.
    """
    body = {"body": schedule.model_dump_json(by_alias=True)}
    actions: Part = [{"Put": {"Item": {**_schedule(user_id), **body}}}]
    if schedule.name == CUSTOM:
        version = {**_schedule(user_id, f"{CUSTOM}#{schedule.version:06}"), **body}
        actions += [
            {"Put": {"Item": version, "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Put": {"Item": {**_schedule(user_id, CUSTOM), **body}}},
        ]
    try:
        table.transact(actions)
    except table.TransactionFailed as lost:
        raise StaleStatus("Another change of the schedule came first; try again.") from lost


def _schedule(user_id: str, name: str = "FOLLOWED") -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"SCHEDULE#{name}"}
