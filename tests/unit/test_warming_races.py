"""A pause, a verdict and a new schedule, when something else comes first: each is decided again, up to five times."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from kindling.errors import StaleStatus
from kindling.keys.model import Caller, Scope
from kindling.platform import table
from kindling.warming import judgement, service, store
from kindling.warming.model import PauseWarming, Phase, Warming, warming_key
from kindling.warming.schedules import OwnSchedule
from tests.conftest import Clock

pytestmark = pytest.mark.usefixtures("domain")

KEY = warming_key("u", "d")
CALLER = Caller("u", "k" * 16, True, frozenset(Scope))
DOMAIN: Any = SimpleNamespace(id="d")
LIMITS = {"daily_limit": 50, "hourly_limit": 10, "per_minute_limit": 5}
# What is decided from the domain as it was read, and the write that carries it out.
DECISIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "a pause": (lambda: service.pause(CALLER, DOMAIN, PauseWarming(reason="holiday")), "move"),
    "a verdict": (lambda: judgement.judge(KEY), "adjust"),
    "a schedule": (lambda: service.set_schedule(CALLER, OwnSchedule(preset="tiered")), "adjust"),
}


def standing() -> Warming:
    warming = store.read(KEY)
    assert warming
    return warming


def interrupt(monkeypatch: pytest.MonkeyPatch, write: str, times: int) -> None:
    """Have another process change the domain just before each of the first `times` writes."""
    real, adjust = getattr(store, write), store.adjust
    left = iter(range(times))

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if next(left, None) is not None:
            assert adjust(standing(), put={"strikes": 1})
        return real(*arguments, **options)

    monkeypatch.setattr(store, write, interrupted)


@pytest.fixture
def domain(cloud: None, steady_clock: Clock) -> None:
    """A domain in its first phase that was last counted yesterday."""
    known = {"user_id": "u", "domain_id": "d", "domain": "acme.example", "counted_on": "2026-02-28"}
    warming = Warming.model_validate(known | {"phase": Phase.PHASE_1, "limits": LIMITS})
    table.transact([store.created(warming)])


@pytest.mark.parametrize("decision", DECISIONS)
def test_what_changed_meanwhile_is_decided_again(monkeypatch: pytest.MonkeyPatch, decision: str) -> None:
    decide, write = DECISIONS[decision]
    interrupt(monkeypatch, write, 4)
    decide()
    now = standing()
    assert (now.revision, now.strikes) == (5, 1)


@pytest.mark.parametrize("decision", DECISIONS)
def test_what_keeps_changing_is_told_after_five_tries(monkeypatch: pytest.MonkeyPatch, decision: str) -> None:
    decide, write = DECISIONS[decision]
    interrupt(monkeypatch, write, 5)
    with pytest.raises(StaleStatus):
        decide()
    assert standing().revision == 5
