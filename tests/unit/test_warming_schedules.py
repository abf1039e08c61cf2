"""Schedules: the published numbers of the presets, and the validation of custom schedules."""

from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from kindling.warming.model import NO_LIMITS, RAMPED, UNLIMITED, Limits, Phase
from kindling.warming.schedules import PRESETS, OwnSchedule, Schedule

PHASES = ("phase_1", "phase_2", "phase_3", "phase_4")


def limits(day: int, hour: int, minute: int) -> Limits:
    return Limits(daily_limit=day, hourly_limit=hour, per_minute_limit=minute)


def stage(day: int, hour: int | None = None, minute: int | None = None) -> dict[str, int]:
    hour = day if hour is None else hour
    return {"daily_limit": day, "hourly_limit": hour, "per_minute_limit": hour if minute is None else minute}


def own(*days: int, **others: Any) -> dict[str, Any]:
    """A custom schedule with one stage per phase, of the given daily limits."""
    plans = {
        name: {"steps": [stage(day)], "min_days": 1, "min_volume": 1}
        for name, day in zip(PHASES, days or (1, 2, 3, 4), strict=True)
    }
    return {"phases": plans} | others


def daily(schedule: Schedule, phase: Phase) -> list[int]:
    return [one.daily_limit for one in schedule.plan(phase).stages]


def test_the_standard_phases_have_the_published_ranges_in_two_weeks_each() -> None:
    standard = PRESETS["standard"]
    ranges = [(daily(standard, phase)[0], daily(standard, phase)[-1]) for phase in RAMPED]
    assert ranges == [(50, 1_500), (2_000, 10_000), (15_000, 60_000), (100_000, 200_000)]
    assert [len(daily(standard, phase)) for phase in RAMPED] == [14, 14, 14, 14]


def test_each_phase_asks_for_days_and_for_recipients_before_it_is_left() -> None:
    asked = {
        name: [(plan.min_days, plan.min_volume) for plan in map(schedule.plan, RAMPED)]
        for name, schedule in PRESETS.items()
    }
    assert asked == {
        "standard": [(7, 3_000), (7, 20_000), (7, 120_000), (7, 400_000)],
        "tiered": [(5, 400), (5, 4_000), (4, 25_000), (4, 100_000)],
        "outreach": [(14, 50), (14, 80), (14, 150), (14, 400)],
        "agentmail": [(7, 200), (7, 1_200), (7, 2_500), (7, 5_000)],
    }


def test_the_two_printed_triples_stand_where_they_are_printed() -> None:
    standard = PRESETS["standard"]
    assert standard.limits(Phase.PHASE_2, 5) == limits(5_000, 500, 20)
    assert standard.limits(Phase.PHASE_3, 0) == limits(15_000, 1_500, 50)


def test_within_a_standard_phase_no_day_allows_more_than_half_as_much_again() -> None:
    for phase in RAMPED:
        for low, high in pairwise(daily(PRESETS["standard"], phase)):
            assert low < high <= 1.5 * low


def test_the_tiers_are_the_published_ones() -> None:
    tiered = PRESETS["tiered"]
    days = [day for phase in RAMPED for day in daily(tiered, phase)]
    tiers = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000]
    assert list(dict.fromkeys(days)) == tiers
    assert len(days) == 21


def test_outreach_is_a_message_more_a_day_for_a_month_and_never_much() -> None:
    outreach = PRESETS["outreach"]
    assert [*daily(outreach, Phase.PHASE_1), *daily(outreach, Phase.PHASE_2)] == list(range(10, 40))
    assert (daily(outreach, Phase.PHASE_3)[0], daily(outreach, Phase.PHASE_4)[-1]) == (40, 250)


def test_the_advice_of_the_mail_provider_is_followed_week_by_week() -> None:
    advised = PRESETS["agentmail"]
    ranges = [(daily(advised, phase)[0], daily(advised, phase)[-1]) for phase in RAMPED]
    assert ranges == [(10, 100), (200, 500), (500, 1_000), (1_100, 1_950)]
    assert daily(advised, Phase.PHASE_1)[2:4] == [20, 50]
    assert [len(daily(advised, phase)) for phase in RAMPED] == [7, 7, 7, 7]


@pytest.mark.parametrize("schedule", PRESETS.values(), ids=PRESETS)
def test_no_preset_ever_falls_and_each_can_be_passed(schedule: Schedule) -> None:
    steps = [one.limits for phase in RAMPED for one in schedule.plan(phase).stages]
    for low, high in pairwise(steps):
        assert low.lower_of(high) == low
    for one in steps:
        # One message with some copies fits, and the day's mail fits into the day.
        assert one.hourly_limit >= 5
        assert one.per_minute_limit >= 2
        assert 24 * one.hourly_limit >= one.daily_limit
        assert 60 * one.per_minute_limit >= one.hourly_limit
    for phase in RAMPED:
        plan = schedule.plan(phase)
        assert plan.min_volume <= 7 * plan.stages[-1].daily_limit
        assert plan.min_days <= len(plan.stages)


@pytest.mark.parametrize("schedule", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_found_by_its_name_and_survives_the_wire(schedule: Schedule) -> None:
    assert PRESETS[schedule.name] is schedule
    assert Schedule.model_validate(schedule.wire()) == schedule


def test_the_last_step_lasts_also_where_no_phase_ramps() -> None:
    standard = PRESETS["standard"]
    assert standard.limits(Phase.PHASE_1, 0) == limits(50, 10, 5)
    assert standard.limits(Phase.PHASE_1, 13) == standard.limits(Phase.PHASE_1, 99) == limits(1_500, 150, 6)
    for phase in Phase:
        if phase not in RAMPED:
            assert standard.limits(phase, 0) == standard.limits(Phase.PHASE_4, 13)
    assert limits(UNLIMITED, UNLIMITED, UNLIMITED) == NO_LIMITS


def test_what_a_tenant_puts_is_a_preset_or_the_tenants_own_version() -> None:
    assert OwnSchedule.model_validate({"preset": "tiered"}).schedule(3) is PRESETS["tiered"]
    strict = {"max_complaint_rate": 0.0005, "pause_complaint_rate": 0.0008, "suspend_complaint_rate": 0.002}
    found = OwnSchedule.model_validate(own(thresholds=strict)).schedule(3)
    assert (found.name, found.version, found.limits(Phase.PHASE_4, 0)) == ("custom", 3, limits(4, 4, 4))
    assert found.thresholds.model_dump().items() >= strict.items()
    assert OwnSchedule.model_validate(own()).schedule(1).thresholds == PRESETS["standard"].thresholds


@pytest.mark.parametrize(
    ("share", "daily", "budget"), [(0.5, 50, 25), (0.5, 51, 26), (0.07, 100, 7), (0.001, 50, 1), (1, 50, 50)]
)
def test_a_share_of_the_daily_limit_is_rounded_up(share: float, daily: int, budget: int) -> None:
    schedule = OwnSchedule.model_validate(own(mailbox_providers={"gmail": share})).schedule(1)
    assert schedule.budgets(limits(daily, 1, 1)) == {"gmail": budget}
    assert PRESETS["standard"].budgets(limits(daily, 1, 1)) == {}


def test_a_schedule_of_ones_own_may_be_as_long_as_two_months_a_phase() -> None:
    long = own()
    long["phases"]["phase_4"] |= {"steps": [stage(4 + day) for day in range(60)], "min_days": 60}
    assert OwnSchedule.model_validate(long).schedule(1).limits(Phase.PHASE_4, 59) == limits(63, 63, 63)


def changed(path: str, value: Any) -> dict[str, Any]:
    """A custom schedule with `value` at `path`."""
    body: Any = own()
    *way, last = path.split(".")
    place = body
    for name in way:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    return body  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "needs either preset or phases"),
        (own(preset="standard"), "needs either preset or phases"),
        ({"preset": "fast"}, "preset must be one of standard, tiered, outreach, agentmail"),
        ({"preset": "standard", "thresholds": {}}, "a preset has its own thresholds"),
        ({"preset": "standard", "mailbox_providers": {"gmail": 0.5}}, "a preset has no mailbox_providers"),
        (own(1, 2, 5, 4), "phase_4 day 0 allows less than the day before"),
        (changed("phases.phase_1.steps", [stage(2), stage(1)]), "phase_1 day 1 allows less than the day before"),
        (
            changed("phases.phase_1.steps", [stage(2, 2, 2), stage(2, 2, 1)]),
            "phase_1 day 1 allows less than the day before",
        ),
        (changed("phases.phase_1.steps", [stage(1, 2)]), "needs per_minute_limit <= hourly_limit <= daily_limit"),
        (changed("phases.phase_1.steps", [stage(3, 1, 2)]), "needs per_minute_limit <= hourly_limit <= daily_limit"),
        (
            own(thresholds={"max_bounce_rate": 0.04, "pause_bounce_rate": 0.03}),
            "needs max_bounce_rate <= pause_bounce_rate <= suspend_bounce_rate",
        ),
        (
            own(thresholds={"pause_complaint_rate": 0.0005}),
            "needs max_complaint_rate <= pause_complaint_rate <= suspend_complaint_rate",
        ),
    ],
)
def test_each_rule_that_a_schedule_breaks_is_said(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        OwnSchedule.model_validate(body)
    assert [error["msg"] for error in refused.value.errors()] == [f"Value error, {message}"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("phases.phase_1.steps", []),
        ("phases.phase_1.steps", [stage(1)] * 61),
        ("phases.phase_1.steps.0.per_minute_limit", 0),
        ("phases.phase_4.steps.0.daily_limit", UNLIMITED),
        ("phases.phase_1.min_days", 0),
        ("phases.phase_1.min_days", 61),
        ("phases.phase_1.min_volume", -1),
        ("phases.phase_1.min_volume", UNLIMITED),
        ("phases.phase_1.min_dys", 1),
        ("phases.phase_5", {}),
        ("presets", "standard"),
        ("mailbox_providers", {"own": 0.5}),
        ("mailbox_providers", {"gmail": 0}),
        ("mailbox_providers", {"gmail": 1.01}),
        ("thresholds", {"min_delivery_rate": 0.89}),
        ("thresholds", {"max_bounce_rate": 0}),
        ("thresholds", {"pause_bounce_rate": 0.051}),
        ("thresholds", {"max_complaint_rate": 0.0011}),
        ("thresholds", {"pause_complaint_rate": 0.0011}),
        ("thresholds", {"suspend_bounce_rate": 0.11}),
        ("thresholds", {"suspend_complaint_rate": 0.0031}),
    ],
)
def test_what_is_out_of_bounds_or_misspelt_is_named(path: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        OwnSchedule.model_validate(changed(path, value))
    (error,) = refused.value.errors()
    named = ".".join(str(part) for part in error["loc"])
    assert named.startswith(path)
