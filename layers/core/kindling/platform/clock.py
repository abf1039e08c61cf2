"""The only clock: all other code reads the time and waits through this module.

In the local cloud `settings.clock_file` names a file that holds an offset in seconds, which is added to the
system time. On AWS the setting is empty and the system time is used.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from kindling.platform.settings import settings

# Time reserved for producing the response after the last wait.
ANSWER_SECONDS = 1.0
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC) + _ahead()


def today() -> date:
    """The current date in UTC."""
    return now().date()


def timestamp(instant: datetime | None = None) -> str:
    """`instant` (default: now) as ISO 8601 in UTC with milliseconds and `Z`.

    All timestamps have the same length, so that they sort by time.
    """
    text = (instant or now()).astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The inverse of `timestamp`."""
    return datetime.fromisoformat(text)


def monotonic() -> float:
    """Seconds on a clock that is never adjusted, for measuring durations."""
    return time.monotonic()


def since(milliseconds: int) -> float:
    """Seconds since an instant of AWS's clock, in milliseconds of Unix time; 0 for one that is still to come.

    The clock file has no effect.
    """
    return max(time.time() - milliseconds / 1000, 0.0)


def sleep(seconds: float) -> None:
    """Wait for `seconds` of system time; the clock file has no effect."""
    time.sleep(seconds)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Set a deadline for the block, `ANSWER_SECONDS` before `seconds` from now. `left` bounds waits by it."""
    with _ending(monotonic() + seconds - ANSWER_SECONDS):
        yield


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Set a deadline for the block, `seconds` from now or at the deadline around it, whichever comes first."""
    with _ending(monotonic() + left(seconds)):
        yield


def left(most: float) -> float:
    """The seconds that a wait may take: `most`, or less when the caller's deadline comes first; 0 after it."""
    ends_at = _deadline.get()
    return most if ends_at is None else min(most, max(ends_at - monotonic(), 0.0))


def has(seconds: float) -> bool:
    """Whether that many seconds are left before the caller's deadline."""
    return left(seconds) >= seconds


@contextmanager
def _ending(instant: float) -> Iterator[None]:
    token = _deadline.set(instant)
    try:
        yield
    finally:
        _deadline.reset(token)


def _ahead() -> timedelta:
    path = settings().clock_file
    if not path:
        return timedelta(0)
    try:
        return timedelta(seconds=float(Path(path).read_text()))
    except FileNotFoundError:
        return timedelta(0)
