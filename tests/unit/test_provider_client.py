"""The HTTP client of the providers, against scripted answers: which calls are retried, and which errors are raised."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from kindling.errors import KeyRefused, KindlingError, ProviderMisconfigured, ProviderRefused, ProviderUnavailable
from kindling.platform import clock
from kindling.providers import client as provider_client
from kindling.providers.bucket import Rate
from kindling.providers.client import ProviderClient, body, items, read
from tests.conftest import Clock
from tests.unit.script import Line, Script, answer

OK = answer(200, {"ok": True})
UNREACHED = httpx.ConnectError("no route")
UNHEARD = httpx.ReadTimeout("silence")

# What the provider does, and whether the request may have been carried out.
HARMLESS: dict[str, Line] = {
    "no route": UNREACHED,
    "no connection in time": httpx.ConnectTimeout("slow"),
    "no free connection": httpx.PoolTimeout("full"),
    "429": answer(429),
}
UNCLEAR: dict[str, Line] = {
    "silence": UNHEARD,
    "a cut connection": httpx.RemoteProtocolError("gone"),
    "a failed write": httpx.WriteError("gone"),
    "500": answer(500),
    "503": answer(503),
    "529": answer(529),
}


class Thing(BaseModel):
    name: str


class Rig:
    """A client whose provider answers by a script."""

    def __init__(self, script: Script, clock: Clock) -> None:
        self.script = script
        self.clock = clock
        self.key = "secret-1"
        self.client = ProviderClient("Acme", "http://acme.example/base", lambda: self.key, self._refusal, Rate(0))

    @staticmethod
    def _refusal(response: httpx.Response) -> ProviderRefused:
        return ProviderRefused(f"refused with {response.status_code}")

    def call(self, method: str = "GET", path: str = "/things", **options: Any) -> httpx.Response:
        return self.client.call(method, path, **options)

    def seconds(self, method: str = "GET", **options: Any) -> float:
        """Seconds until a call fails with ProviderUnavailable."""
        before = self.clock.monotonic()
        with pytest.raises(ProviderUnavailable):
            self.call(method, **options)
        return self.clock.monotonic() - before

    @property
    def calls(self) -> int:
        return len(self.script.asked)


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch, steady_clock: Clock) -> Rig:
    script = Script(OK)
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(script.handle))
    return Rig(script, steady_clock)


def test_a_request_carries_the_key_of_the_moment(rig: Rig) -> None:
    assert rig.call().json() == {"ok": True}
    rig.key = "secret-2"
    rig.call()
    assert [request.headers["authorization"] for request in rig.script.asked] == ["Bearer secret-1", "Bearer secret-2"]
    assert str(rig.script.asked[0].url) == "http://acme.example/base/things"


def test_a_request_carries_what_it_is_given(rig: Rig) -> None:
    rig.call("POST", json={"a": 1}, params={"q": "x y"})
    (request,) = rig.script.asked
    assert json.loads(request.content) == {"a": 1}
    assert request.headers["content-type"] == "application/json"
    assert request.url.params["q"] == "x y"


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_request_without_a_body_announces_none(rig: Rig, method: str) -> None:
    rig.call(method)
    (request,) = rig.script.asked
    assert request.content == b""
    assert "content-type" not in request.headers


@pytest.mark.parametrize("line", [*HARMLESS.values(), *UNCLEAR.values()], ids=[*HARMLESS, *UNCLEAR])
def test_a_repeatable_request_is_tried_again(rig: Rig, line: Line) -> None:
    rig.script.play(line, line, OK)
    assert rig.call().status_code == 200
    assert rig.calls == 3


@pytest.mark.parametrize("line", [*HARMLESS.values(), *UNCLEAR.values()], ids=[*HARMLESS, *UNCLEAR])
def test_three_failures_are_enough(rig: Rig, line: Line) -> None:
    rig.script.play(line)
    with pytest.raises(ProviderUnavailable, match=r"^Acme .+\.$"):
        rig.call()
    assert rig.calls == 3


@pytest.mark.parametrize("line", HARMLESS.values(), ids=HARMLESS)
def test_what_was_certainly_not_done_is_tried_again_whatever_it_is(rig: Rig, line: Line) -> None:
    rig.script.play(line, OK)
    assert rig.call("POST", repeatable=False).status_code == 200
    assert rig.calls == 2


@pytest.mark.parametrize("line", UNCLEAR.values(), ids=UNCLEAR)
def test_what_may_have_been_done_is_not_done_again(rig: Rig, line: Line) -> None:
    rig.script.play(line, OK)
    with pytest.raises(ProviderUnavailable):
        rig.call("POST", repeatable=False)
    assert rig.calls == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_refusal_is_the_providers_own_word_and_final(rig: Rig, status: int) -> None:
    rig.script.play(answer(status))
    with pytest.raises(ProviderRefused, match=f"refused with {status}"):
        rig.call()
    assert rig.calls == 1


@pytest.mark.parametrize(("status", "error"), [(401, KeyRefused), (402, ProviderMisconfigured)])
def test_a_key_or_a_plan_that_is_refused_is_a_fault_of_ours(rig: Rig, status: int, error: type[KindlingError]) -> None:
    rig.script.play(answer(status))
    with pytest.raises(ProviderMisconfigured, match=str(status)) as caught:
        rig.call()
    assert caught.type is error
    assert rig.calls == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_is_one(rig: Rig, status: int) -> None:
    rig.script.play(answer(status))
    assert rig.call("POST").status_code == status


def test_a_status_that_the_caller_accepts_is_no_refusal(rig: Rig) -> None:
    rig.script.play(answer(404))
    assert rig.call(accept=(404,)).status_code == 404


def test_a_redirect_is_not_followed(rig: Rig) -> None:
    rig.script.play(answer(302, location="http://elsewhere.example"))
    with pytest.raises(ProviderRefused):
        rig.call()
    assert rig.calls == 1


@pytest.mark.parametrize("asked", [3, 5])
def test_a_pause_is_as_long_as_the_provider_asks(rig: Rig, asked: int) -> None:
    rig.script.play(answer(429, retry_after=str(asked)), OK)
    before = rig.clock.monotonic()
    rig.call()
    assert rig.clock.monotonic() - before == asked


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", ["6", "120", "86400"])
def test_a_pause_that_nobody_can_wait_for_ends_the_call(rig: Rig, seconds: str, status: int) -> None:
    rig.script.play(answer(status, retry_after=seconds), OK)
    assert rig.seconds() == 0
    assert rig.calls == 1


def test_a_pause_may_be_asked_for_as_a_date(rig: Rig) -> None:
    rig.script.play(answer(429, retry_after="Sun, 01 Mar 2026 09:00:04 GMT"), OK)
    before = rig.clock.monotonic()
    rig.call()
    assert rig.clock.monotonic() - before == 4


@pytest.mark.parametrize(
    ("asked", "told"), [("6", 6), ("600", 600), ("Sun, 01 Mar 2026 09:10:00 GMT", 600), ("soon", None), ("0", None)]
)
def test_the_wait_that_a_provider_names_reaches_the_caller(rig: Rig, asked: str, told: int | None) -> None:
    rig.script.play(answer(429, retry_after=asked))
    with pytest.raises(ProviderUnavailable) as caught:
        rig.call()
    assert caught.value.extras.get("retry_after_seconds") == told
    assert caught.value.unreached


@pytest.mark.parametrize("asked", ["", "soon", "-1", "0", "Sun, 01 Mar 2026 08:59:00 GMT", "Sun, 99 Mar 2026"])
def test_an_odd_retry_after_is_a_pause_of_our_own(rig: Rig, asked: str) -> None:
    rig.script.play(answer(429, retry_after=asked), OK)
    before = rig.clock.monotonic()
    rig.call()
    assert 0 < rig.clock.monotonic() - before < 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "seconds"), [("6", 6), ("600", 600), ("86400", 600)])
def test_a_provider_that_asks_for_a_long_pause_is_left_alone_for_so_long(
    rig: Rig, status: int, asked: str, seconds: int
) -> None:
    rig.script.play(answer(status, retry_after=asked), OK)
    rig.seconds()
    rig.clock.advance(seconds=seconds - 0.1)
    with pytest.raises(ProviderUnavailable, match="rest for a moment") as caught:
        rig.call()
    assert caught.value.unreached
    assert rig.calls == 1
    rig.clock.advance(seconds=0.1)
    assert rig.call().status_code == 200


def test_a_provider_that_failed_is_tried_once_a_call_until_it_answers(rig: Rig) -> None:
    down = answer(503)
    rig.script.play(down, down, down, down, OK, down, OK)
    rig.seconds()
    assert rig.calls == 3
    rig.seconds()
    assert rig.calls == 4
    assert rig.call().status_code == 200
    assert rig.call().status_code == 200
    assert rig.calls == 7


def test_pauses_grow_and_differ(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.script.play(*[answer(500), answer(500), OK] * 4)
    pauses: list[float] = []
    monkeypatch.setattr("kindling.platform.clock.sleep", pauses.append)
    for _ in range(4):
        rig.call()
    first, second = pauses[::2], pauses[1::2]
    assert all(0.25 <= pause <= 0.5 for pause in first)
    assert all(0.5 <= pause <= 1 for pause in second)
    assert len(set(pauses)) == len(pauses)


@pytest.mark.parametrize(("seconds", "calls"), [(18.9, 2), (19.3, 1)])
def test_a_call_begins_no_attempt_after_twenty_seconds(rig: Rig, seconds: float, calls: int) -> None:
    rig.script.play(UNHEARD)
    rig.script.meanwhile = lambda: rig.clock.advance(seconds=seconds)
    rig.seconds()
    assert rig.calls == calls


def test_an_attempt_has_eight_seconds_three_of_them_for_the_connection_and_never_more_than_are_left(rig: Rig) -> None:
    rig.call()
    with clock.deadline(3.5):
        rig.call()
    timeouts = [request.extensions["timeout"] for request in rig.script.asked]
    assert [(timeout["connect"], timeout["read"]) for timeout in timeouts] == [(3.0, 8.0), (2.5, 2.5)]


@pytest.mark.parametrize(("seconds", "calls"), [(7.9, 2), (8.3, 1)])
def test_a_call_does_not_begin_an_attempt_after_its_callers_time(rig: Rig, seconds: float, calls: int) -> None:
    rig.script.play(UNHEARD)
    rig.script.meanwhile = lambda: rig.clock.advance(seconds=seconds)
    with clock.deadline(10):
        rig.seconds()
    assert rig.calls == calls


@pytest.mark.parametrize(("left", "calls"), [(0.5, 1), (0.49, 0), (0, 0)])
def test_a_call_that_could_hardly_be_answered_in_time_is_not_begun(rig: Rig, left: float, calls: int) -> None:
    with clock.deadline(1 + left), suppress(ProviderUnavailable):
        rig.call()
    assert rig.calls == calls


@pytest.mark.parametrize(("seconds", "left"), [(5, 5), (20, 9)])
def test_a_shorter_time_ends_earlier_and_a_longer_one_not_later(
    steady_clock: Clock, seconds: float, left: float
) -> None:
    with clock.deadline(10):
        with clock.within(seconds):
            assert clock.left(100) == left
        assert clock.left(100) == 9


def test_after_five_failed_calls_the_provider_is_left_alone_for_ten_seconds(rig: Rig) -> None:
    rig.script.play(answer(500))
    for _ in range(5):
        rig.seconds("POST", repeatable=False)
    assert rig.calls == 5
    rig.script.play(OK)
    with pytest.raises(ProviderUnavailable, match="rest for a moment"):
        rig.call()
    rig.clock.advance(seconds=9.9)
    with pytest.raises(ProviderUnavailable):
        rig.call()
    assert rig.calls == 5
    rig.clock.advance(seconds=0.1)
    assert rig.call().status_code == 200


@pytest.mark.parametrize("line", [OK, answer(404), answer(401)], ids=["200", "404", "401"])
def test_an_answer_of_any_kind_proves_that_the_provider_is_there(rig: Rig, line: httpx.Response) -> None:
    for _ in range(4):
        rig.script.play(answer(500))
        rig.seconds("POST", repeatable=False)
    rig.script.play(line)
    with suppress(ProviderRefused, ProviderMisconfigured):
        rig.call()
    rig.script.play(answer(500))
    rig.seconds("POST", repeatable=False)
    rig.script.play(OK)
    assert rig.call().status_code == 200


def test_each_client_has_a_circuit_of_its_own(rig: Rig) -> None:
    other = Rig(rig.script, rig.clock)
    rig.script.play(answer(500))
    for _ in range(5):
        rig.seconds("POST", repeatable=False)
    rig.script.play(OK)
    assert other.call().status_code == 200


@pytest.mark.parametrize("text", ["<html></html>", "", "[]", "null", '"ok"', "7", "{"])
def test_what_is_no_json_object_is_an_unclear_answer(rig: Rig, text: str) -> None:
    rig.script.play(httpx.Response(200, text=text))
    readings: list[Callable[[httpx.Response], object]] = [
        body,
        lambda r: read(Thing, r),
        lambda r: items(Thing, r, "things"),
    ]
    for reading in readings:
        with pytest.raises(ProviderUnavailable, match="without a JSON object"):
            reading(rig.call())


@pytest.mark.parametrize("document", [{}, {"name": None}, {"name": 7}, {"thing": {"name": "x"}}])
def test_an_object_of_another_shape_is_an_unclear_answer(rig: Rig, document: Any) -> None:
    rig.script.play(answer(200, document))
    with pytest.raises(ProviderUnavailable, match="in a shape that is not its own"):
        read(Thing, rig.call())


@pytest.mark.parametrize("document", [{}, {"things": None}, {"things": {"a": 1}}, {"things": "abc"}])
def test_a_list_that_is_none_is_an_unclear_answer(rig: Rig, document: Any) -> None:
    rig.script.play(answer(200, document))
    with pytest.raises(ProviderUnavailable, match="without its list of things"):
        items(Thing, rig.call(), "things")


def test_fields_that_we_do_not_know_are_no_fault(rig: Rig) -> None:
    rig.script.play(answer(200, {"name": "x", "new": [1]}))
    assert read(Thing, rig.call()) == Thing(name="x")


class Drips(httpx.SyncByteStream):
    """A body of ten bytes, one every so many seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds

    def __iter__(self) -> Iterator[bytes]:
        for byte in b'{"ok": 1 }':
            self._clock.advance(seconds=self._seconds)
            yield bytes([byte])


@pytest.mark.parametrize(("pause", "arrives"), [(0.79, True), (0.8, False)])
def test_a_body_that_drips_in_has_the_time_of_one_read_and_no_more(
    monkeypatch: pytest.MonkeyPatch, steady_clock: Clock, pause: float, arrives: bool
) -> None:
    def drip(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drips(steady_clock, pause))

    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(drip))
    client = Rig(Script(), steady_clock).client
    if arrives:
        assert client.call("GET", "/things").json() == {"ok": 1}
    else:
        with pytest.raises(ProviderUnavailable, match="did not answer in time"):
            client.call("GET", "/things", repeatable=False)


def test_no_message_tells_the_key(rig: Rig) -> None:
    lines = [*HARMLESS.values(), *UNCLEAR.values(), answer(401), answer(400)]
    for line in lines:
        rig.script.play(line)
        rig.clock.advance(minutes=1)
        with pytest.raises(KindlingError) as caught:
            rig.call()
        assert rig.key not in str(caught.value)
