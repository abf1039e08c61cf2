"""What a verdict or a request writes: limits that follow use and bad days, and how a domain goes on after a stop."""

from datetime import timedelta
from typing import Any

import pytest

from kindling.platform import clock
from kindling.warming import changes
from kindling.warming.changes import Changes
from kindling.warming.model import API, SENDING, SYSTEM, Limits, Phase, Slowed, Warming
from kindling.warming.schedules import PRESETS, Schedule

pytestmark = pytest.mark.usefixtures("steady_clock")

STANDARD = PRESETS["standard"]
TODAY, YESTERDAY = "2026-03-01", "2026-02-28"
# So much use that it limits nothing.
BUSY = 1_000_000
LIMITS = Limits(daily_limit=50, hourly_limit=10, per_minute_limit=5)


def limits(day: int, hour: int, minute: int) -> Limits:
    return Limits(daily_limit=day, hourly_limit=hour, per_minute_limit=minute)


def warming(phase: Phase = Phase.PHASE_2, ramp_day: int = 5, **fields: Any) -> Warming:
    """A domain that was judged yesterday, on a day of a phase of the standard schedule."""
    known = {"user_id": "u", "domain_id": "d", "phase": phase, "ramp_day": ramp_day, "limits_on": YESTERDAY}
    known |= {"counted_on": YESTERDAY, "limits": STANDARD.limits(phase, ramp_day)}
    return Warming.model_validate(known | fields)


def written(standing: Warming, change: Changes, phase: Phase | None = None) -> Warming:
    """The domain after a change."""
    put, drop = change
    fields = standing.model_dump() | put | {"phase": phase or standing.phase}
    return Warming.model_validate({name: value for name, value in fields.items() if name not in drop})


def resumed(standing: Warming, peak: int = BUSY) -> Warming:
    phase, change = changes.resumed(standing, STANDARD, peak=peak)
    return written(standing, change, phase)


def test_a_pause_keeps_the_phase_that_it_ends_in() -> None:
    back = [changes.stopped(warming(phase), "manual pause", API)[0]["phase_before"] for phase in SENDING]
    assert back == [*SENDING]


@pytest.mark.parametrize(("stopped_by", "strikes"), [(API, 1), (SYSTEM, 2)])
def test_only_a_pause_by_the_policy_is_counted(stopped_by: str, strikes: int) -> None:
    standing = warming(strikes=1)
    assert written(standing, changes.stopped(standing, "why", stopped_by)).strikes == strikes


# The limits of a day.


@pytest.mark.parametrize(
    ("phase", "ramp_day", "peak", "daily"),
    [
        (Phase.PHASE_2, 5, 2_500, 5_000),
        (Phase.PHASE_2, 5, 2_499, 4_998),
        # With the first stage a domain can always begin.
        (Phase.PHASE_2, 5, 26, 52),
        (Phase.PHASE_2, 5, 25, 50),
        (Phase.PHASE_2, 5, 0, 50),
        (Phase.PHASE_1, 0, 0, 50),
        # A warmed domain can begin with what ends the first phase.
        (Phase.WARMED, 0, 0, 1_500),
        (Phase.WARMED, 0, 750, 1_500),
        (Phase.WARMED, 0, 751, 1_502),
        (Phase.WARMED, 0, BUSY, 2 * BUSY),
    ],
)
def test_no_limit_is_above_twice_the_busiest_day(phase: Phase, ramp_day: int, peak: int, daily: int) -> None:
    assert changes.allowed(warming(), STANDARD, phase, ramp_day, peak=peak).daily_limit == daily


def test_hours_and_minutes_are_limited_in_the_ratio_of_the_stage_but_never_below_the_first_one() -> None:
    assert changes.allowed(warming(), STANDARD, Phase.PHASE_2, 5, peak=1_001) == limits(2_002, 201, 9)
    assert changes.allowed(warming(), STANDARD, Phase.PHASE_2, 5, peak=49) == limits(98, 10, 5)
    assert changes.allowed(warming(), STANDARD, Phase.WARMED, 0, peak=10_000) == limits(20_000, 2_000, 67)


@pytest.mark.parametrize(
    ("daily", "hourly", "minute"), [(3, 3, 3), (7, 7, 5), (11, 10, 5), (101, 11, 5), (5_001, 501, 21)]
)
def test_limits_in_proportion_are_nested_and_rounded_up(daily: int, hourly: int, minute: int) -> None:
    assert limits(5_000, 500, 20).scaled(daily, LIMITS) == limits(daily, hourly, minute)


@pytest.mark.parametrize(
    ("held_at", "daily"), [(None, 5_000), (5_001, 5_000), (4_999, 4_999), (51, 51), (49, 50), (0, 50)]
)
def test_a_bad_day_holds_the_limit_but_not_below_the_first_stage(held_at: int | None, daily: int) -> None:
    held = warming(held_at=held_at)
    assert changes.allowed(held, STANDARD, Phase.PHASE_2, 5, peak=BUSY).daily_limit == daily


@pytest.mark.parametrize(("cap", "daily"), [(300_000, 300_000), (100, 100), (None, 2_000)])
def test_a_cap_replaces_what_use_allows_a_warmed_domain(cap: int | None, daily: int) -> None:
    capped = warming(Phase.WARMED, cap=cap)
    assert changes.allowed(capped, STANDARD, Phase.WARMED, 0, peak=1_000).daily_limit == daily
    # In no other phase.
    assert changes.allowed(capped, STANDARD, Phase.PHASE_1, 3, peak=1_000).daily_limit == 150
    # A bad day is stronger.
    held = warming(Phase.WARMED, cap=cap, held_at=60)
    assert changes.allowed(held, STANDARD, Phase.WARMED, 0, peak=1_000).daily_limit == 60


@pytest.mark.parametrize("since", [{"limits_on": TODAY}, {"followed_on": TODAY}])
def test_limits_that_hold_today_are_only_ever_lowered(since: dict[str, str]) -> None:
    standing = warming(Phase.PHASE_1, 0, limits=LIMITS, **since)
    found = written(standing, changes.limited(standing, STANDARD, Phase.PHASE_2, 5, peak=BUSY))
    assert (found.limits, found.limits_on, found.counted_on) == (LIMITS, TODAY, TODAY)
    higher = warming(Phase.PHASE_2, 6, **since)
    found = written(higher, changes.limited(higher, STANDARD, Phase.PHASE_1, 0, peak=BUSY))
    assert (found.limits, found.ramp_day) == (LIMITS, 0)


def test_limits_of_a_day_before_are_replaced() -> None:
    standing = warming(Phase.PHASE_1, 0)
    found = written(standing, changes.limited(standing, STANDARD, Phase.PHASE_2, 5, peak=BUSY))
    assert (found.limits, found.limits_on, found.ramp_day) == (limits(5_000, 500, 20), TODAY, 5)


def test_budgets_follow_the_limits_and_are_only_lowered_where_these_hold() -> None:
    shares = STANDARD.model_copy(update={"mailbox_providers": {"gmail": 0.5, "yahoo": 0.25}})

    def budgets(schedule: Schedule = shares, **fields: Any) -> dict[str, int]:
        standing = warming(limits=LIMITS, **fields)
        return written(standing, changes.limited(standing, schedule, Phase.PHASE_2, 5, peak=BUSY)).budgets

    assert budgets() == {"gmail": 2_500, "yahoo": 1_250}
    # The limits that hold today are of 50 a day.
    assert budgets(limits_on=TODAY) == budgets(followed_on=TODAY) == {"gmail": 25, "yahoo": 13}
    assert budgets(limits_on=TODAY, budgets={"gmail": 9, "apple": 7}) == {"gmail": 9, "yahoo": 13, "apple": 7}
    assert budgets(STANDARD, limits_on=TODAY, budgets={"gmail": 9}) == {"gmail": 9}
    assert budgets(STANDARD, budgets={"gmail": 9}) == {}
    # A mailbox provider that is slowed has a budget of its own, and never more than the schedule's.
    slowed = {"gmail": Slowed(limit=3_000, on=YESTERDAY), "apple": Slowed(limit=7, on=YESTERDAY)}
    assert budgets(slowed=slowed) == {"gmail": 2_500, "yahoo": 1_250, "apple": 7}


# From day to day.


def test_a_day_that_changes_nothing_raises_no_limit_but_follows_use_down() -> None:
    standing = warming(limits=limits(3_000, 300, 12))
    assert written(standing, changes.stayed(standing, STANDARD, peak=BUSY)).limits == standing.limits
    assert written(standing, changes.stayed(standing, STANDARD, peak=1_000)).limits == limits(2_000, 200, 8)
    half = STANDARD.model_copy(update={"mailbox_providers": {"gmail": 0.5}})
    assert written(standing, changes.stayed(standing, half, peak=BUSY)).budgets == {"gmail": 1_500}


def test_a_limit_climbs_to_the_next_stage_and_stays_with_the_last() -> None:
    for ramp_day, following in ((5, 6), (12, 13), (13, 13)):
        standing = warming(ramp_day=ramp_day)
        found = written(standing, changes.climbed(standing, STANDARD, peak=BUSY))
        assert (found.ramp_day, found.limits) == (following, STANDARD.limits(Phase.PHASE_2, following))


def test_a_warmed_domain_climbs_by_its_use_alone() -> None:
    standing = warming(Phase.WARMED, 4, limits=limits(2_000, 200, 8))
    found = written(standing, changes.climbed(standing, STANDARD, peak=1_700))
    assert (found.ramp_day, found.limit.daily_limit) == (4, 3_400)


def test_a_bad_day_halves_the_limit_at_once_and_says_on_which_day() -> None:
    standing = warming(limits_on=TODAY)
    found = written(standing, changes.lowered(standing, STANDARD, peak=BUSY))
    assert (found.limits, found.held_at, found.held_on) == (limits(2_500, 250, 10), 2_500, TODAY)
    assert (found.phase, found.ramp_day) == (standing.phase, 5)


def test_good_days_double_a_held_limit_on_the_same_stage_until_it_is_free() -> None:
    standing = warming(held_at=1_300, held_on=YESTERDAY, limits=limits(1_300, 130, 6))
    found = written(standing, changes.climbed(standing, STANDARD, peak=BUSY))
    assert (found.limit.daily_limit, found.held_at, found.held_on, found.ramp_day) == (2_600, 2_600, YESTERDAY, 5)
    found = written(found, changes.climbed(found.model_copy(update={"limits_on": YESTERDAY}), STANDARD, peak=BUSY))
    assert (found.limit.daily_limit, found.held_at, found.held_on, found.ramp_day) == (5_000, None, "", 5)


@pytest.mark.parametrize(("held_at", "then"), [(2_499, 4_998), (2_500, None)])
def test_a_limit_is_free_once_twice_as_much_is_what_the_schedule_allows(held_at: int, then: int | None) -> None:
    standing = warming(held_at=held_at, held_on=YESTERDAY)
    assert written(standing, changes.climbed(standing, STANDARD, peak=BUSY)).held_at == then


@pytest.mark.parametrize("held_at", [0, 1, 50])
def test_a_limit_held_below_the_first_stage_doubles_from_there(held_at: int) -> None:
    standing = warming(held_at=held_at)
    found = written(standing, changes.climbed(standing, STANDARD, peak=BUSY))
    assert (found.limit.daily_limit, found.held_at) == (100, 100)


def test_a_mailbox_provider_that_is_slowed_gets_twice_as_much_after_a_good_day() -> None:
    slowed = {
        "gmail": Slowed(limit=100, on=YESTERDAY),
        "yahoo": Slowed(limit=2_499, on=YESTERDAY),
        # As much as the whole limit is none of its own.
        "apple": Slowed(limit=2_500, on=YESTERDAY),
        # This one was slowed by the same judgement.
        "microsoft": Slowed(limit=70, on=TODAY),
    }
    standing = warming(slowed=slowed)
    found = written(standing, changes.climbed(standing, STANDARD, peak=BUSY))
    assert {name: (one.limit, one.on) for name, one in found.slowed.items()} == {
        "gmail": (200, YESTERDAY),
        "yahoo": (4_998, YESTERDAY),
        "microsoft": (70, TODAY),
    }
    assert found.budgets == {"gmail": 200, "yahoo": 4_998, "microsoft": 70}


# After a stop.


def test_a_domain_that_its_tenant_paused_goes_on_where_it_was_as_far_as_its_use_allows() -> None:
    standing = warming(Phase.PAUSED, 5, phase_before=Phase.PHASE_2, stopped_by=API, stopped_because="x", mailed=9)
    found = resumed(standing)
    assert (found.phase, found.ramp_day, found.limits, found.mailed) == (Phase.PHASE_2, 5, limits(5_000, 500, 20), 9)
    assert (found.phase_before, found.stopped_by, found.stopped_because) == (None, None, None)
    assert (found.held_at, found.judged_from) == (None, "")
    assert resumed(standing, peak=100).limit.daily_limit == 200


@pytest.mark.parametrize(
    ("before", "phase"),
    [
        (Phase.PHASE_1, Phase.PHASE_1),
        (Phase.PHASE_2, Phase.PHASE_1),
        (Phase.PHASE_4, Phase.PHASE_3),
        (Phase.WARMED, Phase.PHASE_4),
    ],
)
def test_a_domain_that_the_policy_paused_goes_on_a_phase_lower_from_its_first_day(before: Phase, phase: Phase) -> None:
    served = {"phase_days": 9, "mailed_days": 8, "mailed": 7, "moved_from": YESTERDAY}
    found = resumed(warming(Phase.PAUSED, 5, phase_before=before, stopped_by=SYSTEM, **served), peak=10)
    assert (found.phase, found.ramp_day, found.phase_before, found.stopped_by) == (phase, 0, None, None)
    assert (found.phase_days, found.mailed_days, found.mailed) == (0, 0, 0)
    assert (found.phase_started_at, found.judged_from, found.moved_from) == (clock.timestamp(), TODAY, None)


@pytest.mark.parametrize(
    ("peak", "held_at", "daily"), [(1_001, 500, 500), (99, 49, 50), (0, 0, 50), (9_000, 4_500, 2_000)]
)
def test_after_a_pause_by_the_policy_half_of_the_busiest_day_is_allowed(peak: int, held_at: int, daily: int) -> None:
    found = resumed(warming(Phase.PAUSED, 5, phase_before=Phase.PHASE_3, stopped_by=SYSTEM), peak=peak)
    assert (found.held_at, found.limit.daily_limit) == (held_at, daily)


def test_nothing_more_is_sent_on_a_day_with_mail_from_before_the_pause() -> None:
    standing = warming(Phase.PAUSED, 5, phase_before=Phase.PHASE_3, stopped_by=SYSTEM, sent={TODAY: 30})
    found = resumed(standing, peak=1_000)
    assert (found.limit.daily_limit, found.held_at, found.judged_from) == (30, 500, "2026-03-02")


def test_a_start_forgets_what_was_held_and_judges_only_later_mail() -> None:
    known = {
        "strikes": 2,
        "held_at": 7,
        "held_on": YESTERDAY,
        "moved_from": YESTERDAY,
        "slowed": {"gmail": Slowed(limit=1, on=YESTERDAY)},
    }
    standing = warming(Phase.SUSPENDED, 5, phase_before=Phase.PHASE_2, stopped_by=SYSTEM, **known)
    found = written(standing, changes.started(standing, STANDARD), Phase.PHASE_1)
    assert (found.limits, found.ramp_day, found.strikes, found.slowed) == (LIMITS, 0, 0, {})
    assert (found.held_at, found.held_on, found.stopped_by) == (None, "", None)
    assert (found.judged_from, found.moved_from) == (TODAY, None)
    today = written(standing, changes.started(standing.model_copy(update={"sent": {TODAY: 1}}), STANDARD))
    assert today.judged_from == "2026-03-02"


# The cap of a warmed domain.


def test_a_cap_applies_at_once_whether_it_is_higher_or_lower() -> None:
    standing = warming(Phase.WARMED, limits=LIMITS, limits_on=TODAY)
    for cap, daily in ((1_001, 1_001), (7, 7), (None, 1_800)):
        standing = written(standing, changes.capped(standing, STANDARD, cap, peak=900))
        assert (standing.cap, standing.limit.daily_limit, standing.limits_on) == (cap, daily, TODAY)
    assert written(standing, changes.capped(standing, STANDARD, 1_001, peak=0)).limits == limits(1_001, 101, 5)


def test_a_cap_waits_for_a_domain_that_is_not_warmed() -> None:
    assert changes.capped(warming(), STANDARD, 7, peak=0) == ({"cap": 7}, ())
    assert changes.capped(warming(), STANDARD, None, peak=0) == ({}, ("cap",))


@pytest.mark.parametrize(("days", "known"), [(35, True), (36, False)])
def test_who_had_the_name_is_forgotten_when_the_policy_does_not_look_back_to_it(days: int, known: bool) -> None:
    until = (clock.today() - timedelta(days=days)).isoformat()
    standing = warming(former="v/e", former_until=until)
    found = written(standing, changes.stayed(standing, STANDARD, peak=BUSY))
    assert (found.former, found.former_until) == (("v/e", until) if known else (None, None))
