"""What the clients repeat, how long they wait for it, and what they tell when they give up; both alike."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kindling_client import (
    AsyncKindling,
    Conflict,
    Kindling,
    KindlingError,
    RateLimited,
    ServerError,
    Unexpected,
    Unreachable,
    call,
)
from tests.client.conftest import URL
from tests.conftest import Clock

HEALTH = {"status": "ok"}
SENT = {"message_id": "m", "status": "queued"}
SEND = {"from_": "kim@acme.example", "to": ["pat@example.com"], "text_body": "Hello"}
BUSY = (503, {"error": "store_unavailable", "message": "Busy.", "request_id": "r", "retry_after_seconds": 1})
OOPS = (500, {"error": "internal_error", "message": "Oops.", "request_id": "r"})
REFUSED = (502, {"error": "provider_refused", "message": "No.", "request_id": "r"})
AWAY = (502, {"error": "provider_unavailable", "message": "Silence.", "request_id": "r"})

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]] | type[httpx.TransportError]


class Server:
    """Answers what a test says, one after the other, and remembers what it was asked."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, type):
            raise answer("down", request=request)
        return httpx.Response(answer[0], json=answer[1], headers=answer[2] if len(answer) > 2 else {})


Caller = Callable[..., tuple[Any, Server]]


@pytest.fixture(params=["sync", "async"])
def called(request: pytest.FixtureRequest, loop: asyncio.Runner) -> Caller:
    """Call an operation of either client; the result, or the error, and the server that was asked."""

    def sync(server: Server, name: str, *args: Any, **fields: Any) -> Any:
        with Kindling(api_url=URL, api_key="kd_live_a_b", transport=httpx.MockTransport(server)) as kindling:
            return getattr(kindling, name)(*args, **fields)

    async def later(server: Server, name: str, *args: Any, **fields: Any) -> Any:
        transport = httpx.MockTransport(server)
        async with AsyncKindling(api_url=URL, api_key="kd_live_a_b", transport=transport) as kindling:
            return await getattr(kindling, name)(*args, **fields)

    def run(answers: list[Answer], name: str, *args: Any, **fields: Any) -> tuple[Any, Server]:
        server = Server(answers)
        try:
            if request.param == "sync":
                return sync(server, name, *args, **fields), server
            return loop.run(later(server, name, *args, **fields)), server
        except KindlingError as error:
            return error, server

    return run


@pytest.mark.parametrize("trouble", [OOPS, AWAY, httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError])
def test_a_read_is_repeated(called: Caller, trouble: Answer) -> None:
    answer, server = called([trouble, trouble, (200, HEALTH)], "get_health")
    assert answer.status == "ok"
    assert len(server.requests) == 3


@pytest.mark.parametrize("trouble", [OOPS, AWAY, BUSY, httpx.ReadTimeout, httpx.ConnectError])
def test_a_send_is_repeated_under_the_one_key_that_it_was_given(called: Caller, trouble: Answer) -> None:
    answer, server = called([trouble, (202, SENT)], "send_email", **SEND)
    assert answer.message_id == "m"
    first, second = (request.headers["idempotency-key"] for request in server.requests)
    assert first == second
    assert server.requests[0].content == server.requests[1].content


def test_two_sends_have_two_keys_and_the_callers_own_is_used(called: Caller) -> None:
    keys = [called([(202, SENT)], "send_email", **SEND)[1].requests[0].headers["idempotency-key"] for _ in range(2)]
    assert keys[0] != keys[1]
    _, server = called([(202, SENT)], "send_email", **SEND, idempotency_key="mine")
    assert server.requests[0].headers["idempotency-key"] == "mine"


@pytest.mark.parametrize("trouble", [OOPS, httpx.ReadTimeout])
def test_a_deletion_of_which_nobody_knows_whether_it_was_done_is_not_repeated(called: Caller, trouble: Answer) -> None:
    error, server = called([trouble, (200, {"success": True})], "delete_suppression", "pat@example.com")
    assert isinstance(error, KindlingError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("trouble", [httpx.ConnectError, httpx.ConnectTimeout, BUSY])
def test_a_deletion_that_was_not_begun_is_repeated(called: Caller, trouble: Answer) -> None:
    answer, server = called([trouble, (200, {"success": True})], "delete_suppression", "pat@example.com")
    assert answer.success
    assert len(server.requests) == 2


def test_a_definite_no_of_a_provider_is_not_repeated(called: Caller) -> None:
    error, server = called([REFUSED], "retry_warmup", "a")
    assert (type(error), error.code, len(server.requests)) == (ServerError, "provider_refused", 1)


def test_a_first_try_that_is_still_running_is_waited_for(called: Caller) -> None:
    running = (409, {"error": "request_running", "message": "Still running.", "request_id": "r"})
    answer, server = called([httpx.ReadTimeout, running, (202, SENT)], "send_email", **SEND)
    assert (answer.message_id, len(server.requests)) == ("m", 3)
    error, server = called([running], "send_email", **SEND, idempotency_key="somebody else's")
    assert (type(error), len(server.requests)) == (Conflict, 1)


def test_silence_is_told_after_four_tries(called: Caller, client_clock: Clock) -> None:
    error, server = called([httpx.ReadTimeout], "get_health")
    assert (type(error), error.code, error.status) == (Unreachable, "timeout", None)
    assert str(error) == "http://127.0.0.1:8790 did not answer in time."
    assert len(server.requests) == call.TRIES == 4
    # Pauses of 0.5, 1 and 2 s at most, and at least half of each.
    assert 1.75 <= client_clock.monotonic() <= 3.5


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_is_announced_is_kept_to_the_second(called: Caller, client_clock: Clock, status: int) -> None:
    wait = (status, {"error": "any", "message": "Wait.", "request_id": "r"}, {"Retry-After": "9"})
    answer, server = called([*[wait] * 5, (200, HEALTH)], "get_health")
    assert (answer.status, len(server.requests), client_clock.monotonic()) == ("ok", 6, 45)


def test_the_pauses_end_with_the_deadline(called: Caller, client_clock: Clock) -> None:
    wait = (
        429,
        {"error": "quota_exceeded", "message": "Wait.", "request_id": "r", "quota": "q"},
        {"Retry-After": "25"},
    )
    error, server = called([wait], "get_health")
    assert (type(error), error.retry_after, error.extras) == (RateLimited, 25, {"quota": "q"})
    assert (len(server.requests), client_clock.monotonic()) == (3, 50)


@pytest.mark.parametrize(("seconds", "tries"), [(59, 2), (60, 1)])
def test_a_pause_as_long_as_the_deadline_is_not_begun(called: Caller, seconds: int, tries: int) -> None:
    wait = (429, {"error": "rate_limit_exceeded", "message": "Wait.", "request_id": "r"}, {"Retry-After": str(seconds)})
    error, server = called([wait], "send_email", **SEND)
    assert (type(error), len(server.requests)) == (RateLimited, tries)


def test_a_try_has_no_more_time_than_is_left(called: Caller) -> None:
    wait = (429, {"error": "any", "message": "Wait.", "request_id": "r"}, {"Retry-After": "40"})
    _, server = called([wait, (200, HEALTH)], "get_health")
    assert [request.extensions["timeout"]["read"] for request in server.requests] == [35, 20]


def test_an_error_of_the_gateway_has_a_code_too(called: Caller) -> None:
    error, _ = called([(413, {"message": "Request Too Long"}, {"X-Request-ID": "r"})], "send_email", **SEND)
    assert (error.code, error.message, error.request_id) == ("request_entity_too_large", "Request Too Long", "r")
    teapot, _ = called([(499, None)], "get_health")
    assert (teapot.code, teapot.message) == ("status_499", "The API answered 499.")


@pytest.mark.parametrize("answer", [(200, {"status": "ill"}), (200, []), (302, None), (201, HEALTH)])
def test_what_is_not_an_answer_of_the_api_is_told(called: Caller, answer: Answer) -> None:
    error, _ = called([answer], "get_health")
    assert (type(error), error.code) == (Unexpected, "unexpected_answer")


def test_ids_are_escaped_and_absent_fields_are_not_sent(called: Caller) -> None:
    _, server = called([(404, {"error": "not_found", "message": "No.", "request_id": "r"})], "get_domain", "a/../b c")
    assert server.requests[0].url.raw_path == b"/api/email/domains/a%2F..%2Fb%20c"
    _, server = called([OOPS], "list_suppressions", query="pat", offset=0)
    assert dict(server.requests[0].url.params) == {"query": "pat", "offset": "0"}
    _, server = called([(202, SENT)], "send_email", **SEND)
    assert server.requests[0].read() == b'{"from":"kim@acme.example","to":["pat@example.com"],"text_body":"Hello"}'


@pytest.mark.parametrize("url", ["http://mail.example.com", "http://127.0.0.1.example", "ftp://127.0.0.1", "nonsense"])
@pytest.mark.parametrize("kind", [Kindling, AsyncKindling])
def test_a_key_does_not_go_over_a_network_in_the_clear(kind: Any, url: str) -> None:
    with pytest.raises(ValueError, match="is not an https URL"):
        kind(api_url=url, api_key="kd_live_a_b")
