"""The decision whether `n` recipients may be written to now. Pure; `warming.store.count` carries it out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from kindling.errors import (
    KindlingError,
    RateLimitExceeded,
    WarmingNotStarted,
    WarmingPaused,
    WarmingSuspended,
)
from kindling.warming.model import DAY, HOUR, MINUTE, SENDING, Phase, Warming

# Days that stay in an item; the newest of them tells how long a domain has been idle.
DAYS_KEPT = 8

_CLOSED: dict[Phase, tuple[type[KindlingError], str]] = {
    Phase.NOT_STARTED: (WarmingNotStarted, "The domain's warming has not been started."),
    Phase.PAUSED: (WarmingPaused, "The domain's warming is paused."),
    Phase.SUSPENDED: (WarmingSuspended, "The domain's warming is suspended."),
}


@dataclass(frozen=True)
class Windows:
    """The minute, hour and day in which a send counts, each named by the beginning of its instants."""

    minute: str

    @property
    def hour(self) -> str:
        return self.minute[:HOUR]

    @property
    def day(self) -> str:
        return self.minute[:DAY]

    @property
    def names(self) -> tuple[str, str, str]:
        return self.day, self.hour, self.minute


def windows(warming: Warming, now: datetime) -> Windows:
    """The windows of a decision made at `now`: never older than the newest one counted in, nor than the limits.

    A process whose clock is behind, or that slept between its decision and the write, must not count into a
    window that has been left, nor a new day's limits into the day before.
    """
    own = now.astimezone(UTC).isoformat(timespec="minutes")[:MINUTE]
    of_limits = f"{warming.limits_on}T00:00" if warming.limits_on else ""
    return Windows(max(own, warming.minute, of_limits))


@dataclass(frozen=True)
class Bound:
    """One limit as it stands: `ends_at` is when its window ends."""

    limit_type: str
    limit: int
    used: int
    ends_at: datetime

    @property
    def room(self) -> int:
        return max(self.limit - self.used, 0)


def bounds(warming: Warming, now: datetime) -> tuple[Bound, Bound, Bound]:
    """The three limits at `now`: day, hour, minute."""
    at = windows(warming, now)
    minute = datetime.fromisoformat(f"{at.minute}:00+00:00")
    day = minute.replace(hour=0, minute=0)
    limit = warming.limit

    def bound(limit_type: str, limit: int, window: str, ends_at: datetime) -> Bound:
        return Bound(limit_type, limit, warming.sent.get(window, 0), ends_at)

    return (
        bound("daily", limit.daily_limit, at.day, day + timedelta(days=1)),
        bound("hourly", limit.hourly_limit, at.hour, minute.replace(minute=0) + timedelta(hours=1)),
        bound("per_minute", limit.per_minute_limit, at.minute, minute + timedelta(minutes=1)),
    )


@dataclass(frozen=True)
class Refusal:
    """Why `n` recipients may not be written to now; `bound` is the limit in the way, None where the phase is.

    `until` is when another try may go better: at the window's end, or with the next day's limits.
    """

    phase: Phase
    n: int = 0
    bound: Bound | None = None
    until: datetime | None = None

    def error(self, now: datetime) -> KindlingError:
        """The refusal as the API words it."""
        if self.bound is None or self.until is None:
            kind, message = _CLOSED[self.phase]
            return kind(message, warming_phase=self.phase)
        exceeded = f"{self.bound.limit_type.replace('_', '-')} sending limit exceeded"
        return RateLimitExceeded(
            f"{exceeded}: {sentence(self.bound, self.n)}" if self.n > self.bound.limit else exceeded,
            limit_type=self.bound.limit_type,
            limit=self.bound.limit,
            used=self.bound.used,
            retry_after_seconds=seconds_until(self.until, now),
            warming_phase=self.phase,
        )


def refusal(warming: Warming, n: int, now: datetime) -> Refusal | None:
    """What stands in the way of `n` recipients, None for nothing; of several limits the one that lasts longest."""
    if warming.phase not in SENDING:
        return Refusal(warming.phase)
    standing = bounds(warming, now)
    for bound in standing:
        if n > bound.room:
            # What is more than a whole limit has to wait for another day's limits.
            until = bound.ends_at if n <= bound.limit else standing[0].ends_at
            return Refusal(warming.phase, n, bound, until)
    return None


def sentence(bound: Bound, n: int) -> str:
    """Why `n` recipients do not fit, with numbers."""
    name = bound.limit_type.replace("_", "-")
    if n > bound.limit:
        return f"{n:,} recipients are more than the whole {name} limit of {bound.limit:,}: send to fewer at once"
    return f"the {name} limit of {bound.limit:,} has room for {bound.room:,} more recipients"


def stale(warming: Warming, at: Windows) -> list[str]:
    """The windows that nothing can be counted in any more, and that nobody reads."""
    days = sorted(day for day in warming.days if day != at.day)
    past = [name for name in warming.sent if len(name) > DAY and name not in (at.minute, at.hour)]
    return past + days[: max(len(days) + 1 - DAYS_KEPT, 0)]


def seconds_until(instant: datetime, now: datetime) -> int:
    """Whole seconds until `instant`, at least one."""
    return max(ceil((instant - now).total_seconds()), 1)
