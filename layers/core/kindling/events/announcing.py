"""From changes in the table to the stack's EventBridge bus, for the operator's own rules.

It follows the stream by itself: the bus waits for no webhook, and no webhook for the bus.
"""

from typing import Any

from kindling.events.reading import events_in
from kindling.platform import bus, clock
from kindling.platform.bus import Notice


def announce(records: list[Any]) -> dict[str, int]:
    """Put the events of a batch of the stream on the bus, at least once. Raises StoreUnavailable."""
    events = events_in(records)
    bus.put([Notice(event.type, clock.parse(event.created_at), event.announcement()) for event in events])
    return {"events": len(events)}
