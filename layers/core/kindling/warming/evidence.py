"""What a domain is judged by: for each day of sending, the recipients that the gate admitted and what became of them.

A report counts with the day on which its message was sent, so that every rate is about one group of recipients.
Recipients in the tenant's own domains and messages that did not pass the gate are left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from math import hypot
from typing import NamedTuple

from kindling.metrics.mailboxes import WITHOUT_COMPLAINT_REPORTS
from kindling.metrics.model import GMAIL, MAILBOX_PROVIDERS, Counts, Period, share
from kindling.warming.model import Warming
from kindling.warming.statistics import variation

WEEK_DAYS, MONTH_DAYS = 7, 28
# Days without mail after which a domain steps back. Source: SendGrid asks to warm up again after more than 30 days;
# a few more, so that a monthly mailing may be late.
IDLE_DAYS = 35
# The days whose metrics are needed for all of this, today not included.
DAYS = IDLE_DAYS
# From these recipients on, a week is judged by itself; below, four weeks are judged with it.
WEEKLY_RECIPIENTS = 500
# The number of the last recipients that are judged by themselves, on a day that has at least twice as many.
LATEST = 1_000
# The share of the recipients whose mailbox providers report complaints, from which complaints are known.
COMPLAINTS_SHARE = 0.05
# The share of the recipients for which reports must have arrived before a domain may climb or advance.
REPORTED_SHARE = 0.9
NOTHING = Counts()


class Kind(StrEnum):
    """The kinds of reports that stop a domain."""

    COMPLAINTS = "complaints"
    BLOCKS = "blocked messages"
    BOUNCES = "bounces"


@dataclass(frozen=True)
class Tally:
    """Recipients, and the reports about them.

    `reported` is the number whose delivery, bounce or rejection was reported. `bounces` are those that did not get the
    message and never will: unknown mailboxes, blocks, rejections, but not full mailboxes. `listening` is the number of
    recipients whose complaints would be reported.
    """

    recipients: int = 0
    reported: int = 0
    delivered: int = 0
    bounces: int = 0
    blocks: int = 0
    listening: int = 0
    complaints: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.recipients + other.recipients,
            self.reported + other.reported,
            self.delivered + other.delivered,
            self.bounces + other.bounces,
            self.blocks + other.blocks,
            self.listening + other.listening,
            self.complaints + other.complaints,
        )

    def of(self, kind: Kind) -> tuple[int, int]:
        """The reports of a kind, and the recipients about whom they would come."""
        match kind:
            case Kind.COMPLAINTS:
                return self.complaints, self.listening
            case Kind.BLOCKS:
                return self.blocks, self.recipients
            case Kind.BOUNCES:
                return self.bounces, self.recipients

    @property
    def complaints_known(self) -> bool:
        """Whether enough of the recipients are at mailbox providers that report complaints."""
        return self.listening >= COMPLAINTS_SHARE * self.recipients

    @property
    def nearly_reported(self) -> bool:
        """Whether nearly all recipients have a report. Missing reports are unknown, not good."""
        return self.reported >= REPORTED_SHARE * self.recipients


class Baseline(NamedTuple):
    """The reports and recipients of a domain's earlier days, and the coefficient of variation of their rates.

    `variation` is None while it is unknown.
    """

    events: int
    trials: int
    variation: float | None


@dataclass(frozen=True)
class Cohort:
    """The recipients of one UTC day, by mailbox provider."""

    day: str
    providers: dict[str, Tally]

    @cached_property
    def whole(self) -> Tally:
        return added(self.providers.values())

    def without(self, providers: Iterable[str]) -> "Cohort":
        """The cohort without these mailbox providers."""
        return Cohort(self.day, {name: tally for name, tally in self.providers.items() if name not in providers})


@dataclass(frozen=True)
class Evidence:
    """The cohorts by which a domain is judged, oldest first, and the last recipients of today.

    `cohorts` are those since the domain was last stopped; with those from `moved_from` on it moves on or back. `used`
    are the recipients of all ended days in `IDLE_DAYS`, and `counted_on` is the first of them that was not over when
    the domain was last judged for a new day. `held` says why all domains of the tenant are held, if they are.
    """

    today: str
    cohorts: tuple[Cohort, ...] = ()
    moved_from: str = ""
    latest: Tally = Tally()
    used: dict[str, int] = field(default_factory=dict)
    counted_on: str = ""
    idle_days: int = 0
    held: str = ""

    def without_today(self) -> "Evidence":
        """The evidence of whole days."""
        past = tuple(cohort for cohort in self.cohorts if cohort.day < self.today)
        return self._with(past, Tally())

    def without(self, providers: Iterable[str]) -> "Evidence":
        """The evidence without these mailbox providers."""
        return self._with(tuple(cohort.without(providers) for cohort in self.cohorts), Tally())

    def _with(self, cohorts: tuple[Cohort, ...], latest: Tally) -> "Evidence":
        return replace(self, cohorts=cohorts, latest=latest)

    @property
    def peak(self) -> int:
        """The recipients of the busiest day."""
        return max(self.used.values(), default=0)

    @property
    def mailed(self) -> list[int]:
        """The recipients of each day with mail that has ended since the last judgement for a new day."""
        return [count for day, count in self.used.items() if count and day >= self.counted_on]

    @property
    def busiest(self) -> int:
        """The recipients of the busiest of these days."""
        return max(self.mailed, default=0)

    @cached_property
    def of_today(self) -> Tally:
        return added(cohort.whole for cohort in self.cohorts if cohort.day == self.today)

    @cached_property
    def recent(self) -> Tally:
        """Today and the last day with mail before it."""
        return added(cohort.whole for cohort in self.recent_cohorts)

    @property
    def recent_cohorts(self) -> tuple[Cohort, ...]:
        return tuple(cohort for cohort in self.cohorts if cohort.day >= self.last_day)

    @property
    def last_day(self) -> str:
        """The last day with mail before today, today when there is none."""
        return self._last.day if self._last else self.today

    @cached_property
    def _last(self) -> Cohort | None:
        mailed = (cohort for cohort in reversed(self.cohorts) if cohort.day < self.today and cohort.whole.recipients)
        return next(mailed, None)

    @cached_property
    def week(self) -> Tally:
        return added(one.whole for one in self._since(WEEK_DAYS))

    @cached_property
    def month(self) -> Tally:
        return added(one.whole for one in self._since(MONTH_DAYS))

    @property
    def period(self) -> tuple[Tally, int]:
        """The recipients by whose rates a domain moves on or back, and their days: four weeks if one has few."""
        days = WEEK_DAYS if self.week.recipients >= WEEKLY_RECIPIENTS else MONTH_DAYS
        return added(one.whole for one in self._since(days) if one.day >= self.moved_from), days

    @property
    def is_silent(self) -> bool:
        """Whether nothing at all was reported about the last whole day with mail."""
        return self._last is not None and not self._last.whole.reported

    @cached_property
    def before_last_day(self) -> dict[Kind, Baseline]:
        """What is usual for a day: the baselines of the days before the last two with mail."""
        return _baselines(one.whole for one in self.cohorts if one.day < self.last_day)

    @cached_property
    def before_week(self) -> dict[Kind, Baseline]:
        """What is usual for a week: the baselines of the days before it."""
        first = self._first(WEEK_DAYS)
        return _baselines(one.whole for one in self.cohorts if one.day < first)

    @property
    def week_unevenness(self) -> float:
        """The share of the variation of a day that is left in the rate of the week, 1 when one day has all its mail."""
        days = [one.whole.recipients for one in self._since(WEEK_DAYS)]
        return hypot(*days) / max(sum(days), 1)

    def _since(self, days: int) -> tuple[Cohort, ...]:
        """Those of today and of the `days` before it."""
        first = self._first(days)
        return tuple(one for one in self.cohorts if one.day >= first)

    def _first(self, days: int) -> str:
        return (date.fromisoformat(self.today) - timedelta(days=days)).isoformat()


def _baselines(days: Iterable[Tally]) -> dict[Kind, Baseline]:
    """The baselines of some days. Few reports of a kind tell little: then days vary as their bounces do."""
    known = list(days)
    counts = {kind: [day.of(kind) for day in known] for kind in Kind}
    vary = {kind: variation((trials, events) for events, trials in of_kind) for kind, of_kind in counts.items()}
    return {
        kind: Baseline(
            sum(events for events, _ in of_kind),
            sum(trials for _, trials in of_kind),
            vary[Kind.BOUNCES] if vary[kind] is None else vary[kind],
        )
        for kind, of_kind in counts.items()
    }


def snapshot(tally: Tally, *, daily_volume: int, days_in_phase: int) -> dict[str, int | float]:
    """The figures on which a change of phase was decided, for its history entry; no rate is above 1."""
    return {
        "bounce_rate": share(tally.bounces, tally.recipients),
        "complaint_rate": share(tally.complaints, tally.listening),
        "delivery_rate": share(tally.delivered, tally.recipients),
        "daily_volume": daily_volume,
        "days_in_phase": days_in_phase,
    }


def added(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def evidence(warming: Warming, days: list[Period], hours: list[Period], today: date) -> Evidence:
    """The evidence on `today`, from the metrics of the last `DAYS` and of today, and of the gate's last hours."""
    every = [cohort(warming, period) for period in days]
    now = today.isoformat()
    return Evidence(
        today=now,
        cohorts=tuple(one for one in every if one.day >= warming.judged_from),
        moved_from=warming.moved_from or "",
        latest=_latest(warming, hours, every[-1].whole),
        used={one.day: one.whole.recipients for one in every if one.day < now},
        # The use before a stop is none of the phase after it.
        counted_on=max(warming.counted_on, warming.judged_from),
        idle_days=idle_days(warming, today),
    )


def cohort(warming: Warming, period: Period) -> Cohort:
    """The cohort of one day: the gate's own counts as long as it has them, those in the metrics afterwards."""
    counted = warming.by_provider(period.name)
    admitted = {
        name: max(counted.get(name, 0), period.providers.get(name, NOTHING).admitted) for name in MAILBOX_PROVIDERS
    }
    if not any(admitted.values()) and not counted and not period.total.admitted:
        # Days from before the gate counted by mailbox provider.
        admitted = {name: period.providers.get(name, NOTHING).sent for name in MAILBOX_PROVIDERS}
    tallies = {
        name: _tally(name, recipients, period.providers.get(name, NOTHING), period.spam_rate)
        for name, recipients in admitted.items()
        if recipients or name in period.providers
    }
    return Cohort(period.name, tallies)


def idle_days(warming: Warming, today: date) -> int:
    """The days since anything was admitted, or since the phase was entered if that is later."""
    started_on = (warming.phase_started_at or today.isoformat())[:10]
    with_mail = [day for day, count in warming.days.items() if count]
    return (today - date.fromisoformat(max([started_on, *with_mail]))).days


def _tally(provider: str, recipients: int, counts: Counts, spam_rate: float | None) -> Tally:
    listening, complaints = recipients, counts.complained
    if provider in WITHOUT_COMPLAINT_REPORTS:
        # Google's own figure stands in for the reports that Gmail does not send.
        known = provider == GMAIL and spam_rate is not None
        listening, complaints = (recipients, round(recipients * (spam_rate or 0))) if known else (0, 0)
    return Tally(
        recipients=recipients,
        reported=min(counts.delivered + counts.bounced + counts.rejected, recipients),
        delivered=counts.delivered,
        bounces=counts.bounced - counts.soft_bounced + counts.rejected,
        blocks=counts.blocked,
        listening=listening,
        complaints=complaints,
    )


def _latest(warming: Warming, hours: list[Period], today: Tally) -> Tally:
    """The last hours with at least `LATEST` recipients together, on a day with twice as many; else nothing."""
    if today.recipients < 2 * LATEST:
        return Tally()
    by_name = {period.name: period for period in hours}
    recipients, reports = 0, Tally()
    for hour in sorted(warming.hours, reverse=True):
        if recipients >= LATEST or not hour.startswith(warming.minute[:10]):
            break
        recipients += warming.hours[hour]
        providers = by_name.get(hour, Period(name=hour)).providers
        # The gate does not know the hour's recipients by mailbox provider.
        reports += added(_tally(name, 0, providers[name], None) for name in MAILBOX_PROVIDERS if name in providers)
    if recipients < LATEST:
        return Tally()
    listening = recipients * today.listening // max(today.recipients, 1)
    return replace(reports, recipients=recipients, listening=listening)
