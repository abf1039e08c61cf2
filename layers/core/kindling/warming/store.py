"""DynamoDB calls for warming: a domain's item with the counters of its gate, its history, and tenants' schedules."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import timedelta
from math import ceil
from typing import Any

from kindling.errors import NotFound, StaleStatus
from kindling.platform import clock, table
from kindling.platform.observability import TRANSITIONS
from kindling.platform.table import Action, Attr, Key, Part
from kindling.warming import gate
from kindling.warming.evidence import Tally
from kindling.warming.gate import Windows
from kindling.warming.model import (
    GRAPH,
    KEPT,
    SORT_KEY_DIGITS,
    HistoryEntry,
    Warming,
    evidence_partition,
    history_partition,
    warming_key,
    window_of_class,
)
from kindling.warming.schedules import CUSTOM, PRESETS, STANDARD, Schedule

# The domains of a tenant that are judged together, and how long what they show is kept.
EVIDENCE_DOMAINS = 1_000
EVIDENCE_KEPT = timedelta(days=3)


def get(user_id: str, domain_id: str) -> Warming | None:
    return read(warming_key(user_id, domain_id))


def read(key: dict[str, str]) -> Warming | None:
    """The warming of a domain that is not deleted."""
    warming = _read(key)
    return None if warming is None or warming.deleted else warming


def kept(user_id: str, domain_id: str) -> Warming | None:
    """The warming of a domain, also for `KEPT` after its deletion."""
    warming = _read(warming_key(user_id, domain_id))
    if warming and warming.deleted and clock.now() >= clock.parse(warming.ended_at) + KEPT:
        # The table's time to live deletes it some time later.
        return None
    return warming


def _read(key: dict[str, str]) -> Warming | None:
    item = table.get(key)
    return Warming.model_validate(item) if item else None


def some(user_id: str, domain_ids: Iterable[str]) -> list[Warming]:
    """The warming of those of the tenant's domains that are not deleted, consistently read."""
    items = table.existing(warming_key(user_id, domain_id) for domain_id in domain_ids)
    return [warming for warming in map(Warming.model_validate, items) if not warming.deleted]


def all_of(user_id: str) -> list[Warming]:
    """The warming of every domain of the tenant, consistently read."""
    living = Attr("expires_at").not_exists()
    items = table.below(f"TENANT#{user_id}", "WARMING#", FilterExpression=living)
    return [Warming.model_validate(item) for item in items]


def count(warming: Warming, windows: Windows, recipients: Mapping[str, int]) -> None:
    """Count `recipients`, by class, in all their windows, in one conditional write that checks limits and revision.

    Raises ConditionFailed, with the current item, when a limit is exceeded, the revision has changed or a later minute
    was counted. A write that the SDK retries because its answer was lost may count twice, which admits fewer
    recipients, never more.
    """
    names = {"#revision": "revision", "#minute": "minute", "#sent": "sent"}
    values: dict[str, Any] = {":revision": warming.revision, ":minute": windows.minute, ":none": 0}
    conditions = ["#revision = :revision", "#minute <= :minute"]
    sets = ["#minute = :minute"]
    limits = {window_of_class(windows.day, name): budget for name, budget in warming.budgets.items()}
    if limit := warming.limits:
        of_all = (limit.daily_limit, limit.hourly_limit, limit.per_minute_limit)
        limits |= dict(zip(windows.names, of_all, strict=True))
    for i, (window, n) in enumerate(windows.counts(recipients).items()):
        names[f"#w{i}"] = window
        values[f":n{i}"] = n
        sets.append(f"#sent.#w{i} = if_not_exists(#sent.#w{i}, :none) + :n{i}")
        if window in limits:
            values[f":room{i}"] = limits[window] - n
            conditions.append(f"(attribute_not_exists(#sent.#w{i}) OR #sent.#w{i} <= :room{i})")
    outdated = gate.outdated(warming, windows)
    names |= {f"#o{i}": window for i, window in enumerate(outdated)}
    drop = " REMOVE " + ", ".join(f"#sent.#o{i}" for i in range(len(outdated))) if outdated else ""
    table.update(
        warming_key(warming.user_id, warming.domain_id),
        UpdateExpression="SET " + ", ".join(sets) + drop,
        ConditionExpression=" AND ".join(conditions),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def uncount(user_id: str, domain_id: str, counts: Mapping[str, int]) -> None:
    """Subtract recipients from the windows. Raises ConditionFailed, with the item, when one has not so many any more.

    Never retried, because a retry after a lost answer could subtract twice: it raises StoreUnavailable instead.
    """
    table.update(
        warming_key(user_id, domain_id),
        once=True,
        UpdateExpression="SET " + ", ".join(f"#sent.#w{i} = #sent.#w{i} - :n{i}" for i in range(len(counts))),
        ConditionExpression=" AND ".join(f"#sent.#w{i} >= :n{i}" for i in range(len(counts))),
        ExpressionAttributeNames={"#sent": "sent"} | {f"#w{i}": window for i, window in enumerate(counts)},
        ExpressionAttributeValues={f":n{i}": n for i, n in enumerate(counts.values())},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def created(warming: Warming) -> Action:
    """Write the warming of a new domain."""
    return {"Put": {"Item": {**warming_key(warming.user_id, warming.domain_id), **warming.item()}}}


def replaced(warming: Warming, entry: HistoryEntry, *, put: dict[str, Any], drop: tuple[str, ...]) -> Part:
    """Write a warming as it begins and its history entry, if it has not changed since it was read, or is new."""
    changed = {"phase": entry.to_phase, "updated_at": entry.created_at, "revision": warming.revision + 1}
    item = {**warming_key(warming.user_id, warming.domain_id), **warming.item(), **put, **changed}
    unchanged = {
        "ConditionExpression": "attribute_not_exists(pk) OR revision = :revision",
        "ExpressionAttributeValues": {":revision": warming.revision},
    }
    kept = {name: value for name, value in item.items() if name not in drop}
    return [{"Put": {"Item": kept, **unchanged}}, recorded(warming, entry)]


def deleted(user_id: str, domain_id: str) -> Action:
    """End the warming of a domain that is deleted; no send that was decided on before is counted after it."""
    now = clock.now()
    values = {":now": clock.timestamp(now), ":expires_at": ceil((now + KEPT).timestamp()), ":one": 1}
    return {
        "Update": {
            "Key": warming_key(user_id, domain_id),
            "UpdateExpression": "SET ended_at = :now, updated_at = :now, expires_at = :expires_at, "
            "revision = revision + :one REMOVE due_shard, due_at",
            "ExpressionAttributeValues": values,
        }
    }


def ended(warming: Warming) -> Action:
    """End the time of a domain with its name, if it has counted nothing since it was read."""
    seen = {"revision": warming.revision, "minute": warming.minute, "sent": warming.sent}
    put = {"ended_at": clock.timestamp(), "updated_at": clock.timestamp(), "revision": warming.revision + 1}
    return {"Update": {"Key": warming_key(warming.user_id, warming.domain_id), **table.assigned(put, seen=seen)}}


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
    """Write the history entry of a change to `warming`. Its sort key is the revision that the change leads to."""
    partition = history_partition(warming.user_id, warming.domain_id)
    # Stored as text, because DynamoDB returns numbers as Decimals, which JSON cannot encode.
    item = entry.model_dump(mode="json", exclude_none=True)
    if entry.metrics_snapshot is not None:
        item["metrics_snapshot"] = {name: str(value) for name, value in entry.metrics_snapshot.items()}
    key = {"pk": partition, "sk": f"{warming.revision + 1:0{SORT_KEY_DIGITS}}"}
    return {"Put": {"Item": key | item, "ConditionExpression": "attribute_not_exists(pk)"}}


def move(warming: Warming, entry: HistoryEntry, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> None:
    """Move a domain to another phase. Raises NotFound, or StaleStatus when it changed since it was read."""
    try:
        table.transact(moved(warming, entry, put=put, drop=drop))
    except table.TransactionFailed as lost:
        if lost.items[0] == {}:
            raise NotFound("There is no such domain.") from lost
        raise StaleStatus("The domain's warming changed meanwhile; read it again.") from lost
    TRANSITIONS.add(1, "warming", entry.to_phase)


def adjust(warming: Warming, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> bool:
    """Write attributes other than the phase, unless the revision has changed since the item was read.

    False means that the item has to be read again: another write came first, or this one was retried after its answer
    was lost.
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
    """Up to `limit` entries, newest first, after the sort key `after`; and the sort key to continue after, if any."""
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


def put_evidence(warming: Warming, week: Tally) -> None:
    """Keep what a domain's last week shows, for the judgement of all domains of the tenant."""
    now = clock.now()
    expires_at = int((now + EVIDENCE_KEPT).timestamp())
    key = {"pk": evidence_partition(warming.user_id), "sk": warming.domain_id}
    table.put({**key, **asdict(week), "day": now.date().isoformat(), "expires_at": expires_at})


def evidence_of(user_id: str) -> list[Tally]:
    """What the last week shows of each of the tenant's domains that was judged today or yesterday.

    A domain that is stopped is not judged. Of a tenant with very many domains, those of the first page.
    """
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    where = Key("pk").eq(evidence_partition(user_id))
    page = table.query(KeyConditionExpression=where, Limit=EVIDENCE_DOMAINS)
    found = [item for item in page["Items"] if str(item["day"]) >= yesterday]
    return [Tally(**{one.name: int(item[one.name]) for one in fields(Tally)}) for item in found]


def schedule_of(user_id: str) -> Schedule:
    """The schedule that the tenant's domains follow."""
    item = table.get(_schedule_key(user_id))
    return Schedule.model_validate_json(str(item["body"])) if item else PRESETS[STANDARD]


def own_schedule(user_id: str) -> Schedule | None:
    """The latest schedule of the tenant's own, whether it is followed or not."""
    item = table.get(_schedule_key(user_id, CUSTOM))
    return Schedule.model_validate_json(str(item["body"])) if item else None


def put_schedule(user_id: str, schedule: Schedule) -> None:
    """Make the tenant's domains follow `schedule`. A schedule of its own is also kept under its version.

    Raises StaleStatus when that version exists already.
    """
    body = {"body": schedule.model_dump_json(by_alias=True)}
    actions: Part = [{"Put": {"Item": {**_schedule_key(user_id), **body}}}]
    if schedule.name == CUSTOM:
        version = {**_schedule_key(user_id, f"{CUSTOM}#{schedule.version:06}"), **body}
        actions += [
            {"Put": {"Item": version, "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Put": {"Item": {**_schedule_key(user_id, CUSTOM), **body}}},
        ]
    try:
        table.transact(actions)
    except table.TransactionFailed as lost:
        raise StaleStatus("Another change of the schedule came first; try again.") from lost


def _schedule_key(user_id: str, name: str = "FOLLOWED") -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"SCHEDULE#{name}"}
