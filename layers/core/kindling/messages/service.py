"""Use cases of messages: record, find."""

from kindling.messages import store
from kindling.messages.model import Message
from kindling.platform import clock


def record(message: Message) -> None:
    """Remember a message for `KEPT`. Repeating it changes nothing. Raises StoreUnavailable."""
    store.put(message)


def find(user_id: str, message_id: str) -> Message | None:
    """The tenant's message; None for one that never passed the gate, or did so longer than `KEPT` ago."""
    message = store.get(user_id, message_id)
    # The table's time to live deletes it some time later.
    return message if message and clock.now() < message.expires else None
