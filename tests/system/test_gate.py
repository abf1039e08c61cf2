"""The gate under concurrent clients: all of their decisions must be explained by an order.

There are a hundred thousand with `--whole`, and a third of them without.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from local.launcher import LocalCloud
from tests.system.conftest import GROUP
from tests.system.gate.judge import Judgement, judge
from tests.system.gate.run import run
from tests.system.gate.worker import Plan

pytestmark = [pytest.mark.system, GROUP]

CLIENTS, DECISIONS = 6, 8_334  # in a round
# Each speed of the clock once, or three times for 100,000 decisions.
ROUNDS, ALL = 4, 12
# Without these events the run would not test anything.
WANTED = (
    "admitted",
    "refused by the phase",
    "refused by the day",
    "refused by the mailbox provider",
    "refused by the hour",
    "refused by the minute",
    "days rolled",
    "hours rolled",
    "minutes rolled",
    "pauses",
    "resumes",
    "limits raised",
    "limits lowered",
    "given back",
    "lost answers",
    "lost races",
)


def judged(cloud: LocalCloud, rounds: int, clients: int, decisions: int, **extra: Any) -> Judgement:
    url, table = cloud.description["engine_url"], cloud.description["table_name"]
    return judge(run(Plan(url, table, uuid.uuid4().hex[:8], rounds, clients, decisions, **extra)))


def test_all_decisions_have_an_order_that_exceeds_no_limit_and_ignores_no_pause(
    cloud: LocalCloud, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    rounds = ALL if request.config.getoption("--whole") else ROUNDS
    judgement = judged(cloud, rounds, CLIENTS, DECISIONS // CLIENTS)
    record_property("said", f"The gate: {judgement.sentence}.")
    assert judgement.faults == []
    assert judgement.figures["decisions"] >= rounds * DECISIONS
    assert [name for name in WANTED if not judgement.figures[name]] == []


def test_the_same_run_detects_a_gate_without_a_condition(cloud: LocalCloud) -> None:
    faults = " ".join(judged(cloud, 1, 8, 60, careless=True).faults)
    assert "has counted" in faults
    assert "no order explains" in faults


def test_a_return_of_quota_whose_response_is_lost_is_applied_at_most_once(cloud: LocalCloud) -> None:
    judgement = judged(cloud, 1, 4, 250, lose_give_backs=0.15)
    assert judgement.faults == []
    assert judgement.figures["lost answers"] > 0
