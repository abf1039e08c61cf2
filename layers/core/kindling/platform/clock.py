"""The only clock. Everything that asks what time it is, or waits, asks here.

In the local cloud `settings.clock_file` names a file that holds the seconds by which the clock runs ahead of
the machine's own; on AWS there is no such file and the clock is the machine's.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from kindling.platform.settings import settings

# What an answer takes after the last wait.
ANSWER_SECONDS = 1.0
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def now() -> datetime:
    """The current instant, in UTC."""
    return datetime.now(UTC) + _ahead()


def today() -> date:
    """The current day, in UTC."""
    return now().date()


def timestamp(instant: datetime | None = None) -> str:
    """An instant as ISO 8601 with milliseconds and `Z`; equal lengths, so text order is time order."""
    text = (instant or now()).astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The instant that `timestamp` wrote."""
    return datetime.fromisoformat(text)


def monotonic() -> float:
    """Seconds on a clock that never steps, for measuring waits."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait for real seconds, whatever the clock file says."""
    time.sleep(seconds)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let every wait inside end `ANSWER_SECONDS` before `seconds` have passed; see `left`."""
    token = _deadline.set(monotonic() + seconds - ANSWER_SECONDS)
    try:
        yield
    finally:
        _deadline.reset(token)


def left(most: float) -> float:
    """How long a wait of up to `most` seconds may take before the deadline of the caller; 0 when that is over."""
    ends_at = _deadline.get()
    return most if ends_at is None else min(most, max(ends_at - monotonic(), 0.0))


def _ahead() -> timedelta:
    path = settings().clock_file
    if not path:
        return timedelta(0)
    try:
        return timedelta(seconds=float(Path(path).read_text()))
    except FileNotFoundError:
        return timedelta(0)
