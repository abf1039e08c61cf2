"""When an account graduates and when it is banned, to the last message and the last point."""

import pytest

from kindling.accounts.model import ACTIVE, BANNED, PENDING, SUSPENDED, WARMING, State
from kindling.accounts.policy import next_state, reputation
from kindling.providers.model import WarmupAccount, WarmupFigures, WarmupTotals

ON, PAUSED_THERE = 1, 0


def becomes(
    state: State = WARMING, *, status: int = ON, score: float | None = 90, health: float = 0, sent: int = 200
) -> State | None:
    live = WarmupAccount.model_validate(
        {"email": "kim@acme.example", "warmup_status": status, "stat_warmup_score": score}
    )
    return next_state(state, live, WarmupFigures(totals=WarmupTotals(sent=sent, health_score=health), days={}))


def test_an_account_graduates_at_reputation_90_and_200_messages_and_not_one_below() -> None:
    assert becomes() == ACTIVE
    assert becomes(score=89) is None
    assert becomes(sent=199) is None
    assert becomes(score=100, sent=199) is None
    assert becomes(score=89, sent=10_000) is None


def test_a_reputation_counts_as_it_is_shown_in_whole_points() -> None:
    assert becomes(score=89.6) == ACTIVE
    assert becomes(score=89.4) is None


def test_the_health_of_its_warmup_stands_in_only_for_a_score_that_is_not_there() -> None:
    assert becomes(score=None, health=90) == ACTIVE
    assert becomes(score=None, health=89) is None
    assert becomes(score=0, health=100) is None
    live = WarmupAccount.model_validate({"email": "kim@acme.example", "warmup_status": ON, "stat_warmup_score": 0})
    assert reputation(live, WarmupFigures(totals=WarmupTotals(health_score=100), days={})) == 0


@pytest.mark.parametrize(("status", "to"), [(-1, BANNED), (-2, SUSPENDED), (-3, SUSPENDED)])
@pytest.mark.parametrize("state", [WARMING, ACTIVE])
def test_trouble_at_the_provider_goes_before_a_graduation(state: State, status: int, to: State) -> None:
    assert becomes(state, status=status) == to


def test_only_an_account_that_warms_graduates_and_only_while_it_warms_at_the_provider() -> None:
    assert becomes(status=PAUSED_THERE) is None
    assert [becomes(state) for state in (PENDING, ACTIVE, BANNED, SUSPENDED)] == [None] * 4
