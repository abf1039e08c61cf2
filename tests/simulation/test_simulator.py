"""The simulator itself: it skips no relevant evaluation, draws at the right rates, and detects bad policies."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from random import Random
from statistics import mean
from unittest.mock import patch

import pytest

from kindling.metrics.model import GMAIL
from kindling.warming import gate, policy
from kindling.warming.evidence import Evidence
from kindling.warming.model import Limits, Phase, Warming, next_phase
from kindling.warming.policy import Action, Verdict
from kindling.warming.policy import judge as production
from kindling.warming.schedules import PRESETS, Schedule
from tests.simulation import naive
from tests.simulation.figures import Kept, quantile, upper_bound
from tests.simulation.life import DAY_HOURS, Domain, Kind, Mailing, Rates, live
from tests.simulation.memory import Judge, Memory, remembering

HEALTHY = Kind("healthy", Rates(bounces=0.01, complaints=0.0005))
BOUNCING = replace(HEALTHY, rates=Rates(bounces=0.08, complaints=0.0005))
FIRST = date(2026, 3, 1)


def blind(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """The production policy without stops, lower limits and steps back."""
    with ExitStack() as stack:
        for rule in ("_stop", "_lowered", "_step_back"):
            stack.enter_context(patch.object(policy, rule, lambda *_: None))
        return production(warming, schedule, evidence, new_day=new_day)


def hasty(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """A policy that advances with every new day."""
    verdict = production(warming, schedule, evidence, new_day=new_day)
    if verdict.action in (Action.STAY, Action.CLIMB) and new_day and warming.phase != Phase.WARMED:
        return Verdict(Action.ADVANCE, next_phase(warming.phase))
    return verdict


@pytest.mark.parametrize("rule", [naive.at_every_report, naive.once_a_day])
def test_a_rule_on_raw_rates_stops_healthy_domains(rule: Judge) -> None:
    kept = Kept.of([live(HEALTHY, f"test {i}", days=28, most=28, judge=rule) for i in range(10)])
    assert kept.stopped_weeks / (4 * kept.domains) > 0.05


def test_a_policy_that_never_stops_is_detected_by_its_bad_domains() -> None:
    assert not any(live(BOUNCING, f"test {i}", days=14, most=14, judge=blind).stops for i in range(3))


def test_a_policy_that_advances_daily_is_detected_by_its_early_domains() -> None:
    assert live(HEALTHY, "test", days=6, most=6, judge=hasty).warmed_on == 4


def test_skipping_evaluations_that_cannot_stop_changes_nothing() -> None:
    """The kinds include domains that are paused, resumed, stepped back and suspended."""
    stops = backs = spared = 0
    for kind in (
        HEALTHY,
        Kind("annoying", Rates(0.01, 0.003)),
        Kind("uneven", Rates(0.05, 0.001), "tiered", uneven=0.7),
    ):
        for i in range(3):
            seed = f"test {i}"
            some, all_ = (live(kind, seed, days=21, most=21, thorough=thorough) for thorough in (False, True))
            spared += all_.asked - some.asked
            assert replace(some, asked=0) == replace(all_, asked=0)
            stops, backs = stops + len(some.stops), backs + some.steps_back
    assert stops
    assert backs
    assert spared


def test_the_result_depends_on_the_seed_only() -> None:
    lives = [live(BOUNCING, seed, days=10, most=10) for seed in ("a", "a", "b")]
    assert lives[0] == lives[1] != lives[2]


def test_bounces_and_complaints_are_drawn_at_their_rates_and_delays() -> None:
    kind = Kind("bad", Rates(bounces=0.08, complaints=0.02))
    domain = Domain(kind, Memory(PRESETS["standard"], FIRST), Random("test"))  # noqa: S311
    domain._draw_reports(0, Mailing(100_000, 2, 10_000))
    complaints = [at - sent_at for at, sent_at, complaint in domain.pending if complaint]
    delays = [at - sent_at for at, sent_at, complaint in domain.pending if not complaint]
    # Four standard deviations.
    assert len(delays) == pytest.approx(8_000, abs=343)
    assert len(complaints) == pytest.approx(2_000, abs=177)
    assert quantile(complaints, 0.5) == pytest.approx(10, rel=0.1)
    assert quantile(delays, 0.5) < 5 / 60
    assert 0.01 < mean(delay > 12 for delay in delays) < 0.05
    sent_at = [sent_at for _, sent_at, _ in domain.pending]
    assert (min(sent_at) >= 2, max(sent_at) < 12) == (True, True)


def test_uneven_rates_have_the_same_mean_and_the_requested_spread() -> None:
    kind = replace(HEALTHY, uneven=0.5)
    domain = Domain(kind, Memory(PRESETS["standard"], FIRST), Random("test"))  # noqa: S311
    days = [domain._rates(day).bounces / 0.01 for day in range(2_000)]
    assert mean(days) == pytest.approx(1, abs=0.05)
    assert mean((day - 1) ** 2 for day in days) ** 0.5 == pytest.approx(0.5, abs=0.05)


class Gated(Domain):
    """Sends every recipient through the production gate."""

    refused = admitted = 0

    def _draw_reports(self, day: int, mailing: Mailing) -> None:
        for i in range(mailing.n):
            self.memory.go_to(day, mailing.start + i / mailing.pace)
            self.refused += self._refused()
            at = gate.windows(self.memory.warming, self.memory.instant)
            for window in at.names:
                self.memory.warming.sent[window] = self.memory.warming.sent.get(window, 0) + 1
        self.admitted += mailing.n
        if mailing.n == self.memory.warming.limit.daily_limit:
            self.memory.go_to(day, DAY_HOURS - 0.01)
            assert self._refused()
        super()._draw_reports(day, mailing)

    def _refused(self) -> bool:
        return gate.refusal(self.memory.warming, {GMAIL: 1}, self.memory.instant) is not None


@pytest.mark.parametrize("schedule", PRESETS)
def test_what_a_domain_sends_passes_the_gate(schedule: str) -> None:
    memory = Memory(PRESETS[schedule], FIRST)
    domain = Gated(replace(HEALTHY, schedule=schedule), memory, Random("test"))  # noqa: S311
    with remembering(memory):
        for day in range(8):
            domain.live_through(day)
    assert (domain.refused, memory.faults) == (0, [])
    assert domain.admitted == domain.life.sent > 50


def test_the_memory_detects_writes_that_break_a_guarantee() -> None:
    memory = Memory(PRESETS["standard"], FIRST)
    with remembering(memory):
        memory.start()
        memory.admit(50)
        assert memory.faults == []
        memory.admit(51)
        raised = Limits(daily_limit=75, hourly_limit=10, per_minute_limit=5).model_dump()
        memory.adjust(memory.warming, put={"limits": raised, "ramp_day": 1})
        memory.adjust(memory.warming, put={"limits": raised, "ramp_day": 0, "limits_on": "2026-03-02"})
        warmed = memory.history[0].model_copy(update={"to_phase": Phase.WARMED})
        memory.move(memory.warming, warmed, put={}, drop=("limits",))
        assert memory.warming.limits is None
        memory.move(memory.warming, warmed.model_copy(update={"to_phase": Phase.PAUSED}), put={})
        memory.admit(52)
    assert len(memory.faults) == 5


def test_the_upper_bound_is_the_exact_one() -> None:
    assert upper_bound(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100))
    assert upper_bound(3, 1_000) == pytest.approx(0.00773, abs=1e-5)
    assert upper_bound(10, 10) == 1
