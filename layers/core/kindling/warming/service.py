"""Decisions about a domain's warming on request: starting, pausing, resuming, showing, explaining."""

import base64
import binascii
from typing import Any

from kindling.domains import service as domains
from kindling.domains.model import Domain
from kindling.errors import (
    AlreadyWarming,
    InvalidRequest,
    NotFound,
    NotPaused,
    NotWarming,
    PrerequisitesNotMet,
    StaleStatus,
)
from kindling.keys import authentication as keys
from kindling.keys.model import Caller, Scope
from kindling.metrics import store as metrics
from kindling.metrics.model import PERIOD_DAYS, Counts, dates, total
from kindling.platform import clock, due
from kindling.platform.settings import settings
from kindling.warming import gate, policy, steps, store
from kindling.warming.gate import Windows
from kindling.warming.model import (
    API,
    NONE,
    RAMPED,
    SYSTEM,
    ExplainWarming,
    PauseWarming,
    Phase,
    StartWarming,
    Warming,
    after,
)
from kindling.warming.schedules import PRESETS, OwnSchedule

TRIES = 5
HISTORY_LIMIT = 100


def start(caller: Caller, id_or_name: str, command: StartWarming) -> dict[str, Any]:
    """Start warming, or start it over after a suspension, which takes force and an admin's key.

    Raises NotFound, PrerequisitesNotMet, AlreadyWarming, Forbidden.
    """
    domain, warming = _load_to_change(caller, id_or_name)
    if warming.phase == Phase.SUSPENDED and command.force:
        keys.require(caller, Scope.ADMIN)
    elif warming.phase != Phase.NOT_STARTED:
        raise AlreadyWarming("Domain is already in warming phase", current_phase=warming.phase)
    spf, dkim = domain.checks.spf, domain.checks.dkim
    if not (command.force or spf or dkim):
        message = "Domain must have SPF or DKIM verified before starting warming"
        raise PrerequisitesNotMet(message, spf_verified=spf, dkim_verified=dkim)
    put, drop = steps.started(warming, store.schedule_of(caller.user_id))
    put |= steps.judged_anew(_today(warming))
    store.move(warming, steps.start_entry(warming, API), put=put, drop=drop)
    return {"message": "warming started", "phase": Phase.PHASE_1}


def pause(caller: Caller, id_or_name: str, command: PauseWarming) -> dict[str, Any]:
    """Stop all sending of a warming domain: once this returns, nothing more is admitted.

    Raises NotFound, NotWarming.
    """
    for attempt in range(TRIES):
        _, warming = _load_to_change(caller, id_or_name)
        if warming.phase not in RAMPED:
            message = "Domain is not currently in an active warming phase"
            raise NotWarming(message, current_phase=warming.phase)
        put, drop = steps.stopped(warming, command.reason, API)
        entry = store.entry(warming, Phase.PAUSED, reason=command.reason, triggered_by=API)
        try:
            store.move(warming, entry, put=put, drop=drop)
        except StaleStatus:
            # A pause is not to lose against the verdict of a new day.
            if attempt == TRIES - 1:
                raise
        else:
            break
    return {"message": "warming paused", "previous_phase": warming.phase, "reason": command.reason}


def resume(caller: Caller, id_or_name: str) -> dict[str, Any]:
    """Return to the phase before the pause. After a pause by the policy it starts over there, judged anew.

    Raises NotFound, NotPaused.
    """
    _, warming = _load_to_change(caller, id_or_name)
    if warming.phase != Phase.PAUSED:
        raise NotPaused("Domain is not in paused state", current_phase=warming.phase)
    put, drop = steps.resumed(warming, store.schedule_of(caller.user_id))
    if warming.stopped_by == SYSTEM:
        put |= steps.judged_anew(_today(warming))
    phase = warming.phase_before or Phase.PHASE_1
    entry = store.entry(warming, phase, reason="warming_resumed", triggered_by=API)
    store.move(warming, entry, put=put, drop=drop)
    return {"message": "warming resumed", "phase": phase}


def show(caller: Caller, id_or_name: str) -> dict[str, Any]:
    """What `GET …/warming` tells. Raises NotFound."""
    domain, warming = _load(caller, id_or_name)
    now, today = clock.now(), clock.today()
    schedule = store.schedule_of(caller.user_id)
    week = metrics.days(caller.user_id, domain.id, dates(today, PERIOD_DAYS))
    blockers = policy.advancement_blockers(warming, schedule, policy.evidence(warming, week, today))
    day, hour, minute = gate.bounds(warming, now)
    following = after(warming.phase) if warming.phase in RAMPED else None
    limits = following and (schedule.limits(following, 0) or NONE)
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
        "metrics": {"period_days": PERIOD_DAYS, **total(week).wire()},
        "eligible_for_advancement": not blockers,
        "advancement_blockers": blockers,
        "next_phase": following,
        "next_phase_limits": limits.model_dump() if limits else None,
        "phase_before": warming.phase_before,
        "stopped_because": warming.stopped_because,
        "schedule": {"name": warming.schedule, "version": warming.schedule_version},
    }


def history(caller: Caller, id_or_name: str, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """The domain's changes of phase, newest first. Raises NotFound, InvalidRequest for a cursor that is not ours."""
    domain = domains.find(caller, id_or_name)
    entries, following = store.history(caller.user_id, domain.id, min(limit, HISTORY_LIMIT), _opened(cursor))
    next_cursor = base64.urlsafe_b64encode(following.encode()).decode() if following else None
    return {"domain_id": domain.id, "history": [entry.wire() for entry in entries], "next_cursor": next_cursor}


def sent_now(caller: Caller, domain_id: str) -> tuple[int, int]:
    """Recipients counted today and in this hour."""
    warming = store.get(caller.user_id, domain_id)
    if warming is None:
        return 0, 0
    day, hour, _ = gate.bounds(warming, clock.now())
    return day.used, hour.used


def explain(caller: Caller, id_or_name: str, command: ExplainWarming) -> dict[str, Any]:
    """Whether so many recipients could be written to now; if not, when, and why. Nothing is counted.

    Raises NotFound.
    """
    domain, warming = _load(caller, id_or_name)
    now, n = clock.now(), command.recipients
    answer: dict[str, Any] = {
        "domain_id": domain.id,
        "recipients": n,
        "allowed": True,
        "phase": warming.phase,
        "reasons": [],
        "earliest_at": clock.timestamp(now),
        "retry_after_seconds": 0,
    }
    reasons = [*domain.why_not_sending, *policy.standstill(warming)]
    if reasons:
        return answer | {"allowed": False, "reasons": reasons, "earliest_at": None, "retry_after_seconds": None}
    in_the_way = [bound for bound in gate.bounds(warming, now) if n > bound.room]
    answer["reasons"] = [gate.sentence(bound, n) for bound in in_the_way]
    if any(n > bound.limit for bound in in_the_way):
        return answer | {"allowed": False, "earliest_at": None, "retry_after_seconds": None}
    if in_the_way:
        earliest = max(bound.ends_at for bound in in_the_way)
        wait = gate.seconds_until(earliest, now)
        return answer | {"allowed": False, "earliest_at": clock.timestamp(earliest), "retry_after_seconds": wait}
    return answer


def key(user_id: str, domain_id: str) -> dict[str, str]:
    """Where a domain's warming stands, for whoever reads several rows at once."""
    return store.at(user_id, domain_id)


def give_back(user_id: str, domain_id: str, windows: Windows, n: int) -> None:
    """Free the quota of a message that was certainly not sent."""
    store.give_back(user_id, domain_id, windows, n)


def judge_soon(user_id: str, domain_id: str) -> None:
    """Have a domain judged at once, not only when its day ends."""
    due.send(settings().judgements_queue_url, [key(user_id, domain_id)])


def show_schedules(caller: Caller) -> dict[str, Any]:
    """The schedule that the tenant's domains follow, its own if it ever wrote one, and the presets."""
    own = store.own_schedule(caller.user_id)
    return {
        "schedule": store.schedule_of(caller.user_id).wire(),
        "own": own.wire() if own else None,
        "presets": [preset.wire() for preset in PRESETS.values()],
    }


def set_schedule(caller: Caller, command: OwnSchedule) -> dict[str, Any]:
    """Make the tenant's domains follow another schedule: what is less holds at once, what is more from tomorrow.

    Raises StaleStatus when two changes meet.
    """
    domains.require_live(caller)
    own = store.own_schedule(caller.user_id)
    schedule = command.schedule(own.version + 1 if own else 1)
    store.put_schedule(caller.user_id, schedule)
    for warming in store.all_of(caller.user_id):
        _follow(warming)
    return {"schedule": schedule.wire()}


def _follow(warming: Warming | None) -> None:
    """Let a domain's limits sink to what its schedule allows.

    It is written even where nothing sinks, so that a verdict made from the schedule before cannot be carried out.
    """
    for _ in range(TRIES):
        if warming is None or warming.phase in (Phase.NOT_STARTED, Phase.SUSPENDED):
            return
        schedule = store.schedule_of(warming.user_id)
        put: dict[str, Any] = {
            "schedule": schedule.name,
            "schedule_version": schedule.version,
            "followed_on": steps.today(),
        }
        limits = schedule.limits(warming.phase_before or warming.phase, warming.ramp_day)
        if limits and warming.limits:
            put["limits"] = limits.lower_of(warming.limits).model_dump()
        if store.adjust(warming, put=put):
            return
        warming = store.get(warming.user_id, warming.domain_id)
    raise StaleStatus("A domain's warming changes all the time; try again.")


def _load(caller: Caller, id_or_name: str) -> tuple[Domain, Warming]:
    domain = domains.find(caller, id_or_name)
    warming = store.get(caller.user_id, domain.id)
    if warming is None:
        raise NotFound("There is no such domain.")
    return domain, warming


def _load_to_change(caller: Caller, id_or_name: str) -> tuple[Domain, Warming]:
    domains.require_live(caller)
    return _load(caller, id_or_name)


def _today(warming: Warming) -> Counts:
    return metrics.days(warming.user_id, warming.domain_id, [steps.today()])[0].total


def _opened(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        place = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        place = ""
    if not (place.isdigit() and len(place) == store.PLACE_DIGITS):
        raise InvalidRequest("The cursor is not one of ours.", fields=[])
    return place
