"""The warming policy: pure functions that judge a domain by its state, its schedule, its metrics and the date.

A domain is stopped or demoted for a rate only when the rate is above its threshold with statistical confidence (exact
binomial test) and there is a minimum of events: of healthy domains (0.05 % complaints), 40 % show 0.1 % or more in a
window of 1,000 recipients. To advance, the raw rate has to be below the threshold, since mailbox providers act on raw
rates.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from math import exp, lgamma, log, log1p

from kindling.metrics.model import Counts, Period, total
from kindling.warming.model import RAMPED, Phase, Warming, next_phase, previous_phase
from kindling.warming.schedules import Schedule, Thresholds

# The confidence, that a rate is above its threshold, with which a domain is stopped, demoted, or kept from climbing.
# The one for stopping is the highest because it is tested after every bounce and complaint, the others once a day.
STOP_CONFIDENCE = 0.995
DEMOTE_CONFIDENCE = 0.95
NO_CLIMB_CONFIDENCE = 0.8
# The least numbers of events for these tests.
MIN_BOUNCES = 10
MIN_COMPLAINTS = 3

TODAY, RECENT, WEEK = "today", "since the last day with mail", "in 7 days"
# Today's bounces are judged alone once today has this share of the recipients of the last day with mail: before that,
# late bounces of mail from that day would weigh too much. Complaints arrive hours later and are judged over both days.
TODAY_SHARE = 0.25
# The factor by which the pause threshold for complaints is higher over two days than over seven, so that a single
# unpopular mailing does not pause a domain.
RECENT_COMPLAINTS = 2
# From these bounces on a domain is paused without a statistical test: the list was never valid. Complaints need no such
# rule, since MIN_COMPLAINTS at such a rate are above the threshold with confidence.
GROSS_BOUNCE_RATE = 0.3
GROSS_BOUNCES = 5

# The number of pauses by the policy within one phase after which the next pause is a suspension.
STRIKES = 2

# The share of the daily limit that has to be used before the limit climbs.
USED_SHARE = 0.25
# Days without mail after which a domain is demoted. Source: SendGrid asks to warm up again after more than 30 days.
IDLE_DAYS = 30
IDLE = "idle"
# The share of the admitted recipients for which reports must have arrived before a domain may climb or advance.
REPORTED_SHARE = 0.9


class Action(StrEnum):
    """What to do with a domain."""

    STAY = "stay"
    CLIMB = "climb"  # to the next day of the phase
    ADVANCE = "advance"  # to the next phase
    EASE = "ease"  # to an earlier day of the first phase
    DEMOTE = "demote"  # to the previous phase
    PAUSE = "pause"
    SUSPEND = "suspend"


@dataclass(frozen=True)
class Evidence:
    """The counts by which a domain is judged: of today, of today and the last day with mail, and of the last 7 days.

    After a start, resumption or demotion, only later reports count, but all recipients of the window, because late
    reports belong to mail sent before. `reported` is the week's number of recipients according to the provider,
    `admitted` that according to the gate. `busiest` is the highest number admitted on one day since the last daily
    judgement, `idle_days` the number of days since anything was admitted, `admitted_today` today's part of `admitted`.
    """

    recent: Counts
    week: Counts
    today: Counts = field(default_factory=Counts)
    reported: int = 0
    admitted: int = 0
    busiest: int = 0
    idle_days: int = 0
    admitted_today: int = 0

    def without_today(self) -> "Evidence":
        """The evidence of whole days; `recent` stays as it is."""
        return replace(
            self,
            week=self.week.less(self.today),
            today=Counts(),
            reported=self.reported - self.today.sent,
            admitted=self.admitted - self.admitted_today,
            admitted_today=0,
        )


@dataclass(frozen=True)
class Verdict:
    """The result of a judgement.

    `phase` is the phase after `action`, `reason` a code, `detail` a sentence with numbers, and `blockers` are the
    reasons why the domain does not advance.
    """

    action: Action
    phase: Phase
    reason: str = ""
    detail: str = ""
    blockers: list[str] = field(default_factory=list)


def confident_above(events: int, trials: int, threshold: float, confidence: float) -> bool:
    """Whether the true rate is above `threshold` with `confidence`, by the one-sided exact binomial test."""
    return tail(events, trials, threshold) < 1 - confidence


def tail(events: int, trials: int, rate: float) -> float:
    """The probability of `events` or more among `trials` at `rate`, the upper tail of the binomial distribution.

    1.0 when there are not more events than expected, or more events than trials: those belong to mail sent before the
    window, and prove nothing about it.
    """
    if events <= trials * rate or events > trials:
        return 1.0
    choose = lgamma(trials + 1) - lgamma(events + 1) - lgamma(trials - events + 1)
    term = exp(choose + events * log(rate) + (trials - events) * log1p(-rate))
    probability, k = term, events
    # Above the mean the terms fall at least geometrically, so that the sum converges fast.
    while k < trials and term > probability * 1e-12:
        term *= (trials - k) / (k + 1) * rate / (1 - rate)
        probability += term
        k += 1
    return probability


def judge(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """Judge a domain in a phase that sends. It can be stopped at any time; everything else happens on a `new_day`."""
    stop = _stop(warming, schedule, evidence)
    if stop:
        return stop
    if not new_day:
        return Verdict(Action.STAY, warming.phase, blockers=advancement_blockers(warming, schedule, evidence))
    # A day that has just begun has recipients whose reports are still to come.
    evidence = evidence.without_today()
    blockers = advancement_blockers(warming, schedule, evidence)
    stay = Verdict(Action.STAY, warming.phase, blockers=blockers)
    demotion = _demotion(warming, schedule, evidence)
    if demotion:
        return demotion
    if warming.phase not in RAMPED:
        return stay
    if not blockers:
        detail = "All requirements of the phase are met."
        return Verdict(Action.ADVANCE, next_phase(warming.phase), "metrics_passed", detail)
    if _may_climb(warming, schedule, evidence):
        return Verdict(Action.CLIMB, warming.phase, blockers=blockers)
    return stay


def advancement_blockers(warming: Warming, schedule: Schedule, evidence: Evidence) -> list[str]:
    """The reasons why a domain does not advance, as sentences with numbers; empty when it does."""
    if warming.phase == Phase.WARMED:
        return ["there is no phase after warmed"]
    if warming.phase not in RAMPED:
        return why_stopped(warming)
    plan, thresholds, week = schedule.plan(warming.phase), schedule.thresholds, evidence.week
    blockers = []
    if warming.phase_days < plan.min_days:
        blockers.append(f"minimum {plan.min_days} days in phase required (currently {warming.phase_days})")
    if warming.ramp_day < len(plan.stages) - 1:
        top = plan.stages[-1].daily_limit
        now = warming.limits.daily_limit if warming.limits else 0
        blockers.append(f"daily limit must have climbed to {top:,} (currently {now:,})")
    if week.sent < plan.min_volume:
        blockers.append(f"at least {plan.min_volume:,} recipients in 7 days required (currently {week.sent:,})")
    if not _is_reported(evidence):
        blockers.append(f"delivery reports cover only {evidence.reported:,} of {evidence.admitted:,} recipients")
    if week.sent:
        blockers += _rate_blockers(week, thresholds)
    return blockers


def _rate_blockers(week: Counts, thresholds: Thresholds) -> list[str]:
    delivery, bounce = thresholds.min_delivery_rate, thresholds.max_bounce_rate
    complaint = thresholds.max_complaint_rate
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


def why_stopped(warming: Warming) -> list[str]:
    """The reason why a domain's warming admits nothing; empty in a phase that sends."""
    match warming.phase:
        case Phase.NOT_STARTED:
            return ["warming has not been started"]
        case Phase.PAUSED | Phase.SUSPENDED:
            return [f"warming is {warming.phase}: {warming.stopped_because or 'no reason given'}"]
        case _:
            return []


def _stop(warming: Warming, schedule: Schedule, evidence: Evidence) -> Verdict | None:
    """The suspension or pause that the counts of any window require, if any."""
    thresholds = schedule.thresholds
    windows = (
        (_bounces_today(evidence), TODAY, 1),
        (evidence.recent, RECENT, RECENT_COMPLAINTS),
        (evidence.week, WEEK, 1),
    )
    for counts, window, _ in windows:
        breach = _breach(counts, thresholds.suspend_bounce_rate, thresholds.suspend_complaint_rate, STOP_CONFIDENCE)
        if breach:
            return _stop_verdict(Action.SUSPEND, breach, window)
    gross = _gross_breach(evidence.recent)
    if gross:
        return _stop_verdict(_pause_or_suspend(warming), gross, RECENT)
    for counts, window, factor in windows:
        complaint_rate = thresholds.pause_complaint_rate * factor
        breach = _breach(counts, thresholds.pause_bounce_rate, complaint_rate, STOP_CONFIDENCE)
        if breach:
            return _stop_verdict(_pause_or_suspend(warming), breach, window)
    return None


def _bounces_today(evidence: Evidence) -> Counts:
    """Today's recipients and bounces; zeros until today has `TODAY_SHARE` of the last day's recipients."""
    today, last_day = evidence.today, evidence.recent.sent - evidence.today.sent
    if today.sent < TODAY_SHARE * last_day:
        return Counts()
    return Counts(sent=today.sent, bounced=today.bounced)


def _pause_or_suspend(warming: Warming) -> Action:
    return Action.PAUSE if warming.strikes < STRIKES else Action.SUSPEND


def _stop_verdict(action: Action, breach: tuple[str, str], window: str) -> Verdict:
    reason, detail = breach
    phase = Phase.PAUSED if action == Action.PAUSE else Phase.SUSPENDED
    return Verdict(action, phase, reason, f"{detail} {window}")


def _breach(counts: Counts, bounce: float, complaint: float, confidence: float) -> tuple[str, str] | None:
    """The reason and detail of a rate that is above its threshold with confidence; None when neither is."""
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


def _gross_breach(recent: Counts) -> tuple[str, str] | None:
    if max(GROSS_BOUNCES, GROSS_BOUNCE_RATE * recent.sent) <= recent.bounced <= recent.sent:
        return "bounce_rate_exceeded", f"{recent.bounced:,} bounces from {recent.sent:,} recipients"
    return None


def _demotion(warming: Warming, schedule: Schedule, evidence: Evidence) -> Verdict | None:
    """The demotion that rates above those required to advance, or `IDLE_DAYS` without mail, require, if any."""
    thresholds = schedule.thresholds
    if evidence.idle_days >= IDLE_DAYS:
        breach: tuple[str, str] | None = (IDLE, f"nothing was sent for {evidence.idle_days} days")
    else:
        breach = _breach(evidence.week, thresholds.max_bounce_rate, thresholds.max_complaint_rate, DEMOTE_CONFIDENCE)
    if not breach:
        return None
    phase = previous_phase(warming.phase)
    return Verdict(Action.EASE if phase == warming.phase else Action.DEMOTE, phase, *breach)


def _may_climb(warming: Warming, schedule: Schedule, evidence: Evidence) -> bool:
    """Whether enough of the limit was used and reported, and neither rate is above its threshold.

    For that, `NO_CLIMB_CONFIDENCE` is enough.
    """
    if not _is_reported(evidence):
        return False
    if warming.limits is None or warming.ramp_day >= len(schedule.plan(warming.phase).stages) - 1:
        return False
    if evidence.busiest < USED_SHARE * warming.limits.daily_limit:
        return False
    thresholds, week = schedule.thresholds, evidence.week
    return not (
        confident_above(week.complained, week.sent, thresholds.max_complaint_rate, NO_CLIMB_CONFIDENCE)
        or confident_above(week.bounced, week.sent, thresholds.max_bounce_rate, NO_CLIMB_CONFIDENCE)
    )


def _is_reported(evidence: Evidence) -> bool:
    """Whether the provider told of nearly all that was admitted. Missing reports are unknown, not good."""
    return evidence.reported >= REPORTED_SHARE * evidence.admitted


def evidence(warming: Warming, week: list[Period], today: date) -> Evidence:
    """The evidence on `today`. `week` are the metrics of the last days, oldest first, today included."""
    days = {day: count for day, count in warming.days.items() if count}
    with_mail = [index for index, period in enumerate(week[:-1]) if period.total.sent]
    return Evidence(
        today=_counts(warming, week[-1:]),
        recent=_counts(warming, week[with_mail[-1] if with_mail else -1 :]),
        week=_counts(warming, week),
        reported=total(week).sent,
        admitted=sum(count for day, count in days.items() if day >= week[0].name),
        busiest=max([0, *(n for day, n in days.items() if warming.counted_on <= day < today.isoformat())]),
        admitted_today=days.get(today.isoformat(), 0),
        idle_days=idle_days(warming, today),
    )


def idle_days(warming: Warming, today: date) -> int:
    """The days since anything was admitted, or since the phase was entered if that is later."""
    started_on = (warming.phase_started_at or today.isoformat())[:10]
    with_mail = [day for day, count in warming.days.items() if count]
    return (today - date.fromisoformat(max([started_on, *with_mail]))).days


def _counts(warming: Warming, periods: list[Period]) -> Counts:
    """The recipients and deliveries of all `periods`, and the other reports since `judged_from`."""
    reports = total(period for period in periods if period.name >= warming.judged_from)
    if any(period.name == warming.judged_from for period in periods):
        reports = reports.less(Counts(**warming.judged_less))
    whole = total(periods)
    return reports.model_copy(update={"sent": whole.sent, "delivered": whole.delivered})
