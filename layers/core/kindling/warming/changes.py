"""The attributes to write when a domain enters a phase, climbs within it, or stops. Nothing is written here."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from kindling.metrics.model import Counts
from kindling.platform import clock, due
from kindling.warming import policy
from kindling.warming.model import (
    CLOSED,
    DUE_KIND,
    KEPT_FIELDS,
    RAMPED,
    SYSTEM,
    HistoryEntry,
    Limits,
    Phase,
    Warming,
    history_entry,
    lower_budgets,
    previous_phase,
)
from kindling.warming.schedules import Schedule

# The time after midnight over which the judgements of a day are spread.
SPREAD = timedelta(hours=1)

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
    put, drop = entered(warming, schedule, Phase.PHASE_1, ramp_day=0)
    put |= {"warming_started_at": clock.timestamp(), "strikes": 0}
    return put, (*drop, "phase_before", "stopped_because", "stopped_by")


def entered(warming: Warming, schedule: Schedule, phase: Phase, *, ramp_day: int) -> Changes:
    """The start of a phase, with the limits of its day `ramp_day`."""
    limits = schedule.limits(phase, ramp_day)
    put, drop = limited(warming, schedule, limits)
    put |= {"ramp_day": ramp_day, "phase_days": 0, "phase_started_at": clock.timestamp()}
    return put, drop


def resumed(warming: Warming, schedule: Schedule) -> Changes:
    """The phase before the pause, at the day where it stopped; at its first day after a pause by the policy."""
    phase = warming.phase_before or Phase.PHASE_1
    ramp_day = 0 if warming.stopped_by == SYSTEM else warming.ramp_day
    put, drop = limited(warming, schedule, schedule.limits(phase, ramp_day))
    return put | {"ramp_day": ramp_day}, (*drop, "phase_before", "stopped_because", "stopped_by")


def stopped(warming: Warming, reason: str, stopped_by: str) -> Changes:
    """A pause or suspension; the phase is kept for the resumption."""
    put: dict[str, Any] = {"phase_before": _back(warming), "stopped_because": reason, "stopped_by": stopped_by}
    if stopped_by == SYSTEM:
        put["strikes"] = warming.strikes + 1
    return put, due.FIELDS


def inherited(warming: Warming, gate: Warming, schedule: Schedule) -> tuple[Phase, Changes]:
    """Go on from the gate that the name had with another domain, and the phase in which the domain then is.

    As after a pause by the policy it goes on with the first day of its phase; for every `IDLE_DAYS` without mail a
    phase lower, as the policy would have judged. A stop stays, also one of the domain's own.
    """
    back = _back(gate)
    for _ in range(policy.idle_days(gate, clock.today()) // policy.IDLE_DAYS):
        back = previous_phase(back)
    # Today's limits are at most those of the former domain, whatever the schedule.
    former = gate.model_copy(update={"domain_id": warming.domain_id, "followed_on": today()})
    put, drop = entered(former, schedule, back, ramp_day=0)
    put |= gate.model_dump(mode="json", include=set(KEPT_FIELDS), exclude_none=True)
    drop += ("ended_at", "expires_at")
    stops = [one for one in (warming, gate) if one.phase in CLOSED]
    stop = max(stops, key=lambda one: one.phase == Phase.SUSPENDED, default=None)
    if stop is None:
        return back, (put, (*drop, "phase_before", "stopped_because", "stopped_by"))
    because = stop.stopped_because if stop is warming else INHERITED_STOP[gate.phase]
    put |= {"phase_before": back, "stopped_because": because, "stopped_by": stop.stopped_by}
    return stop.phase, (put, (*drop, *due.FIELDS))


def _back(warming: Warming) -> Phase:
    """The phase that a domain resumes in; a warmed one in the last that has limits."""
    phase = warming.phase_before if warming.phase in CLOSED else warming.phase
    return phase if phase in RAMPED else Phase.PHASE_4


def limited(warming: Warming, schedule: Schedule, limits: Limits | None) -> Changes:
    """The limits and budgets from now on; without limits, the cap's.

    They rise only once per UTC day, and not on a day on which the schedule was changed.
    """
    if limits is None and warming.cap is not None:
        limits = Limits.of_day(warming.cap)
    budgets = schedule.budgets(limits)
    if limits and warming.limits and today() in (warming.limits_on, warming.followed_on):
        limits = limits.lower_of(warming.limits)
        budgets = lower_budgets(schedule.budgets(limits), warming.budgets)
    put: dict[str, Any] = {
        "counted_on": today(),
        "schedule": schedule.name,
        "schedule_version": schedule.version,
        "budgets": budgets,
        **due.fields(DUE_KIND, warming.domain_id, next_judgement(warming.domain_id)),
    }
    if limits is None:
        return put, ("limits", "limits_on")
    return put | {"limits": limits.model_dump(), "limits_on": today()}, ()


def capped(warming: Warming, schedule: Schedule, cap: int | None) -> Changes:
    """A cap, or none any more. A warmed domain has its limits at once, also when they are higher than before."""
    put: dict[str, Any] = {} if cap is None else {"cap": cap}
    drop = ("cap",) if cap is None else ()
    if warming.phase != Phase.WARMED:
        return put, drop
    if cap is None:
        return put | {"budgets": {}}, (*drop, "limits", "limits_on")
    limits = Limits.of_day(cap)
    now = {"limits": limits.model_dump(), "limits_on": today(), "budgets": schedule.budgets(limits)}
    return put | now, drop


def judged_from_now(counts_today: Counts) -> dict[str, Any]:
    """Let the policy ignore reports from before now; `counts_today` is what today has brought so far."""
    return {"judged_from": today(), "judged_less": counts_today.nonzero()}
