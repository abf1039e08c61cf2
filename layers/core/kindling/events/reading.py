"""The events of a batch of the table's stream, for all who are told of them."""

from typing import Any

from kindling.events.changes import change_of, event_of
from kindling.events.model import Event
from kindling.platform import table
from kindling.platform.observability import logger


def events_in(records: list[Any]) -> list[Event]:
    """The events of the records. One that is not understood is logged and left out."""
    return [event for record in records if (event := _read(record))]


def _read(record: Any) -> Event | None:
    try:
        return event_of(change_of(record, table.image))
    except Exception:  # noqa: BLE001
        # It would not be understood the next time either, and all that comes after it would wait for it.
        logger.exception("change not understood", event_id=record.get("eventID"))
        return None
