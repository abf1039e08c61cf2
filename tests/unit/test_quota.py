"""Quotas: exact limits, few writes, and admission without counting when the table is unavailable."""

import itertools
import logging
import random
from collections.abc import Iterator
from typing import Any

import pytest

from kindling.errors import QuotaExceeded, Unauthorized
from kindling.keys import authentication, quota
from kindling.keys import service as keys
from kindling.keys.model import Caller, Scope
from kindling.platform import aws, clock
from kindling.platform.observability import logger
from kindling.platform.settings import settings
from tests.conftest import Clock
from tests.harness import dynamodb

USER = "7d3a4c1e-6b52-4f0a-9c8e-2f1b5d907a36"
TENANT, KEY = 500, 250
ADDRESS = "203.0.113.7"
TEXT = f"kd_live_{'a' * 16}_{'x' * 43}"

pytestmark = pytest.mark.usefixtures("cloud")


def caller(letter: str = "a", user: str = USER) -> Caller:
    return Caller(user, letter * 16, True, frozenset({Scope.READ}))


def admitted(times: int, *callers: Caller) -> int:
    """How many of `times` requests are admitted, with the callers taking turns."""
    count = 0
    for who, _ in zip(itertools.cycle(callers or [caller()]), range(times), strict=False):
        try:
            quota.admit_request(who)
            count += 1
        except QuotaExceeded:
            continue
    return count


def items() -> list[Any]:
    return aws.table().scan()["Items"]


class Environments:
    """Several execution environments in one process: each has its own leases."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self._patch = monkeypatch
        self._memories: list[dict[Any, Any]] = [{} for _ in range(count)]

    def enter(self, index: int) -> None:
        self._patch.setattr(quota, "_leases", self._memories[index])


def test_a_key_asks_as_often_as_its_quota_and_not_once_more(steady_clock: Clock) -> None:
    assert admitted(KEY + 5) == KEY
    steady_clock.advance(seconds=3.5)
    with pytest.raises(QuotaExceeded) as refused:
        quota.admit_request(caller())
    assert refused.value.extras == {"quota": "key_requests_per_second", "limit": 25, "retry_after_seconds": 7}
    # Another key of the tenant and another tenant are still admitted.
    assert admitted(1, caller("b")) == admitted(1, caller("c", "another")) == 1
    steady_clock.advance(seconds=6.499)
    assert admitted(1) == 0
    steady_clock.advance(seconds=0.001)
    assert admitted(KEY + 5) == KEY


def test_all_keys_of_a_tenant_share_its_quota(steady_clock: Clock) -> None:
    assert admitted(3 * KEY, caller("a"), caller("b"), caller("c")) == TENANT
    with pytest.raises(QuotaExceeded) as refused:
        quota.admit_request(caller("c"))
    assert refused.value.extras == {"quota": "tenant_requests_per_second", "limit": 50, "retry_after_seconds": 10}


def test_a_busy_environment_writes_a_few_times_and_an_idle_one_once(steady_clock: Clock) -> None:
    with dynamodb.calls() as seen:
        assert admitted(1) == 1
        assert seen == ["UpdateItem"]
        assert admitted(KEY - 1) == KEY - 1
    # Leases of 1, 2, 4, then 7, and at last the rest of 250.
    assert seen == ["UpdateItem"] * (3 + 34 + 2)
    with dynamodb.calls() as seen:
        assert admitted(100) == 0
    assert seen == ["UpdateItem"]
    with dynamodb.calls() as seen:
        assert admitted(100) == 0
    assert seen == []


def test_a_key_that_uses_many_functions_is_not_refused_for_what_they_hold(
    steady_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments = Environments(monkeypatch, 10)
    for index in range(10):
        environments.enter(index)
        assert admitted(20) == 20


def test_no_interleaving_leases_more_than_a_quota(steady_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(5):
        steady_clock.advance(seconds=quota.REQUEST_SECONDS)
        environments, chance = Environments(monkeypatch, 7), random.Random(seed)  # noqa: S311
        callers = [caller(letter) for letter in "abcd"]
        got = dict.fromkeys(callers, 0)
        for _ in range(3000):
            environments.enter(chance.randrange(7))
            who = chance.choice(callers[: 1 + seed])
            got[who] += admitted(1, who)
        assert max(got.values()) <= KEY
        assert sum(got.values()) == min(TENANT, KEY * min(1 + seed, 4))


def test_a_race_between_looking_and_taking_ends_with_what_is_left(
    steady_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments = Environments(monkeypatch, 2)
    environments.enter(0)
    assert admitted(KEY - 3 - 4) == KEY - 7
    environments.enter(1)
    # The first environment has a lease with requests left.
    counted = items()[0]["a" * 16]
    room = KEY - int(counted)
    assert admitted(50) == room
    environments.enter(0)
    assert admitted(50) == 7 - room


def test_a_window_leaves_nothing_behind(steady_clock: Clock) -> None:
    admitted(3)
    [item] = items()
    assert (item["pk"], item["total"], item["a" * 16]) == (f"QUOTA#{USER}", 3, 3)
    # A minute after the window of ten seconds, which has just begun.
    assert item["expires_at"] == clock.now().timestamp() + 10 + 60


def test_the_last_request_of_a_quota_is_admitted_though_more_was_wanted(steady_clock: Clock) -> None:
    assert admitted(1) == 1
    (item,) = items()
    # Other environments have taken all but one.
    aws.table().update_item(
        Key={"pk": item["pk"], "sk": item["sk"]},
        UpdateExpression="SET #key = :most",
        ExpressionAttributeNames={"#key": "a" * 16},
        ExpressionAttributeValues={":most": KEY - 1},
    )
    assert admitted(3) == 1


def test_whoever_is_refused_comes_back_when_the_window_has_ended_and_waits_no_longer(steady_clock: Clock) -> None:
    assert admitted(KEY + 1) == KEY
    waits = {}
    for left in (9.5, 1.001, 1.0, 0.25):
        steady_clock.advance(seconds=10 - left - steady_clock.monotonic())
        with pytest.raises(QuotaExceeded) as refused:
            quota.admit_request(caller())
        waits[left] = refused.value.extras["retry_after_seconds"]
    assert waits == {9.5: 10, 1.001: 2, 1.0: 1, 0.25: 1}


def test_a_creation_takes_nothing_ahead_of_the_next_one(steady_clock: Clock) -> None:
    for made in (1, 2, 3, 4):
        quota.admit_creation(caller())
        (item,) = items()
        assert (item["total"], item["a" * 16]) == (made, made)


def test_creations_are_counted_one_by_one_for_an_hour(steady_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_CREATES_PER_HOUR", "3")
    settings.cache_clear()
    with dynamodb.calls() as seen:
        for letter in "abc":
            quota.admit_creation(caller(letter))
        for _ in range(3):
            with pytest.raises(QuotaExceeded) as refused:
                quota.admit_creation(caller())
    assert seen == ["UpdateItem"] * 4
    assert refused.value.extras == {"quota": "tenant_creates_per_hour", "limit": 3, "retry_after_seconds": 3600}
    steady_clock.advance(hours=1)
    quota.admit_creation(caller())


def test_one_key_leaves_creations_to_the_others(steady_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_CREATES_PER_HOUR", "5")
    monkeypatch.setenv("KEY_CREATES_PER_HOUR", "2")
    settings.cache_clear()
    for letter in "aabb":
        quota.admit_creation(caller(letter))
    for letter in "ab":
        with pytest.raises(QuotaExceeded) as refused:
            quota.admit_creation(caller(letter))
        assert (refused.value.extras["quota"], refused.value.extras["limit"]) == ("key_creates_per_hour", 2)
    quota.admit_creation(caller("c"))
    with pytest.raises(QuotaExceeded) as refused:
        quota.admit_creation(caller("d"))
    assert refused.value.extras["quota"] == "tenant_creates_per_hour"


@pytest.mark.parametrize("count", [quota.admit_request, quota.admit_creation])
def test_what_cannot_be_counted_is_let_through(
    steady_clock: Clock, monkeypatch: pytest.MonkeyPatch, count: Any
) -> None:
    client = aws.table().meta.client

    def throttled(name: str, parameters: Any) -> Any:
        raise client.exceptions.ProvisionedThroughputExceededException({"Error": {"Code": "Throttled"}}, name)

    monkeypatch.setattr(client, "_make_api_call", throttled)
    for _ in range(20):
        count(caller())


def failing(text: str | None, address: str = ADDRESS) -> str:
    """The outcome of a request with this text as its key: `unauthorized`, `slowed`, `limited` or `admitted`."""
    try:
        authentication.authenticate(f"Bearer {text}" if text is not None else None, address)
    except Unauthorized:
        return "unauthorized"
    except QuotaExceeded as error:
        return "slowed" if error.extras["quota"] == "failed_authentications_per_minute" else "limited"
    return "admitted"


def guesses() -> Iterator[str]:
    for number in itertools.count():
        yield f"kd_live_{number:016}_{'y' * 43}"


def test_guessing_is_slowed_and_then_costs_no_look_up(steady_clock: Clock) -> None:
    keys.seed(USER, TEXT, ["read"], "ci")
    guess = guesses()
    assert failing(TEXT) == "admitted"
    assert [failing(next(guess)) for _ in range(61)] == ["unauthorized"] * 60 + ["slowed"]
    with dynamodb.calls() as seen:
        assert [failing(next(guess)) for _ in range(20)] == ["slowed"] * 20
        assert failing("nonsense") == failing(None) == failing(TEXT[:-1] + "y") == "slowed"
    assert seen == []
    # A cached key from the same address still works, and so does any key from another address.
    steady_clock.advance(seconds=59)
    assert failing(TEXT) == "admitted"
    assert failing(next(guess)) == "slowed"
    assert failing(next(guess), "203.0.113.8") == "unauthorized"
    steady_clock.advance(seconds=1)
    assert failing(next(guess)) == "unauthorized"


def test_failures_are_counted_over_all_environments(steady_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    environments, guess = Environments(monkeypatch, 5), guesses()
    refusals = []
    for turn in range(200):
        environments.enter(turn % 5)
        refusals.append(failing(next(guess)))
    assert refusals.count("unauthorized") == 60


def test_a_request_without_a_key_is_slowed_and_writes_nothing(steady_clock: Clock) -> None:
    with dynamodb.calls() as seen:
        assert [failing(None) for _ in range(62)] == ["unauthorized"] * 60 + ["slowed"] * 2
    assert seen == []
    # Requests without a key do not block an unknown key from the same address.
    assert failing(TEXT) == "unauthorized"


def test_an_address_is_kept_as_a_hash_and_a_whole_ipv6_network_is_one(steady_clock: Clock) -> None:
    for address in (ADDRESS, "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "unknown"):
        failing("nonsense", address)
    assert sorted(int(item["total"]) for item in items()) == [1, 1, 1, 2]
    assert not any(part in str(items()) for part in (ADDRESS, "2001:db8", "unknown"))


def test_a_refusal_is_logged_by_its_kind_and_nothing_of_the_text(
    steady_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[Any] = []
    monkeypatch.setattr(logger, "warning", lambda message, **fields: refusals.append((message, fields["reason"])))
    keys.seed(USER, TEXT, ["admin"], "ci")
    own = authentication.authenticate(f"Bearer {TEXT}", ADDRESS)
    for text in (None, "nonsense", TEXT.replace("aaaa_", "aaab_"), TEXT[:-1] + "y", TEXT.replace("live", "test")):
        failing(text)
    keys.revoke(own, "a" * 16, force=True)
    failing(TEXT)
    keys.seed(USER, TEXT.replace("aaaa_", "aaac_"), ["read"], "short", 1)
    steady_clock.advance(days=1)
    failing(TEXT.replace("aaaa_", "aaac_"))
    reasons = ["missing", "malformed", "unknown", "wrong text", "wrong text", "revoked", "expired"]
    assert refusals == [("authentication refused", reason) for reason in reasons]


def test_only_so_many_leases_are_remembered(steady_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MAX_LEASES", 3)
    monkeypatch.setattr(logging.getLogger("kindling"), "disabled", True)
    for number in range(9):
        failing(None, f"203.0.113.{number}")
    assert len(quota._leases) <= 3
