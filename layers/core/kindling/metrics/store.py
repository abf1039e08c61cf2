"""DynamoDB calls for metrics: one item per domain and day, one per domain and hour; counters are only added to.

A counter is an attribute: `sent` for the total, `sent@gmail` for a class of recipients. The items stay small, because
every event rewrites them. What Gmail tells of a day is set, and what the gate refused added, under names of their own.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from kindling.metrics.model import (
    DAYS_KEPT,
    DELIVERY_ERROR_RATE,
    FIELDS,
    LIMIT,
    REFUSED,
    REFUSED_MESSAGES,
    SPAM_RATE,
    Counts,
    Period,
    day_sort_key,
    hour_sort_key,
    metrics_partition,
)
from kindling.platform import table
from kindling.platform.table import Key


def days(user_id: str, domain_id: str, dates: list[str]) -> list[Period]:
    """The domain's days at `dates`, oldest first; a day without mail is all zeros."""
    return _between(user_id, domain_id, day_sort_key, dates)


def hours(user_id: str, domain_id: str, hours: list[str]) -> list[Period]:
    """The domain's hours at `hours` (`YYYY-MM-DDTHH`), oldest first; an hour without mail is all zeros."""
    return _between(user_id, domain_id, hour_sort_key, hours)


def put_admitted(user_id: str, domain_id: str, day: str, admitted: dict[str, int], limit: int | None) -> None:
    """Set what the gate admitted on a UTC day, by mailbox provider, and the limit unless it is None. Idempotent."""
    counts = {"admitted": sum(admitted.values())} | {f"admitted@{name}": n for name, n in admitted.items()}
    counts |= {} if limit is None else {LIMIT: limit}
    values = {f":{i}": count for i, count in enumerate(counts.values())}
    table.update(
        {"pk": metrics_partition(user_id, domain_id), "sk": day_sort_key(day)},
        UpdateExpression="SET expires_at = :expires_at, " + ", ".join(f"#{i} = :{i}" for i in range(len(counts))),
        ExpressionAttributeNames={f"#{i}": name for i, name in enumerate(counts)},
        ExpressionAttributeValues={**values, ":expires_at": _expiry(day)},
    )


def add_refused(user_id: str, domain_id: str, day: str, *, recipients: int, messages: int) -> None:
    """Add to what the gate refused on a UTC day. Raises StoreUnavailable at once, also for a write that was applied."""
    table.update(
        {"pk": metrics_partition(user_id, domain_id), "sk": day_sort_key(day)},
        once=True,
        waits=False,
        UpdateExpression=f"SET expires_at = :expires_at ADD {REFUSED} :recipients, {REFUSED_MESSAGES} :messages",
        ExpressionAttributeValues={":recipients": recipients, ":messages": messages, ":expires_at": _expiry(day)},
    )


def set_rates(user_id: str, domain_id: str, day: str, rates: dict[str, float]) -> bool:
    """Set rates of the domain's day by their attributes; False when it had them all. Raises StoreUnavailable."""
    # As text on the way, so that a rate is read as it was written.
    values = {f":{name}": Decimal(str(rate)) for name, rate in rates.items()}
    try:
        table.update(
            {"pk": metrics_partition(user_id, domain_id), "sk": day_sort_key(day)},
            UpdateExpression="SET expires_at = :expires_at, " + ", ".join(f"{name} = :{name}" for name in rates),
            ConditionExpression=" OR ".join(f"attribute_not_exists({name}) OR {name} <> :{name}" for name in rates),
            ExpressionAttributeValues={**values, ":expires_at": _expiry(day)},
        )
    except table.ConditionFailed:
        return False
    return True


def _expiry(day: str) -> int:
    return int((datetime.combine(date.fromisoformat(day), time.min, tzinfo=UTC) + DAYS_KEPT).timestamp())


def _between(user_id: str, domain_id: str, place: Callable[[str], str], names: list[str]) -> list[Period]:
    partition = Key("pk").eq(metrics_partition(user_id, domain_id))
    where = partition & Key("sk").between(place(names[0]), place(names[-1]))
    items = table.pages({"KeyConditionExpression": where, "ConsistentRead": True})
    by_place = {str(item["sk"]): item for item in items}
    return [_period(name, by_place.get(place(name), {})) for name in names]


def _period(name: str, item: dict[str, Any]) -> Period:
    groups: dict[str, dict[str, int]] = {}
    for attribute, value in item.items():
        field, _, group = attribute.partition("@")
        if field in FIELDS:
            groups.setdefault(group, {})[field] = int(value)
    return Period(
        name=name,
        total=Counts(**groups.pop("", {})),
        providers={name: Counts(**counts) for name, counts in groups.items()},
        spam_rate=item.get(SPAM_RATE),
        delivery_error_rate=item.get(DELIVERY_ERROR_RATE),
        limit=item.get(LIMIT),
        refused=item.get(REFUSED, 0),
        refused_messages=item.get(REFUSED_MESSAGES, 0),
    )
