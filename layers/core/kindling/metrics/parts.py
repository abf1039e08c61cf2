"""What other topics write into their transactions for metrics."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from kindling.metrics.model import DAYS_KEPT, HOURS_KEPT, day_sort_key, hour_sort_key, metrics_partition
from kindling.platform.table import Action, Part

# A field of `Counts`, and the class of the recipients.
Cell = tuple[str, str]


def counted(user_id: str, domain_id: str, sent: datetime, counts: Mapping[Cell, int]) -> Part:
    """Count recipients by field and class, on the UTC day and in the hour in which their message was sent."""
    whole: Counter[str] = Counter()
    for (field, _), number in counts.items():
        whole[field] += number
    split = {f"{field}@{group}": number for (field, group), number in counts.items()}
    partition = metrics_partition(user_id, domain_id)
    return [
        _add({"pk": partition, "sk": day_sort_key(f"{sent:%Y-%m-%d}")}, whole | split, sent + DAYS_KEPT),
        _add({"pk": partition, "sk": hour_sort_key(f"{sent:%Y-%m-%dT%H}")}, whole | split, sent + HOURS_KEPT),
    ]


def _add(key: dict[str, str], counts: dict[str, int], expires_at: datetime) -> Action:
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
