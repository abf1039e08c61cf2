"""The attributes to write when a domain enters a phase, climbs within it, or stops. Nothing is written here."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from kindling.metrics.model import Counts
from kindling.platform import clock, due
from kindling.warming.model import DUE_KIND, RAMPED, SYSTEM, HistoryEntry, Limits, Phase, Warming, history_entry
from kindling.warming.schedules import Schedule

# The time after midnight over which the judgements of a day are spread.
SPREAD = timedelta(hours=1)

Changes = tuple[dict[str, Any], tuple[str, ...]]


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
    # A warmed domain has no limits; it resumes in the last phase that has some.
    back = warming.phase if warming.phase in RAMPED else Phase.PHASE_4
    put: dict[str, Any] = {"phase_before": back, "stopped_because": reason, "stopped_by": stopped_by}
    if stopped_by == SYSTEM:
        put["strikes"] = warming.strikes + 1
    return put, due.FIELDS


def limited(warming: Warming, schedule: Schedule, limits: Limits | None) -> Changes:
    """The limits from now on. They rise only once per UTC day, and not on a day on which the schedule was changed."""
    if limits and warming.limits and today() in (warming.limits_on, warming.followed_on):
        limits = limits.lower_of(warming.limits)
    put: dict[str, Any] = {
        "counted_on": today(),
        "schedule": schedule.name,
        "schedule_version": schedule.version,
        **due.fields(DUE_KIND, warming.domain_id, next_judgement(warming.domain_id)),
    }
    if limits is None:
        return put, ("limits", "limits_on")
    return put | {"limits": limits.model_dump(), "limits_on": today()}, ()


def judged_from_now(counts_today: Counts) -> dict[str, Any]:
    """Let the policy ignore reports from before now; `counts_today` is what today has brought so far."""
    return {"judged_from": today(), "judged_less": counts_today.nonzero()}
