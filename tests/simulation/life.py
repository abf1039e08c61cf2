"""Simulates a warming domain: the mail it sends, the reports and their delays, and the decisions of the policy.

The production code decides: `judgement.judge` runs at each UTC midnight and after every bounce and complaint, on a
table in memory. Only evaluations whose result is known are skipped (see `Windows.asks`).

A domain is verified at a random hour of day 0. On each of its days it sends its share of the daily limit, one recipient
after another at the rate of the hourly limit, from a random hour on. Each recipient bounces or complains with the
domain's rates, independently of all others. Nine in ten bounces arrive within minutes, the others after hours, some of
them on the next day. Complaints arrive with a median of ten hours, one in twenty after more than two days.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from math import log, log1p
from random import Random
from typing import NamedTuple

from kindling.metrics.model import share
from kindling.warming import judgement, policy
from kindling.warming.evidence import LATEST, Tally
from kindling.warming.model import SENDING, Limits, Phase
from kindling.warming.schedules import PRESETS
from tests.simulation.memory import KEY, Judge, Memory, remembering
from tests.simulation.windows import Windows

DAY_HOURS, WEEK_DAYS = 24.0, 7
# In hours: how long a delivery takes, the mean of a quick bounce, the medians of a slow one and of a complaint.
QUICK_BOUNCE, SLOW_BOUNCE, COMPLAINT = 2 / 60, 6.0, 10.0
QUICK_SHARE, SPREAD = 0.9, 1.0
# The latest hour at which the day's mail starts, and the last second of a day, in hours.
LATEST_START, LAST_SECOND = 12.0, 24 - 1 / 3600
# The days after which late reports of deliveries arrive.
LATE_DAYS = 2


class Rates(NamedTuple):
    """The shares of recipients that bounce and that complain."""

    bounces: float
    complaints: float

    def times(self, factor: float) -> "Rates":
        return Rates(min(self.bounces * factor, 0.5), min(self.complaints * factor, 0.4))


class Rhythm(NamedTuple):
    """The days on which a domain sends: on `weekdays` (0 is Monday) of every `weeks`th week, without its holidays."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    weeks: int = 1
    holidays: tuple[tuple[int, int], ...] = ()

    def sends(self, day: int, on: date) -> bool:
        """Whether the domain sends on `day` of its life, which is the date `on`."""
        away = any(first <= day < first + length for first, length in self.holidays)
        return on.weekday() in self.weekdays and not away and on.toordinal() // WEEK_DAYS % self.weeks == 0


DAILY = Rhythm()
MONDAY_TO_FRIDAY = Rhythm((0, 1, 2, 3, 4))


@dataclass(frozen=True)
class Kind:
    """A kind of domain. From day `turns_on` it has the rates `then`, unless they are None.

    `uneven` is the coefficient of variation of its rates from one day to the next; `drift` the share by which they rise
    every day; with `alternates`, it has the rates `then` on every second day. `gmail` is the share of recipients whose
    complaints are not reported, and `own` that of the sender's own mailboxes, where nothing goes wrong. Of its reports,
    `reported` arrive at all, and `late` of its deliveries are reported after `LATE_DAYS`; with `instant`, bounces and
    complaints take no time. One that `registers_again` deletes the domain after each pause, and another tenant
    registers it.
    """

    name: str
    rates: Rates
    schedule: str = "standard"
    then: Rates | None = None
    turns_on: int = 28
    share: float = 1.0
    rhythm: Rhythm = DAILY
    uneven: float = 0.0
    drift: float = 0.0
    alternates: bool = False
    gmail: float = 0.0
    reported: float = 1.0
    late: float = 0.0
    own: float = 0.0
    instant: bool = False
    registers_again: bool = False


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
    lowered: int = 0
    sent: int = 0
    asked: int = 0
    # For each day: the limit, the recipients, the phase, and the week's rates of bounces and complaints.
    limits: list[int] = field(default_factory=list)
    mail: list[int] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)
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

    @property
    def ends(self) -> float:
        return self.start + self.n / self.pace


# A bounce or complaint: the times of its report and of its message, in hours since the start of day 0, and whether it
# is a complaint. A plain tuple, since a simulation has tens of thousands.
Event = tuple[float, float, bool]


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
    life.faults, life.steps_back, life.lowered = memory.faults, memory.steps_back, memory.lowered
    return life


def live_together(kind: Kind, seeds: list[str], days: int) -> list[Life]:
    """Simulate the domains of one tenant side by side, each with its own seed, owners resuming after each pause."""
    tenant: dict[int, Tally] = {}
    first = date(2026, 3, 1)
    domains = [Domain(kind, Memory(PRESETS[kind.schedule], first, tenant), Random(seed)) for seed in seeds]  # noqa: S311
    for day in range(days):
        for domain in domains:
            with remembering(domain.memory):
                if not domain.life.suspended:
                    domain.live_through(day)
    for domain in domains:
        domain.life.faults = domain.memory.faults
    return [domain.life for domain in domains]


class Domain:
    """Simulates a domain day by day."""

    def __init__(self, kind: Kind, memory: Memory, draw: Random, *, thorough: bool = False) -> None:
        self.kind, self.memory, self.draw, self.thorough = kind, memory, draw, thorough
        self.life = Life()
        self.hour = draw.random() * LATEST_START
        self.pending: list[Event] = []
        self.limits: Limits | None = None
        self.sent_bad = 0
        self.late: list[int] = [0] * LATE_DAYS

    def live_through(self, day: int) -> None:
        """Simulate a day: the evaluation at midnight, the day's mail, and the reports of that day."""
        ready = self._begin(day)
        mailing = self._mailing(day, ready)
        self.life.limits.append(self.memory.warming.limit.daily_limit)
        self.life.phases.append(self.memory.warming.phase.value)
        week = self.memory.evidence().week
        self.life.rates.append((share(week.bounces, week.recipients), share(week.complaints, week.listening)))
        self._draw_reports(day, mailing)
        mailing = self._process_reports(day, mailing)
        reports = self.memory.reports(self.memory.today)
        delivered = round(max(mailing.n * (1 - self.kind.own) - reports[0], 0) * self.kind.reported)
        late = round(self.kind.late * delivered)
        reports[2] = delivered - late
        self.memory.reports(self.memory.name(max(day - LATE_DAYS, 0)))[2] += self.late.pop(0)
        self.late.append(late)
        self.life.sent += mailing.n
        self.life.mail.append(mailing.n)
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
            if self.kind.registers_again:
                self.memory.register_again(day)
            self.memory.resume()
        if self.memory.warming.phase == Phase.WARMED and self.life.warmed_on is None:
            self.life.warmed_on = day
        return 0

    def _mailing(self, day: int, ready: float) -> Mailing:
        """The day's mail, at the rate of the hourly limit; a warmed domain keeps the volume of its last phase."""
        warming = self.memory.warming
        if warming.phase in SENDING[:-1]:
            self.limits = warming.limits
        off = not self.kind.rhythm.sends(day, self.memory.first + timedelta(days=day))
        if self.limits is None or off or not self.memory.sends:
            return Mailing(0, ready, 1)
        limit = warming.limit.lower_of(self.limits)
        n, pace = max(round(self.kind.share * limit.daily_limit), 1), float(limit.hourly_limit)
        start = max(ready, min(self.hour, DAY_HOURS - n / pace))
        return Mailing(min(n, int((DAY_HOURS - start) * pace)), start, pace)

    def _draw_reports(self, day: int, mailing: Mailing) -> None:
        """Draw the reports about the day's mail.

        The distance between reports is drawn from the geometric distribution: exact, and one draw per report.
        """
        rates = self._rates(day)
        # Complaints at Gmail and lost reports never arrive.
        heard = self.kind.reported * (1 - self.kind.own)
        bounces, complaints = rates.bounces * heard, rates.complaints * heard * (1 - self.kind.gmail)
        hit, random, i = bounces + complaints, self.draw.random, 0
        if not hit:
            return
        log_no_report, i = log1p(-hit), -1
        while True:
            i += 1 + int(log(1 - random()) / log_no_report)
            if i >= mailing.n:
                return
            sent_at = DAY_HOURS * day + mailing.start + i / mailing.pace
            complaint = random() * hit < complaints
            self.pending.append((sent_at + self._delay(complaint=complaint), sent_at, complaint))

    def _delay(self, *, complaint: bool) -> float:
        if self.kind.instant:
            return 0.0
        if complaint:
            return COMPLAINT * self._spread()
        return (
            -QUICK_BOUNCE * log(1 - self.draw.random())
            if self.draw.random() < QUICK_SHARE
            else (SLOW_BOUNCE * self._spread())
        )

    def _rates(self, day: int) -> Rates:
        kind = self.kind
        rates = kind.rates
        if kind.then and day >= kind.turns_on and (day % 2 or not kind.alternates):
            rates = kind.then
        rates = rates.times(1 + kind.drift * day)
        if not kind.uneven:
            return rates
        shape = kind.uneven**-2
        return rates.times(self.draw.gammavariate(shape, 1 / shape))

    def _spread(self) -> float:
        return self.draw.lognormvariate(0, SPREAD)

    def _process_reports(self, day: int, mailing: Mailing) -> Mailing:
        """Pass the day's reports to the policy in order; returns the mail up to a stop or a lower limit."""
        midnight = DAY_HOURS * day
        events = sorted(event for event in self.pending if event[0] < midnight + DAY_HOURS)
        self.pending = [event for event in self.pending if event[0] >= midnight + DAY_HOURS]
        windows, ends_at = Windows(self.memory), midnight + DAY_HOURS
        for at, sent_at, complaint in events:
            if sent_at > ends_at:
                continue
            of_day = int(sent_at // DAY_HOURS)
            name = self.memory.name(of_day)
            hour = int(sent_at % DAY_HOURS) if of_day == day else None
            for place in (name, f"{name}T{hour:02}") if hour is not None else (name,):
                self.memory.reports(place)[complaint] += 1
            if not self.memory.sends:
                continue
            sent = mailing.sent_by(at - midnight)
            others = sent - round(self.kind.own * sent)
            heard = others - round(self.kind.gmail * others)
            asks = windows.asks(name, others, heard, complaint=complaint)
            if (
                asks
                or self.thorough
                or (hour is not None and sent >= 2 * LATEST and self._is_bad(windows, hour, mailing, sent))
            ):
                self._evaluate(day, at - midnight, mailing)
                left = self.memory.warming.limit.daily_limit if self.memory.sends else sent
                if left < mailing.n:
                    mailing = mailing._replace(n=max(left, sent))
                    ends_at = midnight + max(mailing.ends, at - midnight)
        self.pending = [event for event in self.pending if event[1] <= ends_at]
        self._count(day, LAST_SECOND, mailing)
        return mailing

    def _is_bad(self, windows: Windows, hour: int, mailing: Mailing, sent: int) -> bool:
        """Whether the reports about mail of the hour could make the policy act."""
        bounced, complained, _ = self.memory.reports(f"{self.memory.today}T{hour:02}")
        bar = self.memory.schedule.thresholds
        of_hour = min(mailing.sent_by(hour + 1), sent) - mailing.sent_by(hour)
        rates = ((bounced, bar.pause_bounce_rate, False), (complained, bar.pause_complaint_rate, True))
        return any(
            windows.acts(events, of_hour, rate, self.memory.today, complaint=complaint)
            for events, rate, complaint in rates
        )

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
        """Update the gate's counters to this hour."""
        self.memory.go_to(day, min(hours, LAST_SECOND))
        self.memory.admit(mailing.sent_by(hours), gmail=self.kind.gmail, own=self.kind.own)
