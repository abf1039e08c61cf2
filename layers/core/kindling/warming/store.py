"""DynamoDB calls for warming: the one item that is a domain's gate, its history, and a tenant's own schedules."""

import uuid
from typing import Any

from kindling.errors import NotFound, StaleStatus, StoreUnavailable
from kindling.platform import clock, table
from kindling.platform.observability import logger
from kindling.platform.table import Attr, Key
from kindling.warming import gate
from kindling.warming.gate import Windows
from kindling.warming.model import GRAPH, HistoryEntry, Phase, Warming
from kindling.warming.schedules import CUSTOM, PRESETS, STANDARD, Schedule

DUE_KIND = "warming"
# A history entry's place is the revision that it changed, so that text order is their order.
PLACE_DIGITS = 10


def get(user_id: str, domain_id: str) -> Warming | None:
    return read(at(user_id, domain_id))


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
        at(warming.user_id, warming.domain_id),
        UpdateExpression="SET " + ", ".join(sets) + drop,
        ConditionExpression=" AND ".join(conditions),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def give_back(user_id: str, domain_id: str, windows: Windows, n: int) -> None:
    """Take `n` recipients out of the windows in which they were counted; a window that is gone needs nothing.

    Tried once: to repeat a write whose answer was lost would free the same quota again. An unclear one leaves it used.
    """
    for kept in (windows.names, windows.names[:2], windows.names[:1]):
        names = {"#sent": "sent"} | {f"#w{i}": window for i, window in enumerate(kept)}
        try:
            table.update(
                at(user_id, domain_id),
                once=True,
                UpdateExpression="SET " + ", ".join(f"#sent.#w{i} = #sent.#w{i} - :n" for i in range(len(kept))),
                ConditionExpression=" AND ".join(f"#sent.#w{i} >= :n" for i in range(len(kept))),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":n": n},
            )
        except table.ConditionFailed:
            continue
        except StoreUnavailable as error:
            logger.warning("quota not given back", domain_id=domain_id, recipients=n, reason=str(error))
        return


def created(warming: Warming, due: dict[str, str]) -> dict[str, Any]:
    """The action of a transaction that makes a domain's warming, for the transaction that makes its domain."""
    item = {**at(warming.user_id, warming.domain_id), **warming.item(), **due}
    return {"Put": {"Item": item}}


def retired(user_id: str, domain_id: str) -> dict[str, Any]:
    """The action of a transaction that ends a domain's warming. Its history and metrics stay."""
    return {"Delete": {"Key": at(user_id, domain_id)}}


def moved(
    warming: Warming, entry: HistoryEntry, *, put: dict[str, Any], drop: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """The actions of a transaction that moves a domain to another phase and writes its history entry.

    They hold only while the warming stands exactly as `warming` has it.
    """
    update = GRAPH.update(
        at(warming.user_id, warming.domain_id),
        (entry.to_phase,),
        put=put | {"revision": warming.revision + 1},
        drop=drop,
        seen={"revision": warming.revision},
    )
    return [{"Update": update}, recorded(warming, entry)]


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
            at(warming.user_id, warming.domain_id),
            ConditionExpression=Attr("revision").eq(warming.revision),
            **table.assigned(put, drop),
        )
    except table.ConditionFailed:
        return False
    return True


def recorded(warming: Warming, entry: HistoryEntry) -> dict[str, Any]:
    """The action of a transaction that writes a history entry, in its place by the revision that it comes after."""
    key = {"pk": _history(warming.user_id, warming.domain_id), "sk": f"{warming.revision:0{PLACE_DIGITS}}"}
    # Numbers with a fraction are written as text: DynamoDB's own come back as Decimals that JSON does not know.
    item = entry.model_dump(mode="json", exclude_none=True)
    if entry.metrics_snapshot is not None:
        item["metrics_snapshot"] = {name: str(value) for name, value in entry.metrics_snapshot.items()}
    return {"Put": {"Item": key | item}}


def history(user_id: str, domain_id: str, limit: int, after: str | None) -> tuple[list[HistoryEntry], str | None]:
    """Up to `limit` entries, newest first, older than the place `after`; and the place to go on from."""
    query: dict[str, Any] = {
        "KeyConditionExpression": Key("pk").eq(_history(user_id, domain_id)),
        "ScanIndexForward": False,
        "Limit": limit,
    }
    if after:
        query["ExclusiveStartKey"] = {"pk": _history(user_id, domain_id), "sk": after}
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
    body = {"body": schedule.model_dump_json()}
    actions: list[dict[str, Any]] = [{"Put": {"Item": {**_schedule(user_id), **body}}}]
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


def at(user_id: str, domain_id: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"WARMING#{domain_id}"}


def entry(warming: Warming, to: Phase, *, reason: str, triggered_by: str, detail: str | None = None) -> HistoryEntry:
    """A history entry of this moment."""
    return HistoryEntry(
        id=str(uuid.uuid4()),
        domain_id=warming.domain_id,
        from_phase=warming.phase,
        to_phase=to,
        reason=reason,
        detail=detail,
        triggered_by=triggered_by,
        created_at=clock.timestamp(),
    )


def _history(user_id: str, domain_id: str) -> str:
    return f"TENANT#{user_id}#WARMING#{domain_id}"


def _schedule(user_id: str, name: str = "FOLLOWED") -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"SCHEDULE#{name}"}
