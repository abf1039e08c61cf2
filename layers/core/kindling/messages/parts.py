"""What other topics write into their transactions for messages."""

from kindling.messages.model import Event, Message, kept_events, message_key
from kindling.platform.table import Part


def reported(message: Message, events: list[Event]) -> Part:
    """Add events to a message, as far as it has room for them.

    Events are only added, so their order does not matter. The item gets its end anew: were it deleted a moment ago,
    this would write one without an end.
    """
    added = [event.model_dump(exclude_defaults=True) for event in kept_events(message, events)]
    if not added:
        return []
    return [
        {
            "Update": {
                "Key": message_key(message.user_id, message.id),
                "UpdateExpression": "SET events = list_append(if_not_exists(events, :none), :added), expires_at = :end",
                "ExpressionAttributeValues": {
                    ":none": [],
                    ":added": added,
                    ":end": int(message.expires.timestamp()),
                },
            }
        }
    ]
