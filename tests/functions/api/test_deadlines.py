"""Every route that asks a provider answers in time and in the contract's shape, whatever the provider does."""

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import dns.exception
import dns.message
import dns.nameserver
import httpx
import pytest

from kindling import providers
from kindling.entry.answers import Success
from kindling.entry.request import Request
from kindling.entry.route import GATEWAY_SECONDS, route
from kindling.platform import clock
from kindling.providers import authoritative
from kindling.providers import client as provider_client
from tests.conftest import Clock, Kindling
from tests.functions.api.test_paging import copies
from tests.functions.api.test_send import at, email, follow_a_day_of, sender, used
from tests.harness.lambdas import Context

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

DOMAINS, ACCOUNTS = "/api/email/domains", "/api/email/accounts"
Handler = Callable[[httpx.Request], httpx.Response]


def silent(_: Handler, request: httpx.Request) -> httpx.Response:
    clock.sleep(request.extensions["timeout"]["read"])
    raise httpx.ReadTimeout("silence")


def unreachable(_: Handler, request: httpx.Request) -> httpx.Response:
    clock.sleep(request.extensions["timeout"]["connect"])
    raise httpx.ConnectTimeout("no route")


def dropped(answer: Handler, request: httpx.Request) -> httpx.Response:
    answer(request)
    raise httpx.RemoteProtocolError("gone")


def slow(answer: Handler, request: httpx.Request) -> httpx.Response:
    clock.sleep(request.extensions["timeout"]["read"] * 0.99)
    return answer(request)


class SilentNameserver(dns.nameserver.AddressAndPortNameserver):
    def kind(self) -> str:
        return "silent"

    def query(
        self, request: dns.message.QueryMessage, timeout: float, *_unused: Any, **_options: Any
    ) -> dns.message.Message:
        clock.sleep(timeout)
        raise dns.exception.Timeout


def disturb(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, how: Callable[[Handler, httpx.Request], httpx.Response]
) -> None:
    """Have every provider and every name server behave that way from now on."""
    handle = kindling.world.sandbox.handle
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(lambda one: how(handle, one)))
    monkeypatch.setattr(authoritative, "nameserver", SilentNameserver)
    for door in (providers._mail, providers._warmup, providers._dns, providers.resolver):
        door.cache_clear()


FAULTS = [silent, unreachable, dropped, slow]


@pytest.mark.parametrize("how", FAULTS)
def test_every_route_answers_before_the_gateway_does(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, how: Callable[[Handler, httpx.Request], httpx.Response]
) -> None:
    follow_a_day_of(kindling, 5000)
    account, idle = sender(kindling), kindling.account("lee", kindling.verified_domain("two.example"))
    copies(kindling, "domains", "id", 20)
    copies(kindling, "accounts", "id", 20)
    kindling.clock.advance(hours=2)
    domain, mine, its = f"{DOMAINS}/{account['domain_id']}", f"{ACCOUNTS}/{account['id']}", f"{ACCOUNTS}/{idle['id']}"
    disturb(kindling, monkeypatch, how)
    requests: list[tuple[str, str, Any]] = [
        ("GET", DOMAINS, None),
        ("GET", f"{domain}/dns-records", None),
        ("POST", f"{domain}/dns-records/sync", None),
        ("POST", f"{domain}/verify", None),
        ("POST", "/v1/domains/acme.example/verify", None),
        ("PATCH", mine, {"signature": "Kim", "first_name": "Kim"}),
        ("PATCH", f"{its}/retry-warmup", None),
        ("GET", f"{ACCOUNTS}/warmup-analytics", None),
        ("POST", "/v1/send", email()),
        ("POST", "/v1/send/batch", {"emails": [email()] * 100}),
    ]
    for method, path, body in requests:
        before = kindling.clock.monotonic()
        # The harness compares each reply with the OpenAPI document.
        reply = kindling.api(method, path, body)
        assert reply.status in (200, 202, 409, 502), (method, path, reply.body)
        assert kindling.clock.monotonic() - before < GATEWAY_SECONDS, (method, path)


def test_a_list_that_cannot_be_refreshed_in_time_says_which_rows_are_stale(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    kindling.verified_domain()
    (fresh,) = kindling.api.get(DOMAINS).body["domains"]
    assert "stale" not in fresh
    assert fresh["refreshed_at"] == clock.timestamp()
    disturb(kindling, monkeypatch, silent)
    kindling.clock.advance(hours=1)
    before = kindling.clock.monotonic()
    (stale,) = kindling.api.get(DOMAINS).body["domains"]
    assert kindling.clock.monotonic() - before <= 10
    assert stale == fresh | {"stale": True}
    # Nobody asked for fresh rows.
    (unasked,) = kindling.api.get(DOMAINS, skip_sync="").body["domains"]
    assert unasked == fresh
    (unasked,) = kindling.test_api.get(DOMAINS).body["domains"]
    assert unasked == fresh


def test_a_batch_that_runs_out_of_time_tells_what_is_known_of_each_message(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_a_day_of(kindling, 5000)
    sender(kindling)
    at(kindling, "03-01T10:00:00")
    disturb(kindling, monkeypatch, slow)
    before = kindling.clock.monotonic()
    reply = kindling.api.post("/v1/send/batch", {"emails": [email(2)] * 100})
    # The rest of the gateway's 30 s is for admitting before and settling after.
    assert 14 < kindling.clock.monotonic() - before <= 15
    outcomes = Counter(result.get("outcome", result["status"]) for result in reply.body["results"])
    assert set(outcomes) >= {"queued", "not_sent"}
    assert used(kindling) == 2 * (100 - outcomes["not_sent"])
    assert reply.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("came", "of_function", "left"),
    [
        (1000.0, 29.0, 28.0),
        (1000.0, 20.0, 19.0),
        (980.0, 29.0, 8.0),
        (971.5, 29.0, 0.0),
        (970.001, 29.0, 0.0),
        (970.0, 29.0, 28.0),
        (1000.4, 29.0, 28.0),
        (None, 30.0, 28.0),
    ],
)
def test_a_request_has_what_function_and_gateway_leave_it(
    monkeypatch: pytest.MonkeyPatch, steady_clock: Clock, came: float | None, of_function: float, left: float
) -> None:
    seen: list[float] = []

    @route("GET", "/anything", scope=None, summary="", tag="")
    def handler(request: Request) -> Success:
        seen.append(clock.left(100))
        return Success()

    monkeypatch.setattr(time, "time", lambda: 1000.0)
    http = {"method": "GET", "path": "/anything", "sourceIp": "127.0.0.1"}
    context: dict[str, Any] = {"requestId": "1", "http": http} | ({"timeEpoch": int(came * 1000)} if came else {})
    event = {"rawPath": "/anything", "requestContext": context}
    assert handler(event, cast("LambdaContext", Context("Anything", milliseconds=int(of_function * 1000))))
    assert seen == [left]


@pytest.mark.parametrize(("waited", "left"), [(0, 20.0), (5, 15.0), (19.5, 0.5), (25, 0.0), (30, 20.0), (-60, 20.0)])
def test_a_request_that_waited_for_its_function_waits_less_for_its_saga(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, waited: float, left: float
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    http = {"method": "POST", "path": ACCOUNTS, "sourceIp": "127.0.0.1"}
    context = {"requestId": "1", "http": http, "timeEpoch": int((1000 - waited) * 1000)}
    assert Request({"rawPath": ACCOUNTS, "requestContext": context}).wait_seconds == left
