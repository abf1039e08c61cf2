"""Hundreds of simulated domains under the production policy: checks docs/warming.md, on a fixed seed.

`benchmarks/warming.py` simulates thousands.
"""

from dataclasses import replace
from functools import cache

import pytest

from tests.simulation.figures import Caught, Kept, quantile
from tests.simulation.life import Kind, Life, Rates, Rhythm, live, live_together

HEALTHY = Kind("healthy", Rates(bounces=0.01, complaints=0.0005))
COMPLAINED_OF = replace(HEALTHY, rates=Rates(bounces=0.01, complaints=0.005))
BOUNCING = replace(HEALTHY, rates=Rates(bounces=0.08, complaints=0.0005))
FOUR_WEEKS = 28


@cache
def lives(kind: Kind, number: int, days: int, patient: bool = True) -> list[Life]:
    return [live(kind, f"test {i}", days=days, most=days, patient=patient) for i in range(number)]


def test_healthy_domains_are_stopped_in_less_than_a_percent_of_weeks() -> None:
    for kind, number, days in ((HEALTHY, 80, FOUR_WEEKS), (replace(HEALTHY, schedule="outreach"), 20, 56)):
        stopped = sum(len(life.stopped_weeks) for life in lives(kind, number, days))
        assert stopped < 0.01 * number * days / 7


def test_healthy_domains_are_warmed_when_the_schedule_says_or_soon_after() -> None:
    found = [live(replace(HEALTHY, schedule="agentmail"), f"test {i}", days=28, most=50) for i in range(8)]
    warmed = Kept.of(found).warmed
    assert len(warmed) >= 6
    assert 28 <= min(warmed) <= quantile(warmed, 0.5) <= 40


@pytest.mark.parametrize(("kind", "median", "most"), [(COMPLAINED_OF, 2_000, 12_000), (BOUNCING, 800, 4_000)])
def test_bad_domains_are_stopped_within_the_number_that_the_documentation_states(
    kind: Kind, median: int, most: int
) -> None:
    caught = Caught.of(lives(kind, 60, 56, patient=False), turned=False)
    assert caught.share >= 0.95
    assert caught.after(0.5) <= median
    assert caught.after(1) <= most


@pytest.mark.parametrize(("then", "most"), [(COMPLAINED_OF.rates, 25_000), (BOUNCING.rates, 10_000)])
def test_domains_that_turn_bad_are_stopped_within_days(then: Rates, most: int) -> None:
    turning = replace(HEALTHY, then=then, turns_on=28)
    for life in lives(turning, 8, 33, patient=False):
        (stop,) = life.stops
        assert 28 <= stop.day <= 31
        assert stop.sent_bad <= most


def test_a_weekly_newsletter_is_not_stopped_and_climbs_with_its_mailings() -> None:
    weekly = replace(HEALTHY, rates=Rates(0.01, 0.0002), schedule="tiered", rhythm=Rhythm((2,)))
    found = lives(weekly, 10, 70)
    assert not any(life.stops for life in found)
    assert quantile([life.limits[-1] for life in found], 0.5) >= 500


def test_domains_whose_reports_are_missing_do_not_climb() -> None:
    for reported in (0.0, 0.5):
        found = lives(replace(HEALTHY, reported=reported), 3, 21)
        assert {max(life.limits) for life in found} == {50}


def test_a_name_that_is_registered_again_is_no_further_than_one_that_is_resumed() -> None:
    again = lives(replace(COMPLAINED_OF, registers_again=True), 20, 42)
    resumed = lives(COMPLAINED_OF, 20, 42)
    assert sum(life.sent for life in again) <= 1.2 * sum(life.sent for life in resumed)
    assert sum(life.suspended for life in again) >= 15


def test_domains_of_one_tenant_that_are_bad_together_are_held_together() -> None:
    kind = replace(HEALTHY, rates=Rates(0.01, 0.004), schedule="outreach")
    seeds = [f"test {i}" for i in range(12)]
    together = live_together(kind, seeds, 28)
    alone = [live(kind, seed, days=28, most=28) for seed in seeds]
    assert sum(life.sent for life in together) < sum(life.sent for life in alone)


def test_no_limit_is_ever_exceeded_or_raised_within_its_day() -> None:
    everybody = lives(HEALTHY, 80, FOUR_WEEKS) + lives(BOUNCING, 60, 56, patient=False)
    everybody += lives(replace(BOUNCING, schedule="outreach", uneven=0.5), 10, 40)
    assert any(life.stops for life in everybody)
    assert any(life.steps_back for life in everybody)
    assert [life.faults for life in everybody if life.faults] == []
