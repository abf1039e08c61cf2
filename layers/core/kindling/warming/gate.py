"""The gate: the decision whether a domain may send to `n` recipients now. Pure; `store.count` carries it out."""

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

# The days kept in the counters: enough for the policy's evidence of seven days, and for the last day with mail.
DAYS_KEPT = 8

_PHASE_ERRORS: dict[Phase, tuple[type[KindlingError], str]] = {
    Phase.NOT_STARTED: (WarmingNotStarted, "The domain's warming has not been started."),
    Phase.PAUSED: (WarmingPaused, "The domain's warming is paused."),
    Phase.SUSPENDED: (WarmingSuspended, "The domain's warming is suspended."),
}


@dataclass(frozen=True)
class Windows:
    """The minute, hour and day in which a send is counted, as prefixes of an ISO 8601 instant in UTC."""

    minute: str

    @property
    def hour(self) -> str:
        return self.minute[:HOUR]

    @property
    def day(self) -> str:
        return self.minute[:DAY]

    @property
    def names(self) -> tuple[str, str, str]:
        """Day, hour and minute."""
        return self.day, self.hour, self.minute


def windows(warming: Warming, now: datetime) -> Windows:
    """The windows in which a send is counted: those of `now`, or of the last counted send or the limits if later.

    Otherwise a process whose clock is behind, or that was suspended before its write, could count in a window that has
    ended, or apply a new day's limits to the day before.
    """
    current = now.astimezone(UTC).isoformat(timespec="minutes")[:MINUTE]
    of_limits = f"{warming.limits_on}T00:00" if warming.limits_on else ""
    return Windows(max(current, warming.minute, of_limits))


@dataclass(frozen=True)
class Bound:
    """One limit, how much of it is used, and when its window ends."""

    limit_type: str
    limit: int
    used: int
    ends_at: datetime

    @property
    def room(self) -> int:
        """How many more recipients fit."""
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
    """Why a send to `n` recipients is refused: because of `bound`, or of the phase when that is None.

    `until` is when a retry may succeed: when the window ends, or when the next day's limits apply.
    """

    phase: Phase
    n: int = 0
    bound: Bound | None = None
    until: datetime | None = None

    @property
    def limit(self) -> str:
        """The limit that refuses, or the phase that does."""
        return self.bound.limit_type if self.bound else str(self.phase)

    def error(self, now: datetime) -> KindlingError:
        """The error that the API returns."""
        if self.bound is None or self.until is None:
            kind, message = _PHASE_ERRORS[self.phase]
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
    """Why `n` recipients are refused, None when they are admitted. Of several limits, that with the longest window."""
    if warming.phase not in SENDING:
        return Refusal(warming.phase)
    limits = bounds(warming, now)
    for bound in limits:
        if n > bound.room:
            # More than the whole limit: only another day's limits may be high enough.
            until = bound.ends_at if n <= bound.limit else _limits_change(warming, limits)
            return Refusal(warming.phase, n, bound, until)
    return None


def _limits_change(warming: Warming, limits: tuple[Bound, Bound, Bound]) -> datetime:
    """When the limits may be others: after the next judgement, which is due in the first hour of each day."""
    daily, hourly, _ = limits
    judged_until = f"{daily.ends_at - timedelta(days=1):%Y-%m-%d}"
    return hourly.ends_at if warming.counted_on < judged_until else daily.ends_at


def sentence(bound: Bound, n: int) -> str:
    """A sentence that says, with numbers, why `n` recipients do not fit."""
    name = bound.limit_type.replace("_", "-")
    if n > bound.limit:
        return f"{n:,} recipients are more than the whole {name} limit of {bound.limit:,}: send to fewer at once"
    return f"the {name} limit of {bound.limit:,} has room for {bound.room:,} more recipients"


def outdated(warming: Warming, current: Windows) -> list[str]:
    """The counters to remove when counting in `current`: past hours and minutes, and all but `DAYS_KEPT` days."""
    days = sorted(day for day in warming.days if day != current.day)
    past = [name for name in warming.sent if len(name) > DAY and name not in (current.minute, current.hour)]
    return past + days[: max(len(days) + 1 - DAYS_KEPT, 0)]


def seconds_until(instant: datetime, now: datetime) -> int:
    """Whole seconds until `instant`, at least one."""
    return max(ceil((instant - now).total_seconds()), 1)
