"""The warming policy: pure functions that judge a domain by its state, its schedule, the evidence and the date.

What one or two days show lowers the limit. A pause needs a week, or a day that is unlike all before: of healthy domains
(0.05 % complaints), 40 % show 0.1 % or more in a window of 1,000 recipients. To advance, the raw rate has to be below
the threshold, since mailbox providers act on raw rates.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from kindling.warming import words
from kindling.warming.evidence import IDLE_DAYS, WEEKLY_RECIPIENTS, Evidence, Kind, Tally
from kindling.warming.model import RAMPED, SENDING, Phase, Slowed, Warming, next_phase, previous_phase
from kindling.warming.schedules import Schedule, Thresholds
from kindling.warming.statistics import confident_above

# The confidence, that a rate is above its threshold, with which a domain is suspended, paused, lowered, stepped back,
# or kept from climbing. Each is that of one look; the first three look after every bounce, complaint and rejection.
SUSPEND_CONFIDENCE = 0.995
PAUSE_CONFIDENCE = 0.98
LOWER_CONFIDENCE = 0.95
STEP_BACK_CONFIDENCE = 0.95
NO_CLIMB_CONFIDENCE = 0.8
# The least numbers of events for these tests.
MIN_BOUNCES = 10
MIN_BLOCKS = 5
MIN_COMPLAINTS = 2
# A block is a mailbox provider's own verdict on the domain: its thresholds are this many times lower than a bounce's.
BLOCK_WEIGHT = 3
# The confidence that a day does not come from the domain's own earlier days: high, since of few days their variation is
# estimated too low. Their rate is estimated as if this number of events had come before at the rate of the threshold.
UNUSUAL_CONFIDENCE = 0.999_999_999
EVENTS_BEFORE = 2
# From these bounces on a domain is paused without a statistical test: the list was never valid. Complaints need no such
# rule, since few at such a rate are above the threshold with confidence.
GROSS_BOUNCE_RATE = 0.3
GROSS_BOUNCES = 8

# From this number of domains on, the domains of a tenant are judged together.
MIN_DOMAINS = 5
# The number of pauses by the policy within one phase after which the next pause is a suspension.
STRIKES = 2
# The share of the daily limit that has to be used before the limit climbs.
USED_SHARE = 0.25
IDLE = "idle"

LATEST, TODAY, RECENT = "in the last hours", "today", "since the last day with mail"
WEEK, MONTH = "in 7 days", "in 28 days"


# Whether the reports of a kind, among so many recipients, and above a threshold, are usual for a domain.
Usual = Callable[[Kind, int, int, float], bool]


class Action(StrEnum):
    """What to do with a domain."""

    STAY = "stay"
    CLIMB = "climb"  # to the next day of the phase
    ADVANCE = "advance"  # to the next phase
    LOWER = "lower"  # to half of the limit
    EASE = "ease"  # to an earlier day of the first phase
    DEMOTE = "demote"  # to the previous phase
    PAUSE = "pause"
    SUSPEND = "suspend"


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


def judge(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """Judge a domain in a phase that sends. It can be stopped at any time; it moves on and back only on a `new_day`."""
    judged = spared(warming, evidence)
    stop = _stop(warming, schedule.thresholds, judged)
    if stop:
        return stop
    if not new_day:
        return _lowered(warming, schedule.thresholds, judged) or Verdict(Action.STAY, warming.phase)
    # A day that has just begun has recipients whose reports are still to come.
    whole = judged.without_today()
    step_back = _step_back(warming, schedule, whole)
    if step_back:
        return step_back
    lowered = _lowered(warming, schedule.thresholds, whole)
    if lowered:
        return lowered
    blockers = advancement_blockers(warming, schedule, whole)
    if not blockers:
        detail = "All requirements of the phase are met."
        return Verdict(Action.ADVANCE, next_phase(warming.phase), "metrics_passed", detail)
    doubts = climbing_blockers(warming, schedule, whole)
    return Verdict(Action.STAY if doubts else Action.CLIMB, warming.phase, blockers=blockers)


def spared(warming: Warming, evidence: Evidence) -> Evidence:
    """The evidence without the mailbox providers that are slowed, unless they get half of the mail or more.

    They have been answered already; the others go on.
    """
    slowed = [
        cohort.providers[name] for cohort in evidence.cohorts for name in warming.slowed if name in cohort.providers
    ]
    of_slowed = sum(tally.recipients for tally in slowed)
    if not slowed or 2 * of_slowed >= sum(cohort.whole.recipients for cohort in evidence.cohorts):
        return evidence
    return evidence.without(warming.slowed)


def slowing(warming: Warming, schedule: Schedule, evidence: Evidence) -> dict[str, Slowed]:
    """The mailbox providers to slow down since they block mail, with half of what they were sent on their busiest day.

    Once a day for each.
    """
    found: dict[str, Slowed] = {}
    threshold = schedule.thresholds.pause_bounce_rate / BLOCK_WEIGHT
    for name in {name for cohort in evidence.recent_cohorts for name in cohort.providers}:
        before = warming.slowed.get(name)
        if before and before.on >= evidence.last_day:
            continue
        days = [cohort.providers.get(name, Tally()) for cohort in evidence.recent_cohorts]
        blocks, recipients = sum(day.blocks for day in days), sum(day.recipients for day in days)
        if blocks >= MIN_BLOCKS and confident_above(blocks, recipients, threshold, LOWER_CONFIDENCE):
            busiest = max(day.recipients for day in days)
            limit = min(before.limit, busiest) if before else busiest
            found[name] = Slowed(limit=max(limit // 2, 1), on=evidence.today)
    return found


def advancement_blockers(warming: Warming, schedule: Schedule, evidence: Evidence) -> list[str]:
    """The reasons why a domain does not advance, as sentences with numbers; empty when it does."""
    if warming.phase == Phase.WARMED:
        return [words.LAST_PHASE]
    if warming.phase not in RAMPED:
        return words.stopped(warming)
    plan = schedule.plan(warming.phase)
    blockers = []
    if warming.mailed_days < plan.min_days:
        blockers.append(words.days_missing(plan.min_days, warming.mailed_days, warming.phase_days))
    if warming.ramp_day < len(plan.stages) - 1:
        now = plan.stages[warming.ramp_day].daily_limit
        blockers.append(words.limit_missing(plan.stages[-1].daily_limit, now))
    if warming.mailed < plan.min_volume:
        blockers.append(words.volume_missing(plan.min_volume, warming.mailed))
    blockers += _unknown(evidence)
    tally, _ = evidence.period
    if tally.recipients:
        blockers += _raw_rates(tally, schedule.thresholds)
    return blockers


def climbing_blockers(warming: Warming, schedule: Schedule, evidence: Evidence) -> list[str]:
    """The reasons why a domain's limit does not climb, as sentences with numbers; empty when it does.

    For rates, `NO_CLIMB_CONFIDENCE` is enough.
    """
    if warming.phase not in SENDING:
        return words.stopped(warming)
    reasons = _unknown(evidence)
    limit = warming.limit.daily_limit
    if evidence.busiest < USED_SHARE * limit:
        reasons.append(words.unused(evidence.busiest, limit, USED_SHARE))
    thresholds, (tally, days) = schedule.thresholds, evidence.period
    for kind, events, trials, threshold in _required(tally, thresholds):
        if confident_above(events, trials, threshold, NO_CLIMB_CONFIDENCE):
            reasons.append(words.doubtful(kind, events, trials, threshold, days))
    bad = _breach(evidence.recent, thresholds.pause_bounce_rate, thresholds.pause_complaint_rate, LOWER_CONFIDENCE)
    if bad:
        reasons.append(words.bad_day(bad[1]))
    elif warming.held_at is not None:
        reasons += _not_better(evidence.recent, thresholds)
    return reasons


def _not_better(day: Tally, thresholds: Thresholds) -> list[str]:
    """What was still too high on a day after a bad one, which lowered the limit so far that chance explains much."""
    kinds = _rates(day, thresholds.pause_complaint_rate, thresholds.pause_bounce_rate)
    return [words.not_better(*kind) for kind in kinds if kind[1] > kind[2] * kind[3]]


def held(domains: list[Tally], thresholds: Thresholds) -> str:
    """Why all domains of a tenant are held: they are bad together, even without the worst. Empty if they are not."""
    if len(domains) < MIN_DOMAINS:
        return ""
    for kind, threshold, least in (
        (Kind.COMPLAINTS, thresholds.pause_complaint_rate, MIN_COMPLAINTS),
        (Kind.BOUNCES, thresholds.pause_bounce_rate, MIN_BOUNCES),
    ):
        events, trials = _without_worst([one.of(kind) for one in domains])
        if events >= least and confident_above(events, trials, threshold, SUSPEND_CONFIDENCE):
            return words.held(words.breach(kind, events, trials, threshold, SUSPEND_CONFIDENCE), len(domains))
    return ""


def _without_worst(counts: list[tuple[int, int]]) -> tuple[int, int]:
    """The sums without the domain that has the most events."""
    worst = max(counts)
    return sum(events for events, _ in counts) - worst[0], sum(trials for _, trials in counts) - worst[1]


def advice(warming: Warming, schedule: Schedule, evidence: Evidence) -> list[str]:
    """What would help a domain, as sentences: how to go on after a stop, and what ends a doubt."""
    if warming.phase == Phase.PAUSED:
        return words.after_pause(warming, STRIKES)
    if warming.phase == Phase.SUSPENDED:
        return [words.AFTER_SUSPENSION]
    if warming.phase not in SENDING:
        return []
    advised = []
    for kind, events, trials, threshold in _required(evidence.period[0], schedule.thresholds):
        more = clean_recipients_needed(events, trials, threshold)
        if more:
            advised.append(words.more_clean(kind, more))
    if warming.held_at is not None:
        advised.append(words.held_at(warming.held_at, warming.held_on))
    advised += [words.slowed(name, one.limit) for name, one in warming.slowed.items()]
    return advised + words.strikes_left(warming.strikes, STRIKES)


def clean_recipients_needed(events: int, trials: int, threshold: float) -> int:
    """How many more recipients without an event make the doubt about a rate go away; 0 when there is none."""
    low, high = 0, 1
    if not confident_above(events, trials, threshold, NO_CLIMB_CONFIDENCE):
        return 0
    while confident_above(events, trials + high, threshold, NO_CLIMB_CONFIDENCE):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        doubt = confident_above(events, trials + middle, threshold, NO_CLIMB_CONFIDENCE)
        low, high = (middle, high) if doubt else (low, middle)
    return high


def _required(tally: Tally, thresholds: Thresholds) -> tuple[tuple[str, int, int, float], ...]:
    """The rates that are required to climb or advance."""
    return _rates(tally, thresholds.max_complaint_rate, thresholds.max_bounce_rate)


def _rates(tally: Tally, complaint: float, bounce: float) -> tuple[tuple[str, int, int, float], ...]:
    """Of complaints and of bounces: the events, the recipients, and the threshold of their rate."""
    return (
        ("complaint", *tally.of(Kind.COMPLAINTS), complaint),
        ("bounce", *tally.of(Kind.BOUNCES), bounce),
    )


def _unknown(evidence: Evidence) -> list[str]:
    """What is not known and therefore holds the domain. Absence of news is not good news."""
    tally, days = evidence.period
    unknown = [evidence.held] if evidence.held else []
    if not tally.nearly_reported:
        unknown.append(words.unreported(tally, days))
    elif evidence.is_silent:
        unknown.append(words.SILENT)
    if tally.recipients and not tally.complaints_known:
        unknown.append(words.complaints_unknown(tally))
    return unknown


def _raw_rates(tally: Tally, thresholds: Thresholds) -> list[str]:
    blockers = []
    if tally.delivered < thresholds.min_delivery_rate * tally.recipients:
        blockers.append(words.delivery_low(thresholds.min_delivery_rate, tally))
    if tally.bounces >= thresholds.max_bounce_rate * tally.recipients:
        blockers.append(words.rate_high("bounce", thresholds.max_bounce_rate, tally.bounces, tally.recipients))
    if tally.complaints and tally.complaints >= thresholds.max_complaint_rate * tally.listening:
        blockers.append(words.rate_high("complaint", thresholds.max_complaint_rate, tally.complaints, tally.listening))
    return blockers


def _stop(warming: Warming, thresholds: Thresholds, evidence: Evidence) -> Verdict | None:
    """The suspension or pause that the evidence requires, if any."""
    weeks = [(evidence.week, WEEK)]
    if evidence.week.recipients < WEEKLY_RECIPIENTS:
        weeks.append((evidence.month, MONTH))
    for tally, window in weeks:
        breach = _breach(tally, thresholds.suspend_bounce_rate, thresholds.suspend_complaint_rate, SUSPEND_CONFIDENCE)
        if breach:
            return _stop_verdict(Action.SUSPEND, breach, window)
    pause = Action.PAUSE if warming.strikes < STRIKES else Action.SUSPEND
    for tally, window in ((evidence.of_today, TODAY), (evidence.recent, RECENT)):
        if tally.bounces >= max(GROSS_BOUNCES, GROSS_BOUNCE_RATE * tally.recipients):
            return _stop_verdict(pause, ("bounce_rate_exceeded", words.gross(tally)), window)
    bounce, complaint = thresholds.pause_bounce_rate, thresholds.pause_complaint_rate
    for tally, window in weeks:
        usual = partial(week_is_usual, evidence) if window == WEEK else None
        breach = _breach(tally, bounce, complaint, PAUSE_CONFIDENCE, usual)
        if breach:
            return _stop_verdict(pause, breach, window)
    for tally, window in _days(evidence):
        breach = _breach(tally, bounce, complaint, PAUSE_CONFIDENCE, partial(day_is_usual, evidence))
        if breach:
            return _stop_verdict(pause, breach, f"{window}, which its earlier days do not explain")
    return None


def day_is_usual(evidence: Evidence, kind: Kind, events: int, trials: int, threshold: float) -> bool:
    """Whether a bad day may come from the domain's own earlier days, or too little is known of them.

    A domain whose earlier days were above the threshold is compared with one just at the threshold.
    """
    before = evidence.before_last_day[kind]
    if before.variation is None:
        return True
    rate = min((before.events + EVENTS_BEFORE) / (before.trials + EVENTS_BEFORE / threshold), threshold)
    return not confident_above(events, trials, rate, UNUSUAL_CONFIDENCE, before.variation)


def week_is_usual(evidence: Evidence, kind: Kind, events: int, trials: int, threshold: float) -> bool:
    """Whether a domain at the threshold may have such a week, if its days vary as they did before; no, if unknown."""
    variation = (evidence.before_week[kind].variation or 0.0) * evidence.week_unevenness
    return not confident_above(events, trials, threshold, PAUSE_CONFIDENCE, variation)


def _lowered(warming: Warming, thresholds: Thresholds, evidence: Evidence) -> Verdict | None:
    """Half of the limit for what one or two days show, if they show it; once for each day of sending."""
    for tally, window in _days(evidence):
        since = evidence.last_day if window == RECENT else evidence.today
        if warming.held_on >= since:
            continue
        breach = _breach(tally, thresholds.pause_bounce_rate, thresholds.pause_complaint_rate, LOWER_CONFIDENCE)
        if breach:
            return Verdict(Action.LOWER, warming.phase, breach[0], f"{breach[1]} {window}")
    return None


def _days(evidence: Evidence) -> tuple[tuple[Tally, str], ...]:
    return (evidence.latest, LATEST), (evidence.of_today, TODAY), (evidence.recent, RECENT)


def _stop_verdict(action: Action, breach: tuple[str, str], window: str) -> Verdict:
    reason, detail = breach
    phase = Phase.PAUSED if action == Action.PAUSE else Phase.SUSPENDED
    return Verdict(action, phase, reason, f"{detail} {window}")


def _breach(
    tally: Tally, bounce: float, complaint: float, confidence: float, is_usual: Usual | None = None
) -> tuple[str, str] | None:
    """The reason and detail of a rate that is above its threshold with confidence; None when none is.

    What is above it, and yet `is_usual` for the domain, is none.
    """
    for kind, threshold, least, reason in (
        (Kind.COMPLAINTS, complaint, MIN_COMPLAINTS, "complaint_rate_exceeded"),
        (Kind.BLOCKS, bounce / BLOCK_WEIGHT, MIN_BLOCKS, "block_rate_exceeded"),
        (Kind.BOUNCES, bounce, MIN_BOUNCES, "bounce_rate_exceeded"),
    ):
        events, trials = tally.of(kind)
        if events < least or not confident_above(events, trials, threshold, confidence):
            continue
        if is_usual is None or not is_usual(kind, events, trials, threshold):
            return reason, words.breach(kind, events, trials, threshold, confidence)
    return None


def _step_back(warming: Warming, schedule: Schedule, evidence: Evidence) -> Verdict | None:
    """The step back that rates above those required to advance, or `IDLE_DAYS` without mail, require, if any."""
    thresholds, (tally, days) = schedule.thresholds, evidence.period
    if evidence.idle_days >= IDLE_DAYS:
        breach: tuple[str, str] | None = (IDLE, words.idle(evidence.idle_days))
    else:
        breach = _breach(tally, thresholds.max_bounce_rate, thresholds.max_complaint_rate, STEP_BACK_CONFIDENCE)
        breach = breach and (breach[0], f"{breach[1]} in {days} days")
    if not breach:
        return None
    phase = previous_phase(warming.phase)
    return Verdict(Action.EASE if phase == warming.phase else Action.DEMOTE, phase, *breach)
