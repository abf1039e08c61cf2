"""DynamoDB calls for metrics: one item a domain and day, one a domain and hour, whose counters are only added to.

A counter is an attribute: `sent` for the whole, `sent@gmail` for a mailbox provider. The two kinds of item stay
small, because every event rewrites them.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from kindling.metrics.model import FIELDS, Counts, Period, provider_of
from kindling.platform import table
from kindling.platform.table import Key

DAYS_KEPT = timedelta(days=400)
HOURS_KEPT = timedelta(days=40)


def added(user_id: str, domain_id: str, at: datetime, field: str, recipients: Iterable[str]) -> list[dict[str, Any]]:
    """The actions of a transaction that count `recipients` under `field` on the day and in the hour of `at`."""
    addresses = list(recipients)
    fields = ("bounced", "hard_bounced") if field == "hard_bounced" else (field,)
    whole = dict.fromkeys(fields, len(addresses))
    split = Counter(f"{name}@{provider_of(address)}" for address in addresses for name in fields)
    owner = _of(user_id, domain_id)
    return [
        _add({"pk": owner, "sk": _day(f"{at:%Y-%m-%d}")}, whole | split, at + DAYS_KEPT),
        _add({"pk": owner, "sk": _hour(f"{at:%Y-%m-%dT%H}")}, whole, at + HOURS_KEPT),
    ]


def days(user_id: str, domain_id: str, dates: list[str]) -> list[Period]:
    """The domain's days at `dates`, oldest first; a day without mail is all zeros."""
    return _between(user_id, domain_id, _day, dates)


def hours(user_id: str, domain_id: str, hours: list[str]) -> list[Period]:
    """The same for hours, named `YYYY-MM-DDTHH`."""
    return _between(user_id, domain_id, _hour, hours)


def _between(user_id: str, domain_id: str, sort_key: Any, names: list[str]) -> list[Period]:
    where = Key("pk").eq(_of(user_id, domain_id)) & Key("sk").between(sort_key(names[0]), sort_key(names[-1]))
    items = table.pages({"KeyConditionExpression": where, "ConsistentRead": True})
    found = {str(item["sk"]): item for item in items}
    return [_read(name, found.get(sort_key(name), {})) for name in names]


def _read(name: str, item: dict[str, Any]) -> Period:
    groups: dict[str, dict[str, int]] = {}
    for attribute, value in item.items():
        field, _, provider = attribute.partition("@")
        if field in FIELDS:
            groups.setdefault(provider, {})[field] = int(value)
    total = Counts(**groups.pop("", {}))
    return Period(name=name, total=total, providers={name: Counts(**counts) for name, counts in groups.items()})


def _add(key: dict[str, str], counts: dict[str, int], expires_at: datetime) -> dict[str, Any]:
    adds = ", ".join(f"#{i} :{i}" for i in range(len(counts)))
    values = {f":{i}": count for i, count in enumerate(counts.values())}
    return {
        "Update": {
            "Key": key,
            "UpdateExpression": f"SET expires_at = :expires_at ADD {adds}",
            "ExpressionAttributeNames": {f"#{i}": name for i, name in enumerate(counts)},
            "ExpressionAttributeValues": values | {":expires_at": int(expires_at.timestamp())},
        }
    }


def _of(user_id: str, domain_id: str) -> str:
    return f"TENANT#{user_id}#METRICS#{domain_id}"


def _day(date: str) -> str:
    return f"DAY#{date}"


def _hour(hour: str) -> str:
    return f"HOUR#{hour}"
