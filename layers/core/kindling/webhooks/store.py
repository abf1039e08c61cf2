"""DynamoDB calls for webhooks: an event and all that it changes are written together, once."""

from datetime import timedelta
from typing import Any

from kindling.platform import clock, table

# Longer than the provider keeps trying (27 h 35 min), with room for an endpoint that was switched on again.
REMEMBERED = timedelta(days=14)


def once(event_id: str, actions: list[dict[str, Any]]) -> bool:
    """Write `actions` unless this event was handled before; whether they were written."""
    seen = {
        "pk": f"EVENT#{event_id}",
        "sk": "SEEN",
        "expires_at": int((clock.now() + REMEMBERED).timestamp()),
    }
    try:
        table.transact([{"Put": {"Item": seen, "ConditionExpression": "attribute_not_exists(pk)"}}, *actions])
    except table.TransactionFailed:
        return False
    return True
