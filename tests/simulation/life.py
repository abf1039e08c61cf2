"""Simulates a warming domain: the mail it sends, the reports and their delays, and the decisions of the policy.

The production code decides: `judgement.judge` runs at each UTC midnight and after every bounce and complaint, on a
table in memory. Only evaluations whose result is known are skipped (see `Windows.asks`).

A domain is verified at a random hour of day 0. Each day it sends its share of the daily limit, one recipient after
another at the rate of the hourly limit, from a random hour on. Each recipient bounces or complains with the
domain's rates, independently of all others. Nine in ten bounces arrive within minutes, the others after hours, some of
them on the next day. Complaints arrive with a median of ten hours, one in twenty after more than two days.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from math import log, log1p
from random import Random
from typing import NamedTuple

from kindling.warming import judgement, policy
from kindling.warming.model import Limits, Phase
from kindling.warming.schedules import PRESETS
from tests.simulation.memory import KEY, Judge, Memory, remembering

DAY_HOURS, WEEK_DAYS = 24.0, 7
WEEKEND = 5
# In hours: how long a delivery takes, the mean of a quick bounce, the medians of a slow one and of a complaint.
DELIVERY, QUICK_BOUNCE, SLOW_BOUNCE, COMPLAINT = 2 / 60, 2 / 60, 6.0, 10.0
QUICK_SHARE, SPREAD = 0.9, 1.0
# The latest hour at which the day's mail starts, and the last second of a day, in hours.
LATEST_START, LAST_SECOND = 12.0, 24 - 1 / 3600
# Below this number of recipients in two days, the policy is evaluated after every bounce and complaint.
FEW = 1_000


class Rates(NamedTuple):
    """The shares of recipients that bounce and that complain."""

    bounces: float
    complaints: float


@dataclass(frozen=True)
class Kind:
    """A kind of domain. From day `turns_on` it has the rates `then`, unless they are None.

    `uneven` is the coefficient of variation of its rates from one day to the next.
    """

    name: str
    rates: Rates
    schedule: str = "standard"
    then: Rates | None = None
    turns_on: int = 28
    share: float = 1.0
    weekdays: bool = False
    uneven: float = 0.0


class Stop(NamedTuple):
    """A pause or suspension by the policy, after `sent` recipients, `sent_bad` of them since the domain turned bad."""

    day: int
    phase: Phase
    reason: str
    detail: str
    sent: int
    sent_bad: int


@dataclass
class Life:
    """The result of a simulation. `warmed_on` is the day, from 0, at whose midnight the domain became `warmed`."""

    stops: list[Stop] = field(default_factory=list)
    stopped_weeks: set[int] = field(default_factory=set)
    warmed_on: int | None = None
    steps_back: int = 0
    sent: int = 0
    asked: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def suspended(self) -> bool:
        return bool(self.stops) and self.stops[-1].phase == Phase.SUSPENDED


class Mailing(NamedTuple):
    """One day's mail: `n` recipients from the hour `start` on, `pace` per hour."""

    n: int
    start: float
    pace: float

    def sent_by(self, hours: float) -> int:
        """The number of recipients sent to by then."""
        return 0 if hours < self.start else min(self.n, int((hours - self.start) * self.pace) + 1)


# A bounce or complaint: the times of its report and of its message, in hours since the start of day 0, and whether it
# is a complaint. A plain tuple, since a simulation has tens of thousands.
Event = tuple[float, float, bool]


class Windows:
    """The policy's counts in its two windows, without today's."""

    def __init__(self, memory: Memory) -> None:
        found, bar = memory.evidence(), memory.schedule.thresholds
        self.sums = [(counts.sent, counts.bounced, counts.complained) for counts in (found.recent, found.week)]
        self.bounce, self.complaint = bar.pause_bounce_rate, bar.pause_complaint_rate
        # Where today's figures count only partly, the sums cannot be added.
        self.partly = memory.warming.judged_from == memory.today and bool(memory.warming.judged_less)
        # Up to this many today cannot stop the domain: the rates of the windows stay below their thresholds.
        known = not self.partly and found.recent.sent >= FEW
        self.alone_from = policy.TODAY_SHARE * found.recent.sent
        harmless = min(self.bounce * sent - n for sent, n, _ in self.sums)
        self.harmless_bounces = min(harmless, self.bounce * self.alone_from) if known else 0
        self.harmless_complaints = min(self.complaint * sent - n for sent, _, n in self.sums) if known else 0

    def asks(self, sent: int, bounced: int, complained: int, *, complaint: bool) -> bool:
        """Whether the policy could stop the domain after this event: a rate below its threshold proves nothing.

        The other rate has only fallen since the last event of its own kind, after which it stopped nothing.
        """
        if self.partly or self.sums[0][0] + sent < FEW:
            return True
        if not complaint and sent >= self.alone_from and bounced >= self.bounce * sent:
            return True
        for before, bounced_before, complained_before in self.sums:
            if complaint:
                if complained_before + complained >= self.complaint * (before + sent):
                    return True
            elif bounced_before + bounced >= self.bounce * (before + sent):
                return True
        return False


def live(
    kind: Kind,
    seed: str,
    *,
    days: int = 56,
    most: int = 56,
    judge: Judge = policy.judge,
    patient: bool = True,
    thorough: bool = False,
) -> Life:
    """Simulate a domain for `days` days, and until it is warmed for up to `most` days.

    Patient owners resume at the first midnight after a pause; otherwise a life ends with the first stop, as it
    does with a suspension. A `thorough` simulation asks the policy after every single event.
    """
    draw = Random(seed)  # noqa: S311 - nothing secret is drawn
    memory = Memory(PRESETS[kind.schedule], date(2026, 3, 1) + timedelta(days=draw.randrange(WEEK_DAYS)))
    domain = Domain(kind, memory, draw, thorough=thorough)
    life = domain.life
    with remembering(memory, judge):
        for day in range(most):
            if (day >= days and life.warmed_on is not None) or (life.stops and (life.suspended or not patient)):
                break
            domain.live_through(day)
    life.stopped_weeks = {stop.day // WEEK_DAYS for stop in life.stops}
    if life.suspended:
        life.stopped_weeks |= set(range(life.stops[-1].day // WEEK_DAYS, days // WEEK_DAYS))
    life.faults, life.steps_back = memory.faults, memory.steps_back
    return life


class Domain:
    """Simulates a domain day by day."""

    def __init__(self, kind: Kind, memory: Memory, draw: Random, *, thorough: bool = False) -> None:
        self.kind, self.memory, self.draw, self.thorough = kind, memory, draw, thorough
        self.life = Life()
        self.hour = draw.random() * LATEST_START
        self.pending: list[Event] = []
        self.limits: Limits | None = None
        self.sent_bad = 0
        self.delivered_late = 0

    def live_through(self, day: int) -> None:
        """Simulate a day: the evaluation at midnight, the day's mail, and the reports of that day."""
        ready = self._begin(day)
        mailing = self._mailing(day, ready)
        bounces = self._draw_reports(day, mailing)
        mailing, bounces = self._process_reports(day, mailing, bounces)
        delivered = mailing.sent_by(DAY_HOURS - DELIVERY)
        counts = self.memory.today_counts
        counts.delivered = max(delivered - bounces, 0) + self.delivered_late
        self.delivered_late = mailing.n - delivered
        self.life.sent += mailing.n
        if day >= self.kind.turns_on:
            self.sent_bad += mailing.n

    def _begin(self, day: int) -> float:
        """Evaluate the new day, or start or resume warming; returns the hour from which the domain may send."""
        if day == 0:
            verified = self.draw.random() * DAY_HOURS
            self.memory.go_to(0, verified)
            self.memory.start()
            return verified
        self.memory.go_to(day, 0)
        if self.memory.sends:
            self._evaluate(day, 0, Mailing(0, 0, 1))
        else:
            self.memory.resume()
        if self.memory.warming.phase == Phase.WARMED and self.life.warmed_on is None:
            self.life.warmed_on = day
        return 0

    def _mailing(self, day: int, ready: float) -> Mailing:
        """The day's mail, at the rate of the hourly limit; a warmed domain keeps its last limits."""
        if self.memory.sends:
            self.limits = self.memory.warming.limits or self.limits
        off = self.kind.weekdays and (self.memory.first + timedelta(days=day)).weekday() >= WEEKEND
        if self.limits is None or off or not self.memory.sends:
            return Mailing(0, ready, 1)
        n, pace = max(round(self.kind.share * self.limits.daily_limit), 1), float(self.limits.hourly_limit)
        start = max(ready, min(self.hour, DAY_HOURS - n / pace))
        return Mailing(min(n, int((DAY_HOURS - start) * pace)), start, pace)

    def _draw_reports(self, day: int, mailing: Mailing) -> int:
        """Draw the reports about the day's mail; returns the number of bounces.

        The distance between reports is drawn from the geometric distribution: exact, and one draw per report.
        """
        bounces, complaints = self._rates(day)
        hit, random, bounced, i = bounces + complaints, self.draw.random, 0, -1
        log_no_report = log1p(-hit)
        while True:
            i += 1 + int(log(1 - random()) / log_no_report)
            if i >= mailing.n:
                return bounced
            sent_at = DAY_HOURS * day + mailing.start + i / mailing.pace
            if random() * hit < complaints:
                self.pending.append((sent_at + COMPLAINT * self._spread(), sent_at, True))
            else:
                bounced += 1
                quick = random() < QUICK_SHARE
                later = -QUICK_BOUNCE * log(1 - random()) if quick else SLOW_BOUNCE * self._spread()
                self.pending.append((sent_at + later, sent_at, False))

    def _rates(self, day: int) -> Rates:
        rates = self.kind.then if self.kind.then and day >= self.kind.turns_on else self.kind.rates
        if not self.kind.uneven:
            return rates
        shape = self.kind.uneven**-2
        today = self.draw.gammavariate(shape, 1 / shape)
        return Rates(min(rates.bounces * today, 0.5), min(rates.complaints * today, 0.4))

    def _spread(self) -> float:
        return self.draw.lognormvariate(0, SPREAD)

    def _process_reports(self, day: int, mailing: Mailing, bounces: int) -> tuple[Mailing, int]:
        """Pass the day's reports to the policy in order; returns the mail and the bounces up to a stop."""
        midnight = DAY_HOURS * day
        events = sorted(event for event in self.pending if event[0] < midnight + DAY_HOURS)
        self.pending = [event for event in self.pending if event[0] >= midnight + DAY_HOURS]
        windows, counts, stopped_at = Windows(self.memory), self.memory.today_counts, float("inf")
        bounced = complained = 0
        for at, sent_at, complaint in events:
            if sent_at > stopped_at:
                bounces -= not complaint
                continue
            if complaint:
                complained += 1
                harmless = complained < windows.harmless_complaints
            else:
                bounced += 1
                harmless = bounced < windows.harmless_bounces
            if (harmless and not self.thorough) or not self.memory.sends:
                continue
            sent = mailing.sent_by(at - midnight)
            if self.thorough or windows.asks(sent, bounced, complained, complaint=complaint):
                counts.bounced, counts.complained = bounced, complained
                self._evaluate(day, at - midnight, mailing)
                if not self.memory.sends:
                    stopped_at = at
                    mailing = mailing._replace(n=sent)
        counts.bounced, counts.complained = bounced, complained
        bounces -= sum(sent_at > stopped_at and not complaint for _, sent_at, complaint in self.pending)
        self.pending = [event for event in self.pending if event[1] <= stopped_at]
        self._count(day, LAST_SECOND, mailing)
        return mailing, bounces

    def _evaluate(self, day: int, hours: float, mailing: Mailing) -> None:
        """Evaluate the domain in its present state."""
        self._count(day, hours, mailing)
        self.life.asked += 1
        judgement.judge(KEY)
        if not self.memory.sends:
            entry = self.memory.history[-1]
            sent = mailing.sent_by(hours)
            bad = self.sent_bad + (sent if day >= self.kind.turns_on else 0)
            stop = Stop(day, entry.to_phase, entry.reason, entry.detail or "", self.life.sent + sent, bad)
            self.life.stops.append(stop)

    def _count(self, day: int, hours: float, mailing: Mailing) -> None:
        """Update the gate's counters and the metrics to this hour."""
        self.memory.go_to(day, min(hours, LAST_SECOND))
        sent = mailing.sent_by(hours)
        self.memory.admit(sent)
        counts = self.memory.today_counts
        counts.sent = sent
        counts.delivered = max(sent - counts.bounced, 0)
