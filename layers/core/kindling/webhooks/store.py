"""DynamoDB calls for webhooks: an event and everything it changes are one transaction, so it counts once."""

from datetime import timedelta

from kindling.platform import clock, table
from kindling.platform.table import Part

# Longer than the provider retries (27 h 35 min), with room for an endpoint that was disabled and enabled again.
REMEMBERED = timedelta(days=14)


def once(event_id: str, actions: Part) -> bool:
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
