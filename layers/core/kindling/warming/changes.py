"""The attributes to write when a domain enters a phase, climbs within it, or stops. Nothing is written here."""

from datetime import UTC, datetime, time, timedelta
from math import floor
from typing import Any

from kindling.platform import clock, due
from kindling.warming.evidence import DAYS, IDLE_DAYS, idle_days
from kindling.warming.model import (
    CLOSED,
    DUE_KIND,
    KEPT_FIELDS,
    NO_LIMITS,
    RAMPED,
    SYSTEM,
    HistoryEntry,
    Limits,
    Phase,
    Slowed,
    Warming,
    history_entry,
    lower_budgets,
    previous_phase,
)
from kindling.warming.schedules import Schedule

# The time after midnight over which the judgements of a day are spread.
SPREAD = timedelta(hours=1)

# No limit is higher than this many times the busiest day of the last weeks.
USE_FACTOR = 2
# The share of its busiest day with which a domain resumes after a pause by the policy.
RESUMED_SHARE = 0.5
# What ends with a stop, and what a bad day leaves behind.
STOP_FIELDS = ("phase_before", "stopped_because", "stopped_by")
HELD_FIELDS = ("held_at", "held_on", "slowed")
# What is forgotten when the policy judges anew.
JUDGED_FIELDS = ("moved_from",)
# What is forgotten once the policy does not look back to the domain that had the name before.
FORMER_FIELDS = ("former", "former_until")

Changes = tuple[dict[str, Any], tuple[str, ...]]

# Why a new domain of a stopped name is stopped, without what led to that under another tenant.
INHERITED_STOP = {
    Phase.PAUSED: "the name was paused when its former domain ended; resume it once its mail is wanted",
    Phase.SUSPENDED: "the name was suspended when its former domain ended; a key with the scope admin starts it again "
    "with force",
}


def today() -> str:
    return clock.today().isoformat()


def next_judgement(domain_id: str) -> datetime:
    """When a domain is judged next: within `SPREAD` after the current UTC day, always at the same time of day."""
    midnight = datetime.combine(clock.today() + timedelta(days=1), time.min, tzinfo=UTC)
    return midnight + due.spread(domain_id, SPREAD)


def start_entry(warming: Warming, triggered_by: str) -> HistoryEntry:
    return history_entry(warming, Phase.PHASE_1, reason="warming_started", triggered_by=triggered_by)


def started(warming: Warming, schedule: Schedule) -> Changes:
    """The first day of the first phase."""
    put, drop = entered(warming, schedule, Phase.PHASE_1, ramp_day=0, peak=0)
    put |= {"warming_started_at": clock.timestamp(), "strikes": 0, "judged_from": next_mail(warming)}
    return put, (*drop, *STOP_FIELDS, *HELD_FIELDS, *JUDGED_FIELDS)


def entered(
    warming: Warming, schedule: Schedule, phase: Phase, *, ramp_day: int, peak: int, most: Limits = NO_LIMITS
) -> Changes:
    """The start of a phase, with the limits of its day `ramp_day`."""
    put, drop = limited(warming, schedule, phase, ramp_day, peak=peak, most=most)
    put |= {"phase_days": 0, "mailed_days": 0, "mailed": 0, "phase_started_at": clock.timestamp()}
    return put, drop


def resumed(warming: Warming, schedule: Schedule, *, peak: int) -> tuple[Phase, Changes]:
    """The phase before the pause, at the day where it stopped.

    After a pause by the policy it is a phase lower, at its first day, with at most `RESUMED_SHARE` of the busiest day.
    Only mail from then on is judged, and none is sent before midnight on a day that has had mail already: of one day's
    reports nobody could tell which are about mail from before the pause.
    """
    if warming.stopped_by != SYSTEM:
        phase = warming.phase_before or Phase.PHASE_1
        put, drop = limited(warming, schedule, phase, warming.ramp_day, peak=peak)
        return phase, (put, (*drop, *STOP_FIELDS))
    phase = previous_phase(warming.phase_before or Phase.PHASE_1)
    held = warming.model_copy(update={"held_at": floor(RESUMED_SHARE * peak)})
    sent_today = warming.sent.get(today(), 0)
    most = Limits.of(sent_today) if sent_today else NO_LIMITS
    put, drop = entered(held, schedule, phase, ramp_day=0, peak=peak, most=most)
    put |= {"held_at": held.held_at, "judged_from": next_mail(warming)}
    return phase, (put, (*drop, *STOP_FIELDS, *JUDGED_FIELDS))


def stopped(warming: Warming, reason: str, stopped_by: str) -> Changes:
    """A pause or suspension; the phase is kept for the resumption."""
    put: dict[str, Any] = {"phase_before": warming.phase, "stopped_because": reason, "stopped_by": stopped_by}
    if stopped_by == SYSTEM:
        put["strikes"] = warming.strikes + 1
    return put, due.FIELDS


def inherited(warming: Warming, gate: Warming, schedule: Schedule) -> tuple[Phase, Changes]:
    """Go on from the gate that the name had with another domain, and the phase in which the domain then is.

    As after a pause by the policy it goes on with the first day of its phase; for every `IDLE_DAYS` without mail a
    phase lower, as the policy would have judged. A stop stays, also one of the domain's own.
    """
    back = _back(gate)
    for _ in range(idle_days(gate, clock.today()) // IDLE_DAYS):
        back = previous_phase(back)
    # Today's limits are at most those of the former domain, whatever the schedule.
    now = {"domain_id": warming.domain_id, "followed_on": today(), "former_until": None}
    former = gate.model_copy(update=now)
    put, drop = entered(former, schedule, back, ramp_day=0, peak=max(gate.days.values(), default=0))
    put |= gate.model_dump(mode="json", include=set(KEPT_FIELDS), exclude_none=True)
    drop += ("ended_at", "expires_at")
    stops = [one for one in (warming, gate) if one.phase in CLOSED]
    stop = max(stops, key=lambda one: one.phase == Phase.SUSPENDED, default=None)
    if stop is None:
        return back, (put, (*drop, *STOP_FIELDS))
    because = stop.stopped_because if stop is warming else INHERITED_STOP[gate.phase]
    put |= {"phase_before": back, "stopped_because": because, "stopped_by": stop.stopped_by}
    return stop.phase, (put, (*drop, *due.FIELDS))


def _back(warming: Warming) -> Phase:
    """The phase from which the next domain of a name goes on; after a warmed one the last that has a ramp."""
    phase = warming.phase_before if warming.phase in CLOSED else warming.phase
    return phase if phase in RAMPED else Phase.PHASE_4


def limited(
    warming: Warming, schedule: Schedule, phase: Phase, ramp_day: int, *, peak: int, most: Limits = NO_LIMITS
) -> Changes:
    """The limits, none of them above `most`, and budgets from now on.

    They rise only once per UTC day, and not on a day on which the schedule was changed. `peak` is the busiest day of
    the last weeks, in recipients.
    """
    limits = allowed(warming, schedule, phase, ramp_day, peak=peak).lower_of(most)
    holds = warming.limits if today() in (warming.limits_on, warming.followed_on) else None
    limits = limits.lower_of(holds) if holds else limits
    budgets = _budgets(warming, schedule, limits)
    budgets = lower_budgets(budgets, warming.budgets) if holds else budgets
    put: dict[str, Any] = {
        "ramp_day": ramp_day,
        "counted_on": today(),
        "limits": limits.model_dump(),
        "limits_on": today(),
        "schedule": schedule.name,
        "schedule_version": schedule.version,
        "budgets": budgets,
        **due.fields(DUE_KIND, warming.domain_id, next_judgement(warming.domain_id)),
    }
    earliest = (clock.today() - timedelta(days=DAYS)).isoformat()
    return put, FORMER_FIELDS if warming.former_until and warming.former_until < earliest else ()


def capped(warming: Warming, schedule: Schedule, cap: int | None, *, peak: int) -> Changes:
    """A cap, or none any more. A warmed domain has its limits at once, also when they are higher than before."""
    put: dict[str, Any] = {} if cap is None else {"cap": cap}
    drop = ("cap",) if cap is None else ()
    if warming.phase != Phase.WARMED:
        return put, drop
    now = warming.model_copy(update={"cap": cap})
    limits = allowed(now, schedule, Phase.WARMED, warming.ramp_day, peak=peak)
    budgets = _budgets(warming, schedule, limits)
    return put | {"limits": limits.model_dump(), "limits_on": today(), "budgets": budgets}, drop


def stayed(warming: Warming, schedule: Schedule, *, peak: int) -> Changes:
    """The limits of a day on which they do not rise; they fall when less is sent than before."""
    return limited(warming, schedule, warming.phase, warming.ramp_day, peak=peak, most=warming.limit)


def climbed(warming: Warming, schedule: Schedule, *, peak: int) -> Changes:
    """The limits of the next day of the phase; after a bad day, twice those to which it had lowered them.

    The mailbox providers that were slowed on a day before are also sent twice as much.
    """
    doubled = {
        name: one if one.on == today() else Slowed(limit=2 * one.limit, on=one.on)
        for name, one in warming.slowed.items()
    }
    slowed = {name: one for name, one in doubled.items() if one.limit < warming.limit.daily_limit}
    warming = warming.model_copy(update={"slowed": slowed})
    if warming.held_at is None:
        last = len(schedule.plan(warming.phase).stages) - 1 if warming.phase in RAMPED else warming.ramp_day
        put, drop = limited(warming, schedule, warming.phase, min(warming.ramp_day + 1, last), peak=peak)
    else:
        # Less than the floor was never in force, so that doubling it would lead nowhere.
        twice = 2 * max(warming.held_at, schedule.limits(Phase.PHASE_1, 0).daily_limit)
        free = warming.model_copy(update={"held_at": None})
        raised = warming.model_copy(update={"held_at": twice})
        ends = twice >= allowed(free, schedule, warming.phase, warming.ramp_day, peak=peak).daily_limit
        put, drop = limited(free if ends else raised, schedule, warming.phase, warming.ramp_day, peak=peak)
        put, drop = (put, (*drop, "held_at", "held_on")) if ends else (put | {"held_at": raised.held_at}, drop)
    return put | {"slowed": {name: one.model_dump() for name, one in slowed.items()}}, drop


def lowered(warming: Warming, schedule: Schedule, *, peak: int) -> Changes:
    """Half of the limit, at once."""
    held = warming.model_copy(update={"held_at": warming.limit.daily_limit // 2})
    put, drop = limited(held, schedule, warming.phase, warming.ramp_day, peak=peak)
    return put | {"held_at": held.held_at, "held_on": today()}, drop


def _budgets(warming: Warming, schedule: Schedule, limits: Limits) -> dict[str, int]:
    """The schedule's budgets of mailbox providers, and those of the ones that are slowed."""
    return lower_budgets(schedule.budgets(limits), {name: one.limit for name, one in warming.slowed.items()})


def allowed(warming: Warming, schedule: Schedule, phase: Phase, ramp_day: int, *, peak: int) -> Limits:
    """The limits that the schedule, recent use and a bad day allow; the cap of a warmed domain may be set by an admin.

    None is higher than `USE_FACTOR` times the busiest day, but for the floor, with which a domain can begin.
    """
    first, stage = schedule.limits(Phase.PHASE_1, 0), schedule.limits(phase, ramp_day)
    if phase == Phase.WARMED:
        daily = warming.cap or max(schedule.plan(Phase.PHASE_1).stages[-1].daily_limit, USE_FACTOR * peak)
    else:
        daily = min(stage.daily_limit, max(first.daily_limit, USE_FACTOR * peak))
    if warming.held_at is not None:
        daily = min(daily, max(warming.held_at, first.daily_limit))
    return stage.scaled(daily, first)


def first_limits(warming: Warming, schedule: Schedule, phase: Phase, *, peak: int) -> Limits:
    """The limits with which a phase begins for a domain that uses those of the phase before."""
    if phase == Phase.WARMED:
        return allowed(warming, schedule, phase, 0, peak=peak)
    return schedule.limits(phase, 0)


def next_mail(warming: Warming) -> str:
    """The first day that has only mail from now on: tomorrow, if today has had mail."""
    day = clock.today() + timedelta(days=1 if warming.sent.get(today()) else 0)
    return day.isoformat()
