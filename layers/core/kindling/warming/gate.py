"""The gate: the decision whether a domain may send to `n` recipients now. Pure; `store.count` carries it out."""

from collections.abc import Iterable, Mapping
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
from kindling.metrics.model import MAILBOX_PROVIDERS
from kindling.warming.model import (
    DAY,
    HOUR,
    MINUTE,
    OF_CLASS,
    SENDING,
    Phase,
    Warming,
    day_of_class,
    window_of_class,
)

# The days with mail kept in the counters, this one included; the metrics know those before.
DAYS_KEPT = 3
# The hours with mail, this one included.
HOURS_KEPT = 4
# The days, today included, of which recipients are kept by class until the daily judgement has taken them over.
DAYS_BY_CLASS = 3

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

    def counts(self, recipients: Mapping[str, int]) -> dict[str, int]:
        """What is counted of `recipients`, by class, in which window."""
        by_class = {window_of_class(self.day, name): n for name, n in recipients.items() if n}
        return dict.fromkeys(self.names, sum(recipients.values())) | by_class


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
    """One limit, how much of it is used, and when its window ends. A budget has a mailbox provider."""

    limit_type: str
    limit: int
    used: int
    ends_at: datetime
    mailbox_provider: str = ""

    @property
    def name(self) -> str:
        """The limit in a sentence."""
        return f"daily {self.mailbox_provider}" if self.mailbox_provider else self.limit_type.replace("_", "-")

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


def budgets(warming: Warming, now: datetime) -> list[Bound]:
    """The limits at `now` of the mailbox providers that have one."""
    day, _, _ = bounds(warming, now)
    used = warming.by_provider(windows(warming, now).day)
    limits = warming.budgets if warming.phase in SENDING else dict.fromkeys(warming.budgets, 0)
    return [
        Bound("mailbox_provider", limits[name], used.get(name, 0), day.ends_at, name)
        for name in MAILBOX_PROVIDERS
        if name in limits
    ]


def exceeded(warming: Warming, recipients: Mapping[str, int], now: datetime) -> list[tuple[Bound, int]]:
    """The limits that have no room for their part of `recipients`, by class, with that part.

    The longest window comes first, and the limit of all mail before that of one mailbox provider: who leaves its
    recipients out would still be refused.
    """
    n = sum(recipients.values())
    day, hour, minute = bounds(warming, now)
    at_providers = [(bound, recipients.get(bound.mailbox_provider, 0)) for bound in budgets(warming, now)]
    return [(bound, n) for bound, n in [(day, n), *at_providers, (hour, n), (minute, n)] if n > bound.room]


@dataclass(frozen=True)
class Refusal:
    """Why a send is refused: because `bound` has no room for `n` recipients, or of the phase when that is None.

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
        message = f"{self.bound.name} sending limit exceeded"
        provider = {"mailbox_provider": self.bound.mailbox_provider} if self.bound.mailbox_provider else {}
        return RateLimitExceeded(
            f"{message}: {sentence(self.bound, self.n)}" if self.n > self.bound.limit else message,
            limit_type=self.bound.limit_type,
            **provider,
            limit=self.bound.limit,
            used=self.bound.used,
            retry_after_seconds=seconds_until(self.until, now),
            warming_phase=self.phase,
        )


def refusal(warming: Warming, recipients: Mapping[str, int], now: datetime) -> Refusal | None:
    """Why `recipients`, by class, are refused; None when they are admitted. Of several limits, the first exceeded."""
    if warming.phase not in SENDING:
        return Refusal(warming.phase)
    for bound, n in exceeded(warming, recipients, now):
        # More than the whole limit: only another day's limits may be high enough.
        until = bound.ends_at if n <= bound.limit else _limits_change(warming, now)
        return Refusal(warming.phase, n, bound, until)
    return None


def _limits_change(warming: Warming, now: datetime) -> datetime:
    """When the limits may be others: after the next judgement, which is due in the first hour of each day."""
    daily, hourly, _ = bounds(warming, now)
    judged_until = f"{daily.ends_at - timedelta(days=1):%Y-%m-%d}"
    return hourly.ends_at if warming.counted_on < judged_until else daily.ends_at


def sentence(bound: Bound, n: int) -> str:
    """A sentence that says, with numbers, why `n` recipients do not fit."""
    if n > bound.limit:
        return f"{n:,} recipients are more than the whole {bound.name} limit of {bound.limit:,}: send to fewer at once"
    return f"the {bound.name} limit of {bound.limit:,} has room for {bound.room:,} more recipients"


def outdated(warming: Warming, current: Windows) -> list[str]:
    """The counters to remove when counting in `current`: all but the last days and hours, and the minute."""
    minutes = [name for name in warming.sent if len(name) == MINUTE and name != current.minute]
    by_class = {name: day_of_class(name) for name in warming.sent if len(name) == OF_CLASS}
    untaken = {day for day in by_class.values() if day >= warming.counted_on}
    kept = {current.day, *_oldest_last(untaken, current.day)[: DAYS_BY_CLASS - 1]}
    return [
        *_oldest_last(warming.days, current.day)[DAYS_KEPT - 1 :],
        *_oldest_last(warming.hours, current.hour)[HOURS_KEPT - 1 :],
        *minutes,
        *(name for name, day in by_class.items() if day not in kept),
    ]


def _oldest_last(names: Iterable[str], current: str) -> list[str]:
    """The names but the current one."""
    return sorted({*names} - {current}, reverse=True)


def seconds_until(instant: datetime, now: datetime) -> int:
    """Whole seconds until `instant`, at least one."""
    return max(ceil((instant - now).total_seconds()), 1)
