"""Judging every domain that may send: once per UTC day, and immediately after a bounce, complaint or rejection."""

from dataclasses import replace
from datetime import date
from typing import Any

from kindling.errors import NotFound, StaleStatus
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.warming import changes, cohorts, policy, store, words
from kindling.warming.changes import Changes
from kindling.warming.evidence import Evidence, snapshot
from kindling.warming.model import SENDING, SYSTEM, Warming, history_entry
from kindling.warming.policy import IDLE, Action, Verdict
from kindling.warming.schedules import Schedule

TRIES = 5


def judge(key: dict[str, str]) -> None:
    """Judge a domain and carry the verdict out. Raises StaleStatus when it keeps changing meanwhile."""
    for _ in range(TRIES):
        warming = store.read(key)
        if warming is None or warming.phase not in SENDING or _carry_out(warming):
            return
    raise StaleStatus("The domain's warming keeps changing.")


def _carry_out(warming: Warming) -> bool:
    """Judge the domain as it was read; False when it changed meanwhile and has to be read again."""
    schedule = store.schedule_of(warming.user_id)
    new_day = warming.counted_on < changes.today()
    if new_day:
        cohorts.keep(warming)
    days = cohorts.days_of(warming)
    evidence = cohorts.of(warming, days)
    slowed = policy.slowing(warming, schedule, evidence)
    if slowed:
        warming = warming.model_copy(update={"slowed": warming.slowed | slowed})
    if new_day:
        warming = _served(warming, evidence)
        tenant = cohorts.of_tenant(warming, evidence.without_today().week)
        evidence = replace(evidence, held=policy.held(tenant, schedule.thresholds))
    verdict = policy.judge(warming, schedule, evidence, new_day=new_day)
    if not new_day and verdict.action == Action.STAY and not slowed:
        return True
    own = cohorts.shown(warming, days, evidence)
    if own is not evidence:
        alone = policy.judge(warming, schedule, own, new_day=new_day)
        verdict = replace(verdict, detail=alone.detail if alone.reason == verdict.reason else words.OTHERS)
    put, drop = _changes(warming, schedule, verdict, evidence)
    put = {name: getattr(warming, name) for name in ("phase_days", "mailed_days", "mailed")} | put
    if slowed and verdict.action != Action.CLIMB:
        put["slowed"] = {name: one.model_dump() for name, one in warming.slowed.items()}
    if verdict.phase == warming.phase:
        return store.adjust(warming, put=put, drop=drop)
    return _move(warming, verdict, own, put, drop)


def _served(warming: Warming, evidence: Evidence) -> Warming:
    """The domain with the days counted that have ended since it was last judged."""
    days = (clock.today() - date.fromisoformat(warming.counted_on)).days
    mailed = evidence.mailed
    return warming.model_copy(
        update={
            "phase_days": warming.phase_days + days,
            "mailed_days": warming.mailed_days + len(mailed),
            "mailed": warming.mailed + sum(mailed),
        }
    )


def _changes(warming: Warming, schedule: Schedule, verdict: Verdict, evidence: Evidence) -> Changes:
    phase, peak = verdict.phase, evidence.peak
    match verdict.action:
        case Action.PAUSE | Action.SUSPEND:
            return changes.stopped(warming, verdict.detail, SYSTEM)
        case Action.ADVANCE:
            put, drop = changes.entered(warming, schedule, phase, ramp_day=0, peak=peak)
            return put | {"strikes": 0}, drop
        case Action.DEMOTE:
            # An idle domain goes to the first day of the phase before, one that sends to its last day. One bad week
            # moves a domain back only once; an ease repeats while the rates are bad.
            top = 0 if verdict.reason == IDLE else len(schedule.plan(phase).stages) - 1
            put, drop = changes.entered(warming, schedule, phase, ramp_day=top, peak=peak)
            return put | {"moved_from": changes.next_mail(warming)}, drop
        case Action.LOWER:
            return changes.lowered(warming, schedule, peak=peak)
        case Action.CLIMB:
            return changes.climbed(warming, schedule, peak=peak)
        case Action.EASE:
            return changes.limited(warming, schedule, phase, warming.ramp_day // 2, peak=peak)
    return changes.stayed(warming, schedule, peak=peak)


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
