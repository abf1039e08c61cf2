"""DynamoDB calls for webhooks: what an event changes is written in transactions that remember it, so it counts once."""

from datetime import timedelta

from kindling.platform import clock, table
from kindling.platform.table import TRANSACTION_LIMIT, Part

# Longer than the provider retries (27 h 35 min), with room for an endpoint that was disabled and enabled again.
REMEMBERED = timedelta(days=14)
# The actions in one transaction beside the one that remembers it.
MOST = TRANSACTION_LIMIT - 1


def once(event_id: str, actions: Part) -> bool:
    """Write those of `actions` that were not written for this event before; whether there were any.

    More than fit into one transaction are written in several, the first ones first. An event that was handled in part
    is completed when the provider repeats it.
    """
    parts = [actions[start : start + MOST] for start in range(0, len(actions), MOST)]
    return sum(_once(event_id, number, part) for number, part in enumerate(parts)) > 0


def _once(event_id: str, number: int, part: Part) -> bool:
    seen = {
        "pk": f"EVENT#{event_id}",
        "sk": f"SEEN#{number}" if number else "SEEN",
        "expires_at": int((clock.now() + REMEMBERED).timestamp()),
    }
    try:
        table.transact([{"Put": {"Item": seen, "ConditionExpression": "attribute_not_exists(pk)"}}, *part])
    except table.TransactionFailed:
        return False
    return True
