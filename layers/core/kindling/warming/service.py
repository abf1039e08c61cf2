"""Warming on request: start, pause, resume, show, explain, schedules."""

import base64
import binascii
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from kindling.errors import (
    AlreadyWarming,
    InvalidRequest,
    NotFound,
    NotPaused,
    NotWarming,
    PrerequisitesNotMet,
    StaleStatus,
)
from kindling.keys.model import Caller, Scope
from kindling.metrics.model import MAILBOX_PROVIDERS, PERIOD_DAYS, total
from kindling.platform import clock
from kindling.warming import changes, cohorts, gate, policy, store, words
from kindling.warming.evidence import Evidence
from kindling.warming.model import (
    API,
    RAMPED,
    SORT_KEY_DIGITS,
    ExplainWarming,
    PauseWarming,
    Phase,
    SendingDomain,
    SetCap,
    StartWarming,
    Warming,
    history_entry,
    lower_budgets,
    next_phase,
)
from kindling.warming.schedules import PRESETS, OwnSchedule

TRIES = 5
HISTORY_LIMIT = 100


def start(caller: Caller, domain: SendingDomain, command: StartWarming) -> dict[str, Any]:
    """Start warming, or restart it after a suspension, which requires `force` and a key with the scope `admin`.

    Raises LiveKeyRequired, NotFound, PrerequisitesNotMet, AlreadyWarming, Forbidden.
    """
    caller.require_live()
    warming = _load(caller, domain)
    if warming.phase == Phase.SUSPENDED and command.force:
        caller.require(Scope.ADMIN)
    elif warming.phase != Phase.NOT_STARTED:
        raise AlreadyWarming("Domain is already in warming phase", current_phase=warming.phase)
    spf, dkim = domain.checks.spf, domain.checks.dkim
    if not (command.force or spf or dkim):
        message = "Domain must have SPF or DKIM verified before starting warming"
        raise PrerequisitesNotMet(message, spf_verified=spf, dkim_verified=dkim)
    put, drop = changes.started(warming, store.schedule_of(caller.user_id))
    cohorts.keep(warming)
    store.move(warming, changes.start_entry(warming, API), put=put, drop=drop)
    return {"message": "warming started", "phase": Phase.PHASE_1}


def pause(caller: Caller, domain: SendingDomain, command: PauseWarming) -> dict[str, Any]:
    """Stop all sending of a warming domain: after this returns, nothing is admitted.

    Raises LiveKeyRequired, NotFound, NotWarming.
    """
    caller.require_live()
    for attempt in range(TRIES):
        warming = _load(caller, domain)
        if warming.phase not in RAMPED:
            message = "Domain is not currently in an active warming phase"
            raise NotWarming(message, current_phase=warming.phase)
        put, drop = changes.stopped(warming, command.reason, API)
        entry = history_entry(warming, Phase.PAUSED, reason=command.reason, triggered_by=API)
        try:
            store.move(warming, entry, put=put, drop=drop)
        except StaleStatus:
            # A pause must not lose against a judgement that runs at the same time.
            if attempt == TRIES - 1:
                raise
        else:
            break
    return {"message": "warming paused", "previous_phase": warming.phase, "reason": command.reason}


def resume(caller: Caller, domain: SendingDomain) -> dict[str, Any]:
    """Return to the phase before the pause; after one by the policy, a phase lower and with less mail than before.

    Raises LiveKeyRequired, NotFound, NotPaused.
    """
    caller.require_live()
    warming = _load(caller, domain)
    if warming.phase != Phase.PAUSED:
        raise NotPaused("Domain is not in paused state", current_phase=warming.phase)
    cohorts.keep(warming)
    peak = cohorts.read(warming).peak
    phase, (put, drop) = changes.resumed(warming, store.schedule_of(caller.user_id), peak=peak)
    entry = history_entry(warming, phase, reason="warming_resumed", triggered_by=API)
    store.move(warming, entry, put=put, drop=drop)
    return {"message": "warming resumed", "phase": phase}


def show(caller: Caller, domain: SendingDomain) -> dict[str, Any]:
    """The domain's phase, limits and their use, metrics and advancement blockers. Raises NotFound."""
    warming = _load(caller, domain)
    days = cohorts.days_of(warming)
    schedule, evidence = store.schedule_of(caller.user_id), cohorts.of(warming, days)
    held = policy.held(store.evidence_of(caller.user_id), schedule.thresholds)
    judged, own = (_on_the_next_day(warming, one, held) for one in (evidence, cohorts.shown(warming, days, evidence)))
    blockers, doubts = (
        words.told(reasons(warming, schedule, judged), reasons(warming, schedule, own))
        for reasons in (policy.advancement_blockers, policy.climbing_blockers)
    )
    day, hour, minute = gate.bounds(warming, clock.now())
    advances_to = next_phase(warming.phase) if warming.phase in RAMPED else None
    limits = advances_to and changes.first_limits(warming, schedule, advances_to, peak=evidence.peak)
    return {
        "domain_id": domain.id,
        "domain": domain.domain,
        "phase": warming.phase,
        "warming_started_at": warming.warming_started_at,
        "phase_started_at": warming.phase_started_at,
        "days_in_current_phase": warming.phase_days,
        "current_limits": warming.limit.model_dump(),
        "today_sent": day.used,
        "this_hour_sent": hour.used,
        "this_minute_sent": minute.used,
        "remaining_today": day.room,
        "remaining_this_hour": hour.room,
        "remaining_this_minute": minute.room,
        "metrics": {"period_days": PERIOD_DAYS, **total(days[-PERIOD_DAYS:]).wire()},
        "eligible_for_advancement": not blockers,
        "advancement_blockers": blockers,
        "climbing_blockers": doubts,
        "advice": policy.advice(warming, schedule, own),
        "evidence": [
            {"window": window, **asdict(tally)} for window, tally in (("7_days", own.week), ("28_days", own.month))
        ],
        "next_phase": advances_to,
        "next_phase_limits": limits.model_dump() if limits else None,
        "phase_before": warming.phase_before,
        "stopped_because": warming.stopped_because,
        "schedule": {"name": warming.schedule, "version": warming.schedule_version},
        "mailbox_providers": _by_provider(warming, clock.now()),
    }


def _on_the_next_day(warming: Warming, evidence: Evidence, held: str) -> Evidence:
    """The evidence as it would be judged if today, whose reports are still to come, had ended without them."""
    judged = policy.spared(warming, replace(evidence, held=held)).without_today()
    # A limit waits for use, which today may have had already.
    return replace(judged, used=evidence.used | {evidence.today: evidence.of_today.recipients})


def history(caller: Caller, domain: SendingDomain, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """The domain's changes of phase, newest first. Raises InvalidRequest for an unknown cursor."""
    entries, last = store.history(caller.user_id, domain.id, min(limit, HISTORY_LIMIT), _parse_cursor(cursor))
    next_cursor = base64.urlsafe_b64encode(last.encode()).decode() if last else None
    return {"domain_id": domain.id, "history": [entry.wire() for entry in entries], "next_cursor": next_cursor}


def sent_now(user_id: str, domain_id: str) -> tuple[int, int]:
    """Recipients that the gate has counted today and in this hour; zeros for a domain without warming."""
    warming = store.get(user_id, domain_id)
    if warming is None:
        return 0, 0
    day, hour, _ = gate.bounds(warming, clock.now())
    return day.used, hour.used


def explain(caller: Caller, domain: SendingDomain, command: ExplainWarming) -> dict[str, Any]:
    """Whether the gate would admit a send now, and if not, why and when it would. Nothing is counted.

    Raises NotFound.
    """
    warming = _load(caller, domain)
    now = clock.now()
    answer: dict[str, Any] = {
        "domain_id": domain.id,
        "recipients": command.recipients,
        "allowed": True,
        "phase": warming.phase,
        "reasons": [],
        "earliest_at": clock.timestamp(now),
        "retry_after_seconds": 0,
        "mailbox_providers": _by_provider(warming, now),
    }
    reasons = [*domain.why_not_sending, *words.stopped(warming)]
    if reasons:
        return answer | {"allowed": False, "reasons": reasons, "earliest_at": None, "retry_after_seconds": None}
    exceeded = gate.exceeded(warming, command.by_class, now)
    answer["reasons"] = [gate.sentence(bound, n) for bound, n in exceeded]
    if any(n > bound.limit for bound, n in exceeded):
        return answer | {"allowed": False, "earliest_at": None, "retry_after_seconds": None}
    if exceeded:
        earliest = max(bound.ends_at for bound, _ in exceeded)
        wait = gate.seconds_until(earliest, now)
        return answer | {"allowed": False, "earliest_at": clock.timestamp(earliest), "retry_after_seconds": wait}
    return answer


def set_cap(caller: Caller, domain: SendingDomain, command: SetCap) -> dict[str, Any]:
    """Set or end the daily limit that the domain has once it is warmed; that of a warmed one applies at once.

    It changes no phase, so the history does not have it. Raises LiveKeyRequired, NotFound, StaleStatus.
    """
    caller.require_live()
    for _ in range(TRIES):
        warming = _load(caller, domain)
        schedule, peak = store.schedule_of(caller.user_id), cohorts.read(warming).peak
        put, drop = changes.capped(warming, schedule, command.daily_limit, peak=peak)
        if store.adjust(warming, put=put, drop=drop):
            message = "cap removed" if command.daily_limit is None else "cap set"
            return {"domain_id": domain.id, "daily_limit": command.daily_limit, "message": message}
    raise StaleStatus("The domain's warming keeps changing; try again.")


def show_schedules(caller: Caller) -> dict[str, Any]:
    """The tenant's current schedule, its latest own one if there is any, and the presets."""
    own = store.own_schedule(caller.user_id)
    return {
        "schedule": store.schedule_of(caller.user_id).wire(),
        "own": own.wire() if own else None,
        "presets": [preset.wire() for preset in PRESETS.values()],
    }


def set_schedule(caller: Caller, command: OwnSchedule) -> dict[str, Any]:
    """Change the tenant's schedule. Lower limits apply at once, higher ones from the next UTC day.

    Raises LiveKeyRequired, StaleStatus when two changes run at once.
    """
    caller.require_live()
    own = store.own_schedule(caller.user_id)
    schedule = command.schedule(own.version + 1 if own else 1)
    store.put_schedule(caller.user_id, schedule)
    for warming in store.all_of(caller.user_id):
        _follow(warming)
    return {"schedule": schedule.wire()}


def _follow(warming: Warming | None) -> None:
    """Lower a domain's limits and budgets to those of its schedule.

    The item is written even when no limit changes, so that a verdict based on the old schedule is not carried out.
    """
    for _ in range(TRIES):
        if warming is None or warming.phase in (Phase.NOT_STARTED, Phase.SUSPENDED):
            return
        schedule = store.schedule_of(warming.user_id)
        put: dict[str, Any] = {
            "schedule": schedule.name,
            "schedule_version": schedule.version,
            "followed_on": changes.today(),
        }
        phase = warming.phase_before or warming.phase
        if warming.limits:
            limits = warming.limits
            if phase in RAMPED:
                limits = limits.lower_of(schedule.limits(phase, warming.ramp_day))
            put["limits"] = limits.model_dump()
            put["budgets"] = lower_budgets(schedule.budgets(limits), warming.budgets)
        if store.adjust(warming, put=put):
            return
        warming = store.get(warming.user_id, warming.domain_id)
    raise StaleStatus("A domain's warming keeps changing; try again.")


def _load(caller: Caller, domain: SendingDomain) -> Warming:
    warming = store.get(caller.user_id, domain.id)
    if warming is None:
        raise NotFound("There is no such domain.")
    return warming


def _by_provider(warming: Warming, now: datetime) -> list[dict[str, Any]]:
    """What was sent to each mailbox provider today, its budget, and the room in it."""
    sent = warming.by_provider(gate.windows(warming, now).day)
    budgets = {bound.mailbox_provider: bound for bound in gate.budgets(warming, now)}
    return [
        {
            "mailbox_provider": name,
            "sent_today": sent.get(name, 0),
            "daily_limit": budgets[name].limit if name in budgets else None,
            "remaining_today": budgets[name].room if name in budgets else None,
        }
        for name in MAILBOX_PROVIDERS
    ]


def _parse_cursor(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        sort_key = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        sort_key = ""
    if not (sort_key.isdigit() and len(sort_key) == SORT_KEY_DIGITS):
        raise InvalidRequest("The cursor is not one of ours.", fields=[])
    return sort_key
