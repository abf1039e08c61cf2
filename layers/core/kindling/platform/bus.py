"""Events on the stack's EventBridge bus."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kindling.errors import StoreUnavailable
from kindling.platform import aws, clock
from kindling.platform.observability import logger
from kindling.platform.settings import settings

SOURCE = "kindling"
# Of one PutEvents: docs.aws.amazon.com/eventbridge, "Sending events with PutEvents".
MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024
TIME_BYTES = 14
# The longest pauses after attempts in which entries failed, in seconds.
PAUSES = (0.1, 0.4, 1.6)
# EventBridge will not take such an entry the next time either (API reference, PutEventsResultEntry).
REFUSED = frozenset({"InvalidArgument", "MalformedDetail", "RedactionFailure"})

Entry = dict[str, Any]


@dataclass(frozen=True)
class Notice:
    """An event: its type, its instant, and a JSON object in ASCII."""

    detail_type: str
    at: datetime
    detail: str

    @property
    def size(self) -> int:
        """The bytes that EventBridge counts."""
        return TIME_BYTES + len(SOURCE) + len(self.detail_type) + len(self.detail)


def put(notices: Iterable[Notice]) -> None:
    """Put events on the bus, each at least once; one that EventBridge refuses is logged and left out.

    Raises StoreUnavailable when the bus does not take all others; some may be on it then.
    """
    for batch in _batches(notices):
        _put([_entry(notice) for notice in batch])


def _put(entries: list[Entry]) -> None:
    for pause in PAUSES:
        entries = _left(entries)
        if not entries:
            return
        clock.sleep(random.uniform(0, pause))  # noqa: S311
    if _left(entries):
        raise StoreUnavailable("EventBridge did not take every event.")


def _left(entries: list[Entry]) -> list[Entry]:
    """Put entries on the bus; those that have to be put again."""
    with aws.available():
        results = aws.eventbridge().put_events(Entries=entries)["Entries"]
    left = []
    for entry, result in zip(entries, results, strict=True):
        code = result.get("ErrorCode")
        if code in REFUSED:
            logger.error("event refused by the bus", code=code, detail_type=entry["DetailType"])
        elif code:
            logger.warning("event not taken by the bus", code=code, detail_type=entry["DetailType"])
            left.append(entry)
    return left


def _batches(notices: Iterable[Notice]) -> Iterator[list[Notice]]:
    batch: list[Notice] = []
    for notice in notices:
        full = len(batch) == MOST_ENTRIES or sum(one.size for one in batch) + notice.size > MOST_BYTES
        if batch and full:
            yield batch
            batch = []
        batch.append(notice)
    if batch:
        yield batch


def _entry(notice: Notice) -> Entry:
    return {
        "EventBusName": settings().event_bus_name,
        "Source": SOURCE,
        "DetailType": notice.detail_type,
        "Detail": notice.detail,
        "Time": notice.at,
    }
