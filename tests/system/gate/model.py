"""A model of the gate: the effect of each call on the item that all decisions are made on."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from kindling.metrics.model import GMAIL
from kindling.warming.model import DAY, HOUR, MINUTE, SENDING, Limits, Warming

# For the day, the hour and the minute.
Three = tuple[int, int, int]
LENGTHS = (DAY, HOUR, MINUTE)
OPEN = frozenset(phase.value for phase in SENDING)


class State(NamedTuple):
    """The state of a gate. `minute` is the newest one counted in; the other counts are of it, its hour and its day.

    `limits_on` is the first day of the limits; none older is counted in. Of all mailbox providers only Gmail has a
    budget, if there is one.
    """

    revision: int
    phase: str
    limits: Three | None
    minute: str = ""
    days: tuple[tuple[str, int], ...] = ()
    hour_used: int = 0
    minute_used: int = 0
    limits_on: str = ""
    budget: int | None = None
    gmail_used: int = 0

    @property
    def newest(self) -> str:
        """The first minute that may still be counted in."""
        return max(self.minute, f"{self.limits_on}T00:00" if self.limits_on else "")

    def used_in(self, day: str) -> int:
        return next((used for name, used in reversed(self.days) if name == day), 0)

    def with_day(self, day: str, used: int) -> tuple[tuple[str, int], ...]:
        if self.days and self.days[-1][0] == day:
            return (*self.days[:-1], (day, used))
        return tuple(sorted((dict(self.days) | {day: used}).items()))

    def at_gmail(self, day: str) -> int:
        """The count of the day's recipients at Gmail, as far as it is the newest day."""
        return self.gmail_used if day == self.minute[:DAY] else 0

    def used(self, minute: str) -> Three:
        """The counts in the windows of `minute`, which is not older than the newest."""
        return (
            self.used_in(minute[:DAY]),
            self.hour_used if minute[:HOUR] == self.minute[:HOUR] else 0,
            self.minute_used if minute == self.minute else 0,
        )


def three(limits: Limits | None) -> Three | None:
    return (limits.daily_limit, limits.hourly_limit, limits.per_minute_limit) if limits else None


def state_of(warming: Warming) -> State:
    """The state of the gate in an item."""
    sent, minute = warming.sent, warming.minute
    return State(
        warming.revision,
        warming.phase.value,
        three(warming.limits),
        minute,
        tuple(sorted((name, used) for name, used in sent.items() if len(name) == DAY)),
        sent.get(minute[:HOUR], 0),
        sent.get(minute, 0),
        warming.limits_on,
        warming.budgets.get(GMAIL),
        warming.by_provider(minute[:DAY]).get(GMAIL, 0),
    )


@dataclass(frozen=True, slots=True)
class Admitted:
    """`n` recipients, `at_gmail` of them there, were counted in `minute`.

    The client's clock stood between `since` and `until`. Where the write itself is known, `revision` is the one that it
    was made for.
    """

    reads: ClassVar[bool] = False
    n: int
    minute: str
    since: str
    until: str
    revision: int | None = None
    at_gmail: int = 0

    def apply(self, state: State) -> State | None:
        if state.phase not in OPEN or self.revision not in (None, state.revision):
            return None
        if not _is_now(self.minute, state.newest, self.since, self.until):
            return None
        day, hour, minute = state.used(self.minute)
        if state.limits:
            of_day, of_hour, of_minute = state.limits
            if day + self.n > of_day or hour + self.n > of_hour or minute + self.n > of_minute:
                return None
        at_gmail = state.at_gmail(self.minute[:DAY]) + self.at_gmail
        if self.at_gmail and state.budget is not None and at_gmail > state.budget:
            return None
        return State(
            state.revision,
            state.phase,
            state.limits,
            self.minute,
            state.with_day(self.minute[:DAY], day + self.n),
            hour + self.n,
            minute + self.n,
            state.limits_on,
            state.budget,
            at_gmail,
        )


@dataclass(frozen=True, slots=True)
class ClosedTo:
    """A refusal because of the phase."""

    reads: ClassVar[bool] = True
    phase: str

    def apply(self, state: State) -> State | None:
        return state if state.phase == self.phase and self.phase not in OPEN else None


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal because `n` exceed `window`, given by its start, while no longer window is exceeded.

    With `of_budget`, because the `at_gmail` recipients there exceed the day's budget, but all `n` not the day.
    """

    reads: ClassVar[bool] = True
    n: int
    phase: str
    window: str
    limit: int
    used: int
    since: str
    until: str
    at_gmail: int = 0
    of_budget: bool = False

    def apply(self, state: State) -> State | None:
        length = len(self.window)
        if state.phase != self.phase or state.limits is None:
            return None
        if not _is_now(self.window, state.newest[:length], self.since[:length], self.until[:length]):
            return None
        day, *others = zip(LENGTHS, (False,) * 3, state.limits, state.used(self.window), (self.n,) * 3, strict=True)
        at_gmail = (DAY, True, state.budget, state.at_gmail(self.window[:DAY]), self.at_gmail)
        for kind, of_budget, limit, used, n in (day, at_gmail, *others):
            exceeded = limit is not None and n > max(limit - used, 0)
            if (kind, of_budget) == (length, self.of_budget):
                return state if exceeded and (limit, used) == (self.limit, self.used) else None
            if exceeded:
                return None
        raise ValueError(self.window)


@dataclass(frozen=True, slots=True)
class Looked:
    """A read of the whole state."""

    reads: ClassVar[bool] = True
    seen: State

    def apply(self, state: State) -> State | None:
        return state if state == self.seen else None


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of phase and limits, on condition that the revision was `seen`."""

    reads: ClassVar[bool] = False
    seen: int
    phase: str
    limits: Three | None
    limits_on: str = ""
    budget: int | None = None

    def apply(self, state: State) -> State | None:
        if state.revision != self.seen:
            return None
        return state._replace(
            revision=self.seen + 1,
            phase=self.phase,
            limits=self.limits,
            limits_on=self.limits_on,
            budget=self.budget,
        )


@dataclass(frozen=True, slots=True)
class Outrun:
    """A change that was refused because the revision was not `seen` any more."""

    reads: ClassVar[bool] = True
    seen: int

    def apply(self, state: State) -> State | None:
        return state if state.revision != self.seen else None


@dataclass(frozen=True, slots=True)
class GaveBack:
    """`n` recipients, `at_gmail` of them there, were subtracted from the windows of `minute` that still exist."""

    reads: ClassVar[bool] = False
    n: int
    minute: str
    at_gmail: int = 0

    def apply(self, state: State) -> State | None:
        day = self.minute[:DAY]
        left = state.used_in(day) - self.n
        after = state._replace(
            days=state.with_day(day, left),
            hour_used=state.hour_used - self.n * (state.minute[:HOUR] == self.minute[:HOUR]),
            minute_used=state.minute_used - self.n * (state.minute == self.minute),
            gmail_used=state.gmail_used - self.at_gmail * (state.minute[:DAY] == day),
        )
        return after if min(left, after.hour_used, after.minute_used, after.gmail_used) >= 0 else None


AnyCall = Admitted | ClosedTo | Refused | Looked | Changed | Outrun | GaveBack


def _is_now(window: str, newest: str, since: str, until: str) -> bool:
    """Whether a decision counts in `window`: that of the client's clock, or the newest when the clock is behind."""
    return since <= window and newest <= window and (window == newest or window <= until)
