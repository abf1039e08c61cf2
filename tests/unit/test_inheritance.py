"""How a domain goes on from the gate that its name had with another domain."""

from datetime import timedelta
from typing import Any

import pytest

from kindling.platform import clock
from kindling.warming import changes
from kindling.warming.changes import INHERITED_STOP
from kindling.warming.model import API, SYSTEM, Limits, Phase, Warming
from kindling.warming.schedules import PRESETS, STANDARD, Schedule

pytestmark = pytest.mark.usefixtures("steady_clock")

SCHEDULE = PRESETS[STANDARD]
TODAY, HOUR, MINUTE = "2026-03-01", "2026-03-01T08", "2026-03-01T08:59"
STATE = {"user_id", "domain_id", "domain", "revision", "updated_at"}


def gate(phase: Phase, **fields: Any) -> Warming:
    """The gate of the former domain, which has sent today."""
    limits = SCHEDULE.limits(phase, 5)
    known = {"user_id": "former", "domain_id": "f", "domain": "acme.example", "phase": phase, "limits": limits}
    sent = {"2026-02-27": 100_000, TODAY: 7, HOUR: 5, MINUTE: 3}
    started_at = "2025-12-01T00:00:00.000Z"
    return Warming.model_validate(
        known
        | {"ramp_day": 5, "phase_days": 6, "strikes": 2, "revision": 40, "sent": sent, "minute": MINUTE}
        | {"warming_started_at": started_at, "phase_started_at": started_at, "limits_on": "2026-02-28"}
        | fields
    )


def heir(**fields: Any) -> Warming:
    return Warming.model_validate({"user_id": "u", "domain_id": "d", "domain": "acme.example"} | fields)


def after(former: Warming, own: Warming | None = None, schedule: Schedule = SCHEDULE) -> Warming:
    """The warming of the next domain of the name."""
    own = own or heir()
    phase, (put, drop) = changes.inherited(own, former, schedule)
    fields = own.model_dump() | put | {"phase": phase}
    return Warming.model_validate({name: value for name, value in fields.items() if name not in drop})


@pytest.mark.parametrize(
    ("was", "then"),
    [
        (Phase.PHASE_1, Phase.PHASE_1),
        (Phase.PHASE_2, Phase.PHASE_2),
        (Phase.PHASE_4, Phase.PHASE_4),
        (Phase.WARMED, Phase.PHASE_4),
    ],
)
def test_it_goes_on_with_the_first_day_of_the_phase(was: Phase, then: Phase) -> None:
    found = after(gate(was))
    assert (found.phase, found.ramp_day, found.phase_days) == (then, 0, 0)
    assert found.limits == SCHEDULE.limits(then, 0)
    assert (found.mailed_days, found.mailed) == (0, 0)
    assert (found.phase_started_at, found.counted_on) == (clock.timestamp(), TODAY)


@pytest.mark.parametrize(("busiest", "daily"), [(999, 1_998), (1_000, 2_000), (7, 50)])
def test_its_limit_is_at_most_twice_the_busiest_day_of_the_gate(busiest: int, daily: int) -> None:
    limits = after(gate(Phase.PHASE_2, sent={"2026-02-27": busiest, TODAY: 3})).limits
    assert limits
    assert limits.daily_limit == daily


def test_strikes_counters_and_the_start_stay_and_nothing_tells_whose_they_were() -> None:
    bad = {"held_at": 60, "held_on": "2026-02-28", "slowed": {"gmail": {"limit": 9, "on": "2026-02-28"}}}
    former = gate(Phase.PHASE_2, stopped_because="9 bounces", judged_from="2026-02-26", moved_from="2026-02-27", **bad)
    found = after(former, heir(revision=3))
    assert (found.strikes, found.sent, found.minute) == (2, former.sent, MINUTE)
    assert found.warming_started_at == former.warming_started_at
    assert found.model_dump(include=STATE) == heir(revision=3).model_dump(include=STATE)
    assert (found.stopped_because, found.ended_at) == (None, "")
    # What a bad day left behind, too.
    assert (found.judged_from, found.moved_from) == ("2026-02-26", "2026-02-27")
    assert (found.held_at, found.held_on) == (60, "2026-02-28")
    assert (found.slowed, found.budgets, found.limit.daily_limit) == (former.slowed, {"gmail": 9}, 60)


@pytest.mark.parametrize(
    ("days", "phase"), [(34, Phase.PHASE_4), (35, Phase.PHASE_3), (69, Phase.PHASE_3), (70, Phase.PHASE_2)]
)
def test_every_35_days_without_mail_are_a_phase_lower(days: int, phase: Phase) -> None:
    last = (clock.today() - timedelta(days=days)).isoformat()
    assert after(gate(Phase.PHASE_4, sent={last: 7})).phase == phase
    # The day on which it entered the phase counts as one with mail, as for the policy.
    assert after(gate(Phase.PHASE_4, sent={}, phase_started_at=f"{last}T09:00:00.000Z")).phase == phase


def test_who_had_the_name_long_before_does_not_hide_who_had_it_last() -> None:
    former = gate(Phase.PHASE_2, former="v/e", former_until="2026-01-01")
    _, (_, drop) = changes.inherited(heir(), former, SCHEDULE)
    assert "former" not in drop


def test_no_time_without_mail_leads_below_the_first_phase() -> None:
    assert after(gate(Phase.PHASE_2, sent={"2025-12-05": 7})).phase == Phase.PHASE_1


@pytest.mark.parametrize("phase", [Phase.PAUSED, Phase.SUSPENDED])
def test_a_stop_stays_and_says_what_to_do_but_not_what_led_to_it(phase: Phase) -> None:
    stopped = {"phase_before": Phase.PHASE_3, "stopped_because": "9 bounces", "stopped_by": SYSTEM}
    found = after(gate(phase, **stopped))
    assert (found.phase, found.phase_before, found.stopped_by) == (phase, Phase.PHASE_3, SYSTEM)
    assert found.stopped_because == INHERITED_STOP[phase]
    assert (found.ramp_day, found.strikes) == (0, 2)
    assert found.limits == SCHEDULE.limits(Phase.PHASE_3, 0)


def test_a_domain_that_its_own_tenant_stopped_stays_so_unless_the_name_is_worse() -> None:
    paused = heir(phase=Phase.PAUSED, phase_before=Phase.PHASE_1, stopped_because="holidays", stopped_by=API)
    found = after(gate(Phase.PHASE_2), paused)
    assert (found.phase, found.phase_before, found.stopped_because) == (Phase.PAUSED, Phase.PHASE_2, "holidays")
    stopped = gate(Phase.SUSPENDED, phase_before=Phase.PHASE_2, stopped_by=SYSTEM)
    assert after(stopped, paused).phase == Phase.SUSPENDED
    assert after(gate(Phase.PAUSED, phase_before=Phase.PHASE_2), heir(phase=Phase.SUSPENDED)).phase == Phase.SUSPENDED
    # A start by force before the name was its own lifts nothing.
    assert after(stopped, heir(phase=Phase.PHASE_1)).phase == Phase.SUSPENDED


def test_a_schedule_that_allows_more_waits_for_the_next_day() -> None:
    low = Limits(daily_limit=20, hourly_limit=9, per_minute_limit=2)
    for limits_on in (TODAY, "2026-02-28"):
        found = after(gate(Phase.PHASE_1, limits=low, limits_on=limits_on))
        assert (found.limits, found.limits_on) == (low, TODAY)
    assert after(gate(Phase.WARMED, limits=None)).limits == SCHEDULE.limits(Phase.PHASE_4, 0)
