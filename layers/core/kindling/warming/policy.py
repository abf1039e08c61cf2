"""What becomes of a warming domain: pure functions of its standing, its schedule, its metrics and the date.

A rate is called too high only with confidence, by the exact binomial test, and never on a handful of events: a
healthy domain (0.05 % complaints) that sends 1,000 shows 0.1 % or more in four windows of ten. Advancing is the
other way round: there a raw rate at the threshold is enough to wait, since mailbox providers act on raw rates.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import exp, lgamma, log, log1p

from kindling.metrics.model import Counts, Period, total
from kindling.warming.model import RAMPED, Phase, Warming, after, before
from kindling.warming.schedules import Schedule

# Confidence that a rate is really above its threshold. Stopping is looked at after every bounce and complaint, so
# its test is the stricter one; the others are made once a day.
STOP_CONFIDENCE = 0.995
DEMOTE_CONFIDENCE = 0.95
CLIMB_DOUBT = 0.8
# Floors: fewer events prove nothing, whatever the rate.
MIN_BOUNCES = 10
MIN_COMPLAINTS = 3

TODAY, RECENT, WEEK = "today", "since the last day with mail", "in 7 days"
# A day's bounces speak for themselves once it has this share of the recipients of the last day with mail before it:
# earlier, the late bounces of that day weigh too much. Complaints take hours and need both days.
TODAY_SHARE = 0.25
# Of two days the complaints must be this many times worse than of seven: one mailing that some disliked is no habit.
RECENT_COMPLAINTS = 2
# The breaker for gross rates needs no statistics, and fewer bounces than the floor: a list that was never valid. Three
# complaints at such rates are confident already.
GROSS_BOUNCE_RATE = 0.3
GROSS_BOUNCES = 5

# This many pauses by the policy within one phase, and the next one is a suspension.
STRIKES = 2

# A day counts as used, and lets the limit climb, when this share of it was sent.
USED_SHARE = 0.25
# Reputation fades: SendGrid asks to warm anew after more than 30 days without mail.
IDLE_DAYS = 30
IDLE = "idle"
# Reports that must have come in for what was admitted, before their absence may be read as good news.
REPORTED_SHARE = 0.9


class Action(StrEnum):
    """What the policy wants done."""

    STAY = "stay"
    CLIMB = "climb"
    ADVANCE = "advance"
    EASE = "ease"
    DEMOTE = "demote"
    PAUSE = "pause"
    SUSPEND = "suspend"


@dataclass(frozen=True)
class Evidence:
    """Counts that the policy judges by: of today, of today and the last day with mail before it, and of the last seven.

    After a resumption or demotion they have the reports from then on, but all recipients of the window: reports
    that come late are about mail from before. `reported` is all that the provider says was sent in the week,
    `admitted` what the gate let through in it, `busiest` the most that it let through on a day that ended since
    the last verdict of a new day, `idle_days` the days since it last let anything through.
    """

    recent: Counts
    week: Counts
    today: Counts = field(default_factory=Counts)
    reported: int = 0
    admitted: int = 0
    busiest: int = 0
    idle_days: int = 0


@dataclass(frozen=True)
class Verdict:
    """`reason` is a word for programs, `detail` the same in a sentence, `blockers` what keeps it from advancing."""

    action: Action
    phase: Phase
    reason: str = ""
    detail: str = ""
    blockers: list[str] = field(default_factory=list)


def confident_above(events: int, trials: int, threshold: float, confidence: float) -> bool:
    """Whether the true rate is above `threshold` with `confidence`, one-sided, by the exact binomial test."""
    return tail(events, trials, threshold) < 1 - confidence


def tail(events: int, trials: int, rate: float) -> float:
    """The probability of `events` or more among `trials` at `rate`; 1 where that is nothing unusual."""
    if events <= trials * rate or events > trials:
        # More reports than sends: they are about sends from before the window, and prove nothing.
        return 1.0
    choose = lgamma(trials + 1) - lgamma(events + 1) - lgamma(trials - events + 1)
    term = exp(choose + events * log(rate) + (trials - events) * log1p(-rate))
    whole, k = term, events
    # Above the mean the terms fall, and soon geometrically.
    while k < trials and term > whole * 1e-12:
        term *= (trials - k) / (k + 1) * rate / (1 - rate)
        whole += term
        k += 1
    return whole


def judge(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """What to do with a domain that may send. Only a `new_day` can bring it further; it can be stopped at any time."""
    stop = _stop(warming, schedule, evidence)
    if stop:
        return stop
    blockers = advancement_blockers(warming, schedule, evidence)
    stay = Verdict(Action.STAY, warming.phase, blockers=blockers)
    if not new_day:
        return stay
    demotion = _demotion(warming, schedule, evidence)
    if demotion:
        return demotion
    if warming.phase not in RAMPED:
        return stay
    if not blockers:
        return Verdict(Action.ADVANCE, after(warming.phase), "metrics_passed", "All requirements of the phase are met.")
    if _may_climb(warming, schedule, evidence):
        return Verdict(Action.CLIMB, warming.phase, blockers=blockers)
    return stay


def advancement_blockers(warming: Warming, schedule: Schedule, evidence: Evidence) -> list[str]:
    """Each thing that keeps a domain in its phase, as a sentence with numbers; empty when nothing does."""
    if warming.phase == Phase.WARMED:
        return ["there is no phase after warmed"]
    if warming.phase not in RAMPED:
        return standstill(warming)
    plan, bar, week = schedule.plan(warming.phase), schedule.thresholds, evidence.week
    blockers = []
    if warming.phase_days < plan.min_days:
        blockers.append(f"minimum {plan.min_days} days in phase required (currently {warming.phase_days})")
    if warming.ramp_day < len(plan.stages) - 1:
        top = plan.stages[-1].daily_limit
        now = warming.limits.daily_limit if warming.limits else 0
        blockers.append(f"daily limit must have climbed to {top:,} (currently {now:,})")
    if week.sent < plan.min_volume:
        blockers.append(f"at least {plan.min_volume:,} recipients in 7 days required (currently {week.sent:,})")
    if evidence.reported < REPORTED_SHARE * evidence.admitted:
        blockers.append(f"delivery reports cover only {evidence.reported:,} of {evidence.admitted:,} recipients")
    if week.sent:
        blockers += _rates_too_bad(week, bar.min_delivery_rate, bar.max_bounce_rate, bar.max_complaint_rate)
    return blockers


def _rates_too_bad(week: Counts, delivery: float, bounce: float, complaint: float) -> list[str]:
    blockers = []
    if week.delivered < delivery * week.sent:
        blockers.append(
            f"delivery rate of at least {delivery:.1%} required (currently {week.delivered / week.sent:.2%})"
        )
    if week.bounced >= bounce * week.sent:
        blockers.append(f"bounce rate below {bounce:.1%} required (currently {week.bounced / week.sent:.2%})")
    if week.complained >= complaint * week.sent:
        blockers.append(f"complaint rate below {complaint:.2%} required (currently {week.complained / week.sent:.3%})")
    return blockers


def standstill(warming: Warming) -> list[str]:
    """Why a domain may send nothing at all; empty in a phase that sends."""
    match warming.phase:
        case Phase.NOT_STARTED:
            return ["warming has not been started"]
        case Phase.PAUSED | Phase.SUSPENDED:
            return [f"warming is {warming.phase}: {warming.stopped_because or 'no reason given'}"]
        case _:
            return []


def _stop(warming: Warming, schedule: Schedule, evidence: Evidence) -> Verdict | None:
    """A suspension or pause, where the figures of either window call for one."""
    bar = schedule.thresholds
    windows = (
        (_bounces_today(evidence), TODAY, 1),
        (evidence.recent, RECENT, RECENT_COMPLAINTS),
        (evidence.week, WEEK, 1),
    )
    for counts, window, _ in windows:
        found = _too_high(counts, bar.suspend_bounce_rate, bar.suspend_complaint_rate, STOP_CONFIDENCE)
        if found:
            return _stopping(Action.SUSPEND, found, window)
    gross = _gross(evidence.recent)
    if gross:
        return _stopping(_pause_or_more(warming), gross, RECENT)
    for counts, window, times in windows:
        found = _too_high(counts, bar.pause_bounce_rate, bar.pause_complaint_rate * times, STOP_CONFIDENCE)
        if found:
            return _stopping(_pause_or_more(warming), found, window)
    return None


def _bounces_today(evidence: Evidence) -> Counts:
    """Today's recipients and bounces, nothing while these are too few."""
    today, before = evidence.today, evidence.recent.sent - evidence.today.sent
    if today.sent < TODAY_SHARE * before:
        return Counts()
    return Counts(sent=today.sent, bounced=today.bounced)


def _pause_or_more(warming: Warming) -> Action:
    return Action.PAUSE if warming.strikes < STRIKES else Action.SUSPEND


def _stopping(action: Action, found: tuple[str, str], window: str) -> Verdict:
    reason, detail = found
    phase = Phase.PAUSED if action == Action.PAUSE else Phase.SUSPENDED
    return Verdict(action, phase, reason, f"{detail} {window}")


def _too_high(counts: Counts, bounce: float, complaint: float, confidence: float) -> tuple[str, str] | None:
    sent = counts.sent
    if counts.complained >= MIN_COMPLAINTS and confident_above(counts.complained, sent, complaint, confidence):
        detail = (
            f"{counts.complained:,} complaints from {sent:,} recipients: above {complaint:.2%} with {confidence:.1%}"
        )
        return "complaint_rate_exceeded", f"{detail} confidence"
    if counts.bounced >= MIN_BOUNCES and confident_above(counts.bounced, sent, bounce, confidence):
        detail = f"{counts.bounced:,} bounces from {sent:,} recipients: above {bounce:.1%} with {confidence:.1%}"
        return "bounce_rate_exceeded", f"{detail} confidence"
    return None


def _gross(recent: Counts) -> tuple[str, str] | None:
    if max(GROSS_BOUNCES, GROSS_BOUNCE_RATE * recent.sent) <= recent.bounced <= recent.sent:
        return "bounce_rate_exceeded", f"{recent.bounced:,} bounces from {recent.sent:,} recipients"
    return None


def _demotion(warming: Warming, schedule: Schedule, evidence: Evidence) -> Verdict | None:
    """Lower limits from today: for rates that are probably above those required to advance, or after an idle month."""
    bar = schedule.thresholds
    if evidence.idle_days >= IDLE_DAYS:
        found: tuple[str, str] | None = (IDLE, f"nothing was sent for {evidence.idle_days} days")
    else:
        found = _too_high(evidence.week, bar.max_bounce_rate, bar.max_complaint_rate, DEMOTE_CONFIDENCE)
    if not found:
        return None
    back = before(warming.phase)
    return Verdict(Action.EASE if back == warming.phase else Action.DEMOTE, back, *found)


def _may_climb(warming: Warming, schedule: Schedule, evidence: Evidence) -> bool:
    """Whether the day that ended was used, and nothing speaks against a little more on the next."""
    if warming.limits is None or warming.ramp_day >= len(schedule.plan(warming.phase).stages) - 1:
        return False
    if evidence.busiest < USED_SHARE * warming.limits.daily_limit:
        return False
    bar, week = schedule.thresholds, evidence.week
    return not (
        confident_above(week.complained, week.sent, bar.max_complaint_rate, CLIMB_DOUBT)
        or confident_above(week.bounced, week.sent, bar.max_bounce_rate, CLIMB_DOUBT)
    )


def evidence(warming: Warming, week: list[Period], today: date) -> Evidence:
    """What the policy judges a domain by on `today`; `week` is its last days, today included, oldest first."""
    days = {day: count for day, count in warming.days.items() if count}
    began = (warming.phase_started_at or today.isoformat())[:10]
    with_mail = [place for place, period in enumerate(week[:-1]) if period.total.sent]
    return Evidence(
        today=_judged(warming, week[-1:]),
        recent=_judged(warming, week[with_mail[-1] if with_mail else -1 :]),
        week=_judged(warming, week),
        reported=total(week).sent,
        admitted=sum(count for day, count in days.items() if day >= week[0].name),
        busiest=max([0, *(n for day, n in days.items() if warming.counted_on <= day < today.isoformat())]),
        idle_days=(today - date.fromisoformat(max([began, *days]))).days,
    )


def _judged(warming: Warming, periods: list[Period]) -> Counts:
    """All recipients of `periods`, and the reports since the domain is judged anew."""
    told = total(period for period in periods if period.name >= warming.judged_from)
    if any(period.name == warming.judged_from for period in periods):
        told = told.less(Counts(**warming.judged_less))
    whole = total(periods)
    return told.model_copy(update={"sent": whole.sent, "delivered": whole.delivered})
