"""What a domain's item becomes when it enters a phase, climbs, or stops: the values to write, nothing else."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from kindling.metrics.model import Counts
from kindling.platform import clock, due
from kindling.warming import store
from kindling.warming.model import RAMPED, SYSTEM, HistoryEntry, Limits, Phase, Warming
from kindling.warming.schedules import Schedule

Changes = tuple[dict[str, Any], tuple[str, ...]]


def today() -> str:
    return clock.today().isoformat()


def next_day() -> datetime:
    """When the day that runs now ends."""
    return datetime.combine(clock.today() + timedelta(days=1), time.min, tzinfo=UTC)


def begun(user_id: str, domain_id: str, domain: str, *, verified: bool) -> list[dict[str, Any]]:
    """The actions of a transaction that give a new domain its warming: begun when it is verified, else at rest."""
    rest = Warming(user_id=user_id, domain_id=domain_id, domain=domain, updated_at=clock.timestamp())
    if not verified:
        return [store.created(rest, {})]
    put, _ = started(rest, store.schedule_of(user_id))
    due_at = {name: put.pop(name) for name in due.FIELDS}
    warming = Warming.model_validate(rest.model_dump() | put | {"phase": Phase.PHASE_1})
    return [store.created(warming, due_at), store.recorded(rest, start_entry(rest, SYSTEM))]


def beginning(user_id: str, domain_id: str) -> list[dict[str, Any]]:
    """The actions that start the warming of a domain that was just verified; none when it is not at rest."""
    warming = store.get(user_id, domain_id)
    if warming is None or warming.phase != Phase.NOT_STARTED:
        return []
    put, drop = started(warming, store.schedule_of(user_id))
    return store.moved(warming, start_entry(warming, SYSTEM), put=put, drop=drop)


def start_entry(warming: Warming, triggered_by: str) -> HistoryEntry:
    return store.entry(warming, Phase.PHASE_1, reason="warming_started", triggered_by=triggered_by)


def started(warming: Warming, schedule: Schedule) -> Changes:
    """The first day of the first phase."""
    put, drop = entered(warming, schedule, Phase.PHASE_1, ramp_day=0)
    put |= {"warming_started_at": clock.timestamp(), "strikes": 0}
    return put, (*drop, "phase_before", "stopped_because", "stopped_by")


def entered(warming: Warming, schedule: Schedule, phase: Phase, *, ramp_day: int) -> Changes:
    """A phase that is new to the domain, from its step `ramp_day`."""
    limits = schedule.limits(phase, ramp_day)
    put, drop = on(warming, schedule, limits)
    put |= {"ramp_day": ramp_day, "phase_days": 0, "phase_started_at": clock.timestamp()}
    return put, drop


def resumed(warming: Warming, schedule: Schedule) -> Changes:
    """The phase before the pause, where it was left; from its first day when it was the policy that paused."""
    phase = warming.phase_before or Phase.PHASE_1
    ramp_day = 0 if warming.stopped_by == SYSTEM else warming.ramp_day
    put, drop = on(warming, schedule, schedule.limits(phase, ramp_day))
    return put | {"ramp_day": ramp_day}, (*drop, "phase_before", "stopped_because", "stopped_by")


def stopped(warming: Warming, reason: str, stopped_by: str) -> Changes:
    """A pause or suspension; where the domain stood is kept for its return."""
    # The way back from a pause leads through limits, also for a domain that had none any more.
    back = warming.phase if warming.phase in RAMPED else Phase.PHASE_4
    put: dict[str, Any] = {"phase_before": back, "stopped_because": reason, "stopped_by": stopped_by}
    if stopped_by == SYSTEM:
        put["strikes"] = warming.strikes + 1
    return put, due.FIELDS


def on(warming: Warming, schedule: Schedule, limits: Limits | None) -> Changes:
    """The limits from now on. Only a new day brings more, and never one on which the schedule was changed."""
    if limits and warming.limits and today() in (warming.limits_on, warming.followed_on):
        limits = limits.lower_of(warming.limits)
    put: dict[str, Any] = {
        "counted_on": today(),
        "schedule": schedule.name,
        "schedule_version": schedule.version,
        **due.fields(store.DUE_KIND, warming.domain_id, next_day()),
    }
    if limits is None:
        return put, ("limits", "limits_on")
    return put | {"limits": limits.model_dump(), "limits_on": today()}, ()


def judged_anew(counts_today: Counts) -> dict[str, Any]:
    """From now on the policy looks at what comes from here on only."""
    return {"judged_from": today(), "judged_less": counts_today.nonzero()}
