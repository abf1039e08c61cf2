"""The rate limit of a provider, which all functions share: never more than it allows, and nobody waits needlessly."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from kindling.errors import ProviderRefused, ProviderUnavailable
from kindling.platform import aws
from kindling.providers import agentmail, cloudflare, instantly
from kindling.providers import client as provider_client
from kindling.providers.bucket import Exhausted, Rate, TokenBucket
from kindling.providers.client import ProviderClient
from tests.conftest import Clock
from tests.harness import dynamodb
from tests.harness.template import TEMPLATE
from tests.unit.script import Script, answer

pytestmark = pytest.mark.usefixtures("cloud")

TEN = Rate(10, burst=5)
KEY = {"pk": "PROVIDER#acme", "sk": "BUCKET"}


def bucket(rate: Rate = TEN) -> TokenBucket:
    """The bucket as a new execution environment has it."""
    return TokenBucket("Acme", rate)


@contextmanager
def dynamodb_down() -> Iterator[None]:
    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "down"}}, "UpdateItem")

    events = aws.table().meta.client.meta.events
    events.register("before-call.dynamodb", fail)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", fail)


def test_a_burst_goes_at_once_and_then_one_in_an_interval(steady_clock: Clock) -> None:
    # A sixth caller waits for a tenth of a second, a seventh behind it for two.
    assert [bucket().take(1) for _ in range(7)] == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2])
    steady_clock.advance(seconds=0.2)
    assert bucket().take(1) == pytest.approx(0.1)


def test_the_bucket_of_a_tenants_own_workspace_is_its_own(steady_clock: Clock) -> None:
    own = TokenBucket("Acme", TEN, "a-tenant")
    own.rest(60)
    assert bucket().take(0) == 0
    with pytest.raises(Exhausted):
        TokenBucket("Acme", TEN, "a-tenant").take(0)
    keys = {item["pk"] for item in aws.table().scan()["Items"]}
    assert keys == {"PROVIDER#acme", "PROVIDER#acme#a-tenant"}


def test_an_idle_bucket_fills_up_to_its_burst_and_not_beyond(steady_clock: Clock) -> None:
    for _ in range(5):
        bucket().take(0)
    steady_clock.advance(hours=1)
    assert [bucket().take(1) for _ in range(6)] == pytest.approx([0, 0, 0, 0, 0, 0.1])


@pytest.mark.parametrize(("patience", "admitted"), [(0.099, False), (0.1, True)])
def test_who_cannot_wait_for_its_turn_is_refused_and_takes_none(
    steady_clock: Clock, patience: float, admitted: bool
) -> None:
    for _ in range(5):
        bucket().take(0)
    mine = bucket()
    if admitted:
        assert mine.take(patience) == pytest.approx(0.1)
        return
    with pytest.raises(Exhausted) as refusal:
        mine.take(patience)
    assert refusal.value.seconds == pytest.approx(0.1)
    # What is known is not asked for again.
    with dynamodb.calls() as seen, pytest.raises(Exhausted):
        mine.take(patience)
    assert seen == []
    steady_clock.advance(seconds=0.1)
    assert mine.take(0) == 0


def test_a_busy_environment_takes_tokens_ahead_and_returns_none_after_a_second(steady_clock: Clock) -> None:
    mine = bucket(Rate(100, burst=240))
    with dynamodb.calls() as seen:
        for _ in range(45):
            assert mine.take(0) == 0
        # 1, 2, 4, 8, 15 and 15 tokens.
        assert len(seen) == 6
        mine.take(0)
        assert len(seen) == 7
    steady_clock.advance(seconds=0.999)
    # A lease of fifteen begins.
    for _ in range(15):
        mine.take(0)
    steady_clock.advance(seconds=0.999)
    with dynamodb.calls() as seen:
        mine.take(0)
    assert seen == []
    steady_clock.advance(seconds=0.001)
    with dynamodb.calls() as seen:
        mine.take(0)
        mine.take(0)
    assert len(seen) == 2


def test_a_provider_that_asks_for_fewer_requests_is_left_alone_by_all(steady_clock: Clock) -> None:
    mine, others = bucket(), bucket()
    mine.take(0)
    others.take(0)
    mine.rest(90)
    for each in (mine, others, bucket()):
        with pytest.raises(Exhausted) as refusal:
            each.take(90)
        assert refusal.value.seconds == pytest.approx(90.1)
    # A shorter wait changes nothing.
    others.rest(10)
    steady_clock.advance(seconds=90)
    with pytest.raises(Exhausted):
        bucket().take(0.099)
    assert bucket().take(0.1) == pytest.approx(0.1)


def test_tokens_that_were_taken_ahead_are_not_used_after_a_429(steady_clock: Clock) -> None:
    mine = bucket(Rate(100, burst=64))
    for _ in range(6):
        mine.take(0)
    mine.rest(1)
    with pytest.raises(Exhausted):
        mine.take(0.5)


def test_nobody_waits_longer_than_ten_minutes(steady_clock: Clock) -> None:
    bucket().rest(86_400)
    with pytest.raises(Exhausted):
        bucket().take(600.099)
    assert bucket().take(600.1) == pytest.approx(600.1)


@pytest.mark.parametrize(("ahead", "believed"), [(660.5, True), (660.500001, False)])
def test_what_a_wrong_clock_wrote_is_not_believed(steady_clock: Clock, ahead: float, believed: bool) -> None:
    full_at = round((steady_clock.now().timestamp() + ahead) * 1_000_000)
    aws.table().put_item(Item={**KEY, "full_at": full_at})
    mine = bucket()
    if believed:
        with pytest.raises(Exhausted):
            mine.take(0)
        return
    assert mine.take(0) == 0
    item: Any = aws.table().get_item(Key=KEY)["Item"]
    assert item["full_at"] < full_at


def test_a_request_is_sent_without_a_token_while_dynamodb_is_down(steady_clock: Clock) -> None:
    mine = bucket()
    with dynamodb_down():
        assert mine.take(0) == 0
        mine.rest(60)
    assert mine.take(0) == 0


def test_a_rate_of_zero_is_no_limit(steady_clock: Clock) -> None:
    with dynamodb.calls() as seen:
        free = bucket(Rate(0))
        free.rest(60)
        assert {free.take(0) for _ in range(1_000)} == {0}
    assert seen == []


def most_in(seconds: float, sent: list[float]) -> int:
    """The most requests in any span of that length."""
    most = first = 0
    for last, at in enumerate(sent):
        while at - sent[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


PUBLISHED = {
    "Instantly": (instantly.BURST, [(1, 100), (60, 6_000)]),
    "Cloudflare": (cloudflare.BURST, [(300, 1_200)]),
}


@pytest.mark.parametrize("provider", PUBLISHED)
def test_twenty_environments_stay_within_the_published_limits(steady_clock: Clock, provider: str) -> None:
    burst, limits = PUBLISHED[provider]
    rate = Rate(TEMPLATE["Parameters"][f"{provider}RequestsPerSecond"]["Default"], burst)
    dice = random.Random(provider)  # noqa: S311
    environments = [TokenBucket(provider, rate) for _ in range(20)]
    sent, refused, begun = [], 0, steady_clock.monotonic()
    # Four times what the provider takes, after a quiet time and again after another.
    for _ in range(700):
        steady_clock.advance(seconds=dice.expovariate(4 * rate.per_second))
        if dice.random() < 0.005:
            steady_clock.advance(seconds=burst / rate.per_second)
        for one in dice.sample(environments, 2):
            try:
                sent.append(steady_clock.monotonic() + one.take(0.5))
            except Exhausted:
                refused += 1
    sent.sort()
    assert [(seconds, most_in(seconds, sent) <= limit) for seconds, limit in limits] == [(s, True) for s, _ in limits]
    # The limit is used, too: what was refused would have been too much.
    assert refused
    assert len(sent) >= 0.8 * min(rate.per_second * (steady_clock.monotonic() - begun) + burst, 1_400)


def test_a_published_limit_has_room_for_the_parameter() -> None:
    for provider, (burst, limits) in PUBLISHED.items():
        rate = TEMPLATE["Parameters"][f"{provider}RequestsPerSecond"]["Default"]
        for seconds, limit in limits:
            # A token that was taken ahead is used up to a second later.
            assert burst + rate * seconds + rate * (burst >= 32) <= limit, provider
    assert TEMPLATE["Parameters"]["AgentMailRequestsPerSecond"]["Default"] == agentmail.BURST


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch, steady_clock: Clock) -> Callable[[Script], ProviderClient]:
    def make(script: Script) -> ProviderClient:
        monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(script.handle))
        refusal = lambda response: ProviderRefused(str(response.status_code))  # noqa: E731
        return ProviderClient("Acme", "http://acme.example", lambda: "key", refusal, TEN)

    return make


def test_requests_beyond_the_rate_wait_for_their_turn(
    client_of: Callable[[Script], ProviderClient], steady_clock: Clock
) -> None:
    at: list[float] = []
    script = Script(answer(200))
    script.meanwhile = lambda: at.append(steady_clock.monotonic())
    for client in [client_of(script) for _ in range(8)]:
        client.call("GET", "/")
    assert at[:5] == [0] * 5
    assert [later - earlier for earlier, later in pairwise(at[4:])] == pytest.approx([0.1] * 3)


def test_after_a_429_other_functions_do_not_ask_until_the_wait_is_over(
    client_of: Callable[[Script], ProviderClient], steady_clock: Clock
) -> None:
    script = Script(answer(429, Retry_After="120"), answer(200))
    with pytest.raises(ProviderUnavailable):
        client_of(script).call("GET", "/")
    with pytest.raises(ProviderUnavailable) as refusal:
        client_of(script).call("POST", "/", repeatable=False)
    assert len(script.asked) == 1
    assert refusal.value.unreached
    assert refusal.value.extras["retry_after_seconds"] == 121
    assert str(refusal.value) == "Acme is asked as often as its rate limit allows."
    steady_clock.advance(seconds=120)
    assert client_of(script).call("GET", "/").is_success


def test_a_repeat_that_may_have_been_carried_out_is_not_called_unreached(
    client_of: Callable[[Script], ProviderClient], steady_clock: Clock
) -> None:
    others = bucket()
    script = Script(answer(503))
    script.meanwhile = lambda: others.rest(60)
    with pytest.raises(ProviderUnavailable) as refusal:
        client_of(script).call("GET", "/")
    assert len(script.asked) == 1
    assert not refusal.value.unreached
