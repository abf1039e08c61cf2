"""Statistics of many simulated domains."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p

from tests.simulation.life import WEEK_DAYS, Life

WEEKS = 8


def upper_bound(events: int, trials: int, confidence: float = 0.95) -> float:
    """The exact one-sided upper confidence bound of the rate, given `events` in `trials`."""
    low, high = events / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(events, trials, middle) > 1 - confidence else (low, middle)
    return high


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@dataclass(frozen=True)
class Kept:
    """Domains that should not be stopped. Counts the weeks with a stop; after a suspension all weeks count."""

    domains: int
    stopped_weeks: int
    stopped_domains: int
    suspended: int
    steps_back: int
    warmed: list[int]
    not_warmed: int

    @classmethod
    def of(cls, lives: Sequence[Life]) -> "Kept":
        return cls(
            domains=len(lives),
            stopped_weeks=sum(week < WEEKS for life in lives for week in life.stopped_weeks),
            stopped_domains=sum(any(week < WEEKS for week in life.stopped_weeks) for life in lives),
            suspended=sum(life.suspended for life in lives),
            steps_back=sum(life.steps_back for life in lives),
            warmed=sorted(life.warmed_on for life in lives if life.warmed_on is not None),
            not_warmed=sum(life.warmed_on is None for life in lives),
        )

    @property
    def weeks(self) -> int:
        return self.domains * WEEKS

    @property
    def stopped_share(self) -> float:
        return self.stopped_weeks / self.weeks

    @property
    def bound(self) -> float:
        return upper_bound(self.stopped_weeks, self.weeks)

    def warmed_by(self, week: int) -> float:
        return sum(day <= week * WEEK_DAYS for day in self.warmed) / self.domains

    def warmed_after(self, share: float) -> float | None:
        """The day by which `share` of all domains was warmed; None when fewer ever were."""
        never = float("inf")
        found = quantile([*self.warmed, *[never] * self.not_warmed], share)
        return None if found == never else found


@dataclass(frozen=True)
class Caught:
    """Domains that should be stopped, and the recipients of the stopped ones from the first bad day to the stop."""

    domains: int
    sent: list[int]

    @classmethod
    def of(cls, lives: Sequence[Life], *, turned: bool) -> "Caught":
        stops = [life.stops[0] for life in lives if life.stops]
        late = [stop for stop in stops if not turned or stop.sent_bad]
        return cls(
            domains=len(lives) - (len(stops) - len(late)),
            sent=sorted(stop.sent_bad if turned else stop.sent for stop in late),
        )

    @property
    def share(self) -> float:
        return len(self.sent) / self.domains

    def after(self, share: float) -> float:
        """The recipients after which `share` of the stopped domains had been stopped."""
        return quantile(self.sent, share)

    def after_of_all(self, share: float) -> float:
        """The recipients after which `share` of all domains had been stopped; infinite when fewer ever were."""
        return quantile([*self.sent, *[float("inf")] * (self.domains - len(self.sent))], share)


def at_most(events: int, trials: int, rate: float) -> float:
    """The probability of `events` or fewer among `trials` at `rate`."""
    if rate >= 1:
        return float(events >= trials)

    def exactly(k: int) -> float:
        choose = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
        return exp(choose + k * log(rate) + (trials - k) * log1p(-rate))

    return sum(exactly(k) for k in range(events + 1))
