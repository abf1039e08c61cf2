"""Judging every domain that may send: once per UTC day, and immediately after a bounce or complaint."""

from datetime import date
from typing import Any

from kindling.errors import NotFound, StaleStatus
from kindling.metrics import service as metrics
from kindling.metrics.model import PERIOD_DAYS
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.warming import changes, policy, store
from kindling.warming.changes import Changes
from kindling.warming.model import SENDING, SYSTEM, Warming, history_entry, snapshot
from kindling.warming.policy import IDLE, Action, Evidence, Verdict
from kindling.warming.schedules import Schedule

TRIES = 5
STOPPING = (Action.PAUSE, Action.SUSPEND)


def judge(key: dict[str, str]) -> None:
    """Judge a domain and carry the verdict out. Raises StaleStatus when it keeps changing meanwhile."""
    for _ in range(TRIES):
        warming = store.read(key)
        if warming is None or warming.phase not in SENDING or _carry_out(warming):
            return
    raise StaleStatus("The domain's warming keeps changing.")


def _carry_out(warming: Warming) -> bool:
    """Judge the domain as it was read; False when it changed meanwhile and has to be read again."""
    today = clock.today()
    new_day = warming.counted_on < today.isoformat()
    schedule = store.schedule_of(warming.user_id)
    # A new day has seven whole days behind it, and nothing of its own yet.
    week = metrics.last_days(warming.user_id, warming.domain_id, PERIOD_DAYS + new_day)
    evidence = policy.evidence(warming, week, today)
    if new_day:
        served = (today - date.fromisoformat(warming.counted_on)).days
        warming = warming.model_copy(update={"phase_days": warming.phase_days + served})
    verdict = policy.judge(warming, schedule, evidence, new_day=new_day)
    if not new_day and verdict.action not in STOPPING:
        return True
    put, drop = _changes(warming, schedule, verdict)
    if verdict.action == Action.DEMOTE:
        # Not after an ease: it repeats while the rates are bad, and must not hide them from the pause.
        put |= changes.judged_from_now(week[-1].total)
    if verdict.phase == warming.phase:
        return store.adjust(warming, put=put, drop=drop)
    return _move(warming, verdict, evidence, put, drop)


def _changes(warming: Warming, schedule: Schedule, verdict: Verdict) -> Changes:
    match verdict.action:
        case Action.PAUSE | Action.SUSPEND:
            put, drop = changes.stopped(warming, verdict.detail, SYSTEM)
            return put | {"phase_days": warming.phase_days}, drop
        case Action.ADVANCE:
            put, drop = changes.entered(warming, schedule, verdict.phase, ramp_day=0)
            return put | {"strikes": 0}, drop
        case Action.DEMOTE:
            # An idle domain goes to the first day of the phase before, one that sends to its last day.
            top = 0 if verdict.reason == IDLE else len(schedule.plan(verdict.phase).stages) - 1
            return changes.entered(warming, schedule, verdict.phase, ramp_day=top)
    ramp_day = warming.ramp_day
    if verdict.action == Action.CLIMB:
        ramp_day += 1
    elif verdict.action == Action.EASE:
        ramp_day //= 2
    put, drop = changes.limited(warming, schedule, schedule.limits(warming.phase, ramp_day))
    return put | {"phase_days": warming.phase_days, "ramp_day": ramp_day}, drop


def _move(warming: Warming, verdict: Verdict, evidence: Evidence, put: dict[str, Any], drop: tuple[str, ...]) -> bool:
    entry = history_entry(warming, verdict.phase, reason=verdict.reason, triggered_by=SYSTEM, detail=verdict.detail)
    volume = evidence.busiest or warming.sent.get(changes.today(), 0)
    entry.metrics_snapshot = snapshot(evidence.week, daily_volume=volume, days_in_phase=warming.phase_days)
    try:
        store.move(warming, entry, put=put, drop=drop)
    except StaleStatus:
        return False
    except NotFound:
        return True
    logger.info(
        "domain moved",
        domain_id=warming.domain_id,
        from_phase=warming.phase,
        phase=verdict.phase,
        reason=verdict.reason,
        detail=verdict.detail,
    )
    return True
