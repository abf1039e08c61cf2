"""Hundreds of simulated domains under the production policy: checks docs/warming.md, on a fixed seed.

`benchmarks/warming.py` simulates thousands.
"""

from dataclasses import replace
from functools import cache

import pytest

from tests.simulation.figures import Caught, Kept, quantile
from tests.simulation.life import Kind, Life, Rates, live

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
    found = [live(replace(HEALTHY, schedule="tiered", share=0.3), f"test {i}", days=21, most=40) for i in range(6)]
    warmed = Kept.of(found).warmed
    assert len(warmed) >= 5
    assert 21 <= min(warmed) <= quantile(warmed, 0.5) <= 30


@pytest.mark.parametrize(("kind", "median", "most"), [(COMPLAINED_OF, 2_000, 12_000), (BOUNCING, 800, 4_000)])
def test_bad_domains_are_stopped_within_the_number_that_the_documentation_states(
    kind: Kind, median: int, most: int
) -> None:
    caught = Caught.of(lives(kind, 60, 56, patient=False), turned=False)
    assert caught.share >= 0.95
    assert caught.after(0.5) <= median
    assert caught.after(1) <= most


@pytest.mark.parametrize("then", [COMPLAINED_OF.rates, BOUNCING.rates])
def test_domains_that_turn_bad_are_stopped_within_days(then: Rates) -> None:
    turning = replace(HEALTHY, then=then, turns_on=18)
    found = [life for life in lives(turning, 12, 22, patient=False) if not life.stops or life.stops[0].sent_bad]
    assert len(found) >= 11
    for life in found:
        (stop,) = life.stops
        assert stop.day in (18, 19, 20, 21)
        assert stop.sent_bad <= 20_000


def test_no_limit_is_ever_exceeded_or_raised_within_its_day() -> None:
    everybody = lives(HEALTHY, 80, FOUR_WEEKS) + lives(BOUNCING, 60, 56, patient=False)
    everybody += lives(replace(BOUNCING, schedule="outreach", uneven=0.5), 10, 40)
    assert any(life.stops for life in everybody)
    assert any(life.steps_back for life in everybody)
    assert [life.faults for life in everybody if life.faults] == []
