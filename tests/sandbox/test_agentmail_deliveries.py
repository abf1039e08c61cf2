"""Deliveries are signed as Svix signs them, retried after a failure, and finally given up."""

import base64
import hashlib
import hmac
from typing import Any

import httpx
import pytest

from local.sandbox import Sandbox
from tests.sandbox.resources import Receiver, Time, inbox, send, webhook

RETRY_SECONDS = [5, 300, 1800, 7200, 18000, 36000, 36000]


@pytest.fixture
def address(agentmail: httpx.Client) -> str:
    return inbox(agentmail, username="kim")


@pytest.fixture
def hook(agentmail: httpx.Client) -> dict[str, Any]:
    return webhook(agentmail, event_types=["message.sent"], headers={"X-Own": "mine"})


def signature(secret: str, request: httpx.Request) -> str:
    """What Svix documents: the HMAC-SHA256, under the decoded secret, of id, timestamp and raw body, with dots."""
    key = base64.b64decode(secret[len("whsec_") :])
    signed = b".".join(
        [request.headers["svix-id"].encode(), request.headers["svix-timestamp"].encode(), request.content]
    )
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def counts(admin: httpx.Client) -> tuple[int, int, int]:
    counts = admin.get("/webhooks").json()
    assert list(counts) == ["pending", "delivered", "failed"]
    pending, delivered, failed = counts.values()
    return pending, delivered, failed


def test_a_delivery_is_signed(
    agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: dict[str, Any], time: Time
) -> None:
    send(agentmail, address, to="ünal@else.test").raise_for_status()
    receiver = Receiver()
    sandbox.deliver(receiver)
    (request,) = receiver.requests
    assert (request.method, str(request.url)) == ("POST", "http://hook.test/agentmail")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-own"] == "mine"
    assert request.headers["svix-timestamp"] == str(int(time.now.timestamp()))
    assert request.headers["svix-signature"] == signature(hook["secret"], request)
    assert receiver.events[0]["send"]["recipients"] == ["ünal@else.test"]


def test_a_failed_delivery_is_retried_with_the_same_id_and_a_new_signature(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: dict[str, Any], time: Time
) -> None:
    send(agentmail, address, to="ann@else.test").raise_for_status()
    receiver = Receiver()
    receiver.status = 500
    sandbox.deliver(receiver)
    for seconds in RETRY_SECONDS[:4]:
        time.advance(seconds=seconds - 1)
        assert sandbox.deliver(receiver) == 0
        time.advance(seconds=1)
        assert sandbox.deliver(receiver) == 1
    assert counts(admin) == (1, 0, 0)
    receiver.status = 204
    time.advance(days=1)
    assert sandbox.deliver(receiver) == 1
    assert counts(admin) == (0, 1, 0)
    assert len({request.headers["svix-id"] for request in receiver.requests}) == 1
    assert len({request.content for request in receiver.requests}) == 1
    assert len({request.headers["svix-timestamp"] for request in receiver.requests}) == 6
    for request in receiver.requests:
        assert request.headers["svix-signature"] == signature(hook["secret"], request)


@pytest.mark.parametrize("answer", [302, 404, httpx.ReadTimeout("silence"), httpx.ConnectError("nobody there")])
@pytest.mark.usefixtures("hook")
def test_only_a_2xx_is_success(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, answer: int | httpx.HTTPError
) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, int):
            return httpx.Response(answer)
        raise answer

    send(agentmail, address, to="ann@else.test").raise_for_status()
    assert sandbox.deliver(refuse) == 1
    assert counts(admin) == (1, 0, 0)


@pytest.mark.usefixtures("hook")
def test_a_delivery_is_retried_after_a_connection_error(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, time: Time
) -> None:
    def broken(_request: httpx.Request) -> httpx.Response:
        raise KeyError("mistake")

    send(agentmail, address, to="ann@else.test").raise_for_status()
    with pytest.raises(KeyError):
        sandbox.deliver(broken)
    assert counts(admin) == (1, 0, 0)
    time.advance(seconds=5)
    assert sandbox.deliver(Receiver()) == 1


@pytest.mark.usefixtures("hook")
def test_after_the_last_attempt_a_delivery_is_given_up(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, time: Time
) -> None:
    send(agentmail, address, to="ann@else.test").raise_for_status()
    receiver = Receiver()
    receiver.status = 500
    sandbox.deliver(receiver)
    for seconds in RETRY_SECONDS:
        time.advance(seconds=seconds)
        sandbox.deliver(receiver)
    assert counts(admin) == (0, 0, 1)
    assert len(receiver.requests) == 8


def test_a_webhook_that_fails_for_five_days_is_disabled_until_it_is_enabled_again(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: dict[str, Any], time: Time
) -> None:
    path = f"/webhooks/{hook['webhook_id']}"
    receiver = Receiver()
    receiver.status = 500
    for _ in range(5):
        assert agentmail.get(path).json()["enabled"]
        send(agentmail, address, to="ann@else.test").raise_for_status()
        sandbox.deliver(receiver)
        time.advance(days=1)
    sandbox.deliver(receiver)
    assert not agentmail.get(path).json()["enabled"]
    assert counts(admin)[0] == 0
    send(agentmail, address, to="missed@else.test").raise_for_status()
    agentmail.patch(path, json={"enabled": True}).raise_for_status()
    send(agentmail, address, to="heard@else.test").raise_for_status()
    again = Receiver()
    sandbox.deliver(again)
    assert [event["send"]["recipients"] for event in again.events] == [["heard@else.test"]]


def test_a_success_resets_the_failures_before_it(
    agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: dict[str, Any], time: Time
) -> None:
    receiver = Receiver()
    for status in (500, 200, 500):
        send(agentmail, address, to="ann@else.test").raise_for_status()
        receiver.status = status
        sandbox.deliver(receiver)
        time.advance(days=3)
    assert agentmail.get(f"/webhooks/{hook['webhook_id']}").json()["enabled"]


@pytest.mark.parametrize("gone", ["deleted", "switched off"])
def test_nothing_is_sent_to_a_deleted_webhook(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: dict[str, Any], gone: str
) -> None:
    send(agentmail, address, to="ann@else.test").raise_for_status()
    path = f"/webhooks/{hook['webhook_id']}"
    if gone == "deleted":
        agentmail.delete(path).raise_for_status()
    else:
        agentmail.patch(path, json={"enabled": False}).raise_for_status()
    assert sandbox.deliver(Receiver()) == 0
    assert counts(admin) == (0, 0, 1)


def test_a_webhook_may_be_deleted_during_a_delivery(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: dict[str, Any]
) -> None:
    def leave(_request: httpx.Request) -> httpx.Response:
        agentmail.delete(f"/webhooks/{hook['webhook_id']}").raise_for_status()
        return httpx.Response(200)

    send(agentmail, address, to="ann@else.test").raise_for_status()
    assert sandbox.deliver(leave) == 1
    assert counts(admin) == (0, 0, 1)


@pytest.mark.usefixtures("hook")
def test_repeated_deliveries_of_an_event_have_the_same_id(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str
) -> None:
    admin.post("/settings", json={"webhook_repeat": 3}).raise_for_status()
    send(agentmail, address, to="ann@else.test").raise_for_status()
    receiver = Receiver()
    assert sandbox.deliver(receiver) == 3
    assert len({(request.headers["svix-id"], request.content) for request in receiver.requests}) == 1
    assert counts(admin) == (0, 3, 0)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.usefixtures("hook")
def test_deliveries_come_in_order_unless_they_are_shuffled(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, shuffle: bool
) -> None:
    admin.post("/settings", json={"webhook_shuffle": shuffle}).raise_for_status()
    for number in range(20):
        send(agentmail, address, to=f"{number}@else.test").raise_for_status()
    receiver = Receiver()
    assert sandbox.deliver(receiver) == 20
    order = [int(event["send"]["recipients"][0].partition("@")[0]) for event in receiver.events]
    assert sorted(order) == list(range(20))
    assert (order == list(range(20))) is not shuffle


def test_any_event_can_be_sent_signed(admin: httpx.Client, sandbox: Sandbox, hook: dict[str, Any]) -> None:
    event = {"event_type": "message.security.review", "security": {"n": 1}}
    assert admin.post("/webhooks/send", json=event).json() == {"deliveries": 1}
    own = {"type": "odd", "event_type": "domain.verified", "event_id": "evt_1"}
    admin.post("/webhooks/send", json=own).raise_for_status()
    receiver = Receiver()
    sandbox.deliver(receiver)
    first, second = receiver.events
    assert (first["type"], first["security"]) == ("event", {"n": 1})
    assert first["event_id"]
    assert second == own
    for request in receiver.requests:
        assert request.headers["svix-signature"] == signature(hook["secret"], request)
    assert admin.post("/webhooks/send", json={"delivery": {}}).status_code == 400


def test_a_reset_drops_pending_deliveries_and_keeps_the_webhook(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: dict[str, Any]
) -> None:
    send(agentmail, address, to="ann@else.test").raise_for_status()
    sandbox.deliver(Receiver())
    send(agentmail, address, to="ann@else.test").raise_for_status()
    agentmail.patch(f"/webhooks/{hook['webhook_id']}", json={"enabled": False}).raise_for_status()
    sandbox.reset()
    assert counts(admin) == (0, 0, 0)
    assert sandbox.deliver(Receiver()) == 0
    (kept,) = agentmail.get("/webhooks").json()["webhooks"]
    assert (kept["secret"], kept["enabled"]) == (hook["secret"], True)
