"""Messages are sent once per idempotency key, and webhooks are registered once per client id."""

from typing import Any

import httpx
import pytest

from local.sandbox import Sandbox
from tests.sandbox.resources import Time, inbox, send, verified_domain


@pytest.fixture
def address(agentmail: httpx.Client) -> str:
    return inbox(agentmail, username="kim", display_name="Kim Lee")


def test_a_sent_message_can_be_read_back(admin: httpx.Client, agentmail: httpx.Client, address: str) -> None:
    answer = send(agentmail, address, to="you@else.test", cc=["a@else.test"], subject="Hi", text="Hello").json()
    assert set(answer) == {"message_id", "thread_id"}
    listed = agentmail.get(f"/inboxes/{address}/messages").json()["messages"]
    assert [item["message_id"] for item in listed] == [answer["message_id"]]
    assert "text" not in listed[0]
    one = agentmail.get(f"/inboxes/{address}/messages/{answer['message_id']}").json()
    assert (one["from"], one["to"], one["cc"]) == (f"Kim Lee <{address}>", ["you@else.test"], ["a@else.test"])
    assert (one["text"], one["size"]) == ("Hello", 5)
    assert admin.get("/inventory").json()["agentmail"]["messages"] == [one]


def test_the_same_idempotency_key_sends_once(agentmail: httpx.Client, address: str, time: Time) -> None:
    first = send(agentmail, address, "key-1", to="you@else.test", text="Hello").json()
    assert send(agentmail, address, "key-1", text="Hello", to="you@else.test").json() == first
    assert agentmail.get(f"/inboxes/{address}/messages").json()["count"] == 1
    time.advance(days=1)
    assert send(agentmail, address, "key-1", to="you@else.test", text="Hello").json() != first


def test_an_idempotency_key_with_another_request_is_a_conflict(agentmail: httpx.Client, address: str) -> None:
    send(agentmail, address, "key-1", to="you@else.test").raise_for_status()
    other = send(agentmail, address, "key-1", to="they@else.test")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    elsewhere = send(agentmail, inbox(agentmail, username="lee"), "key-1", to="you@else.test")
    assert elsewhere.status_code == 409


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (None, {}),
        (None, {"to": []}),
        (None, {"to": "nobody"}),
        (None, {"to": [f"{number}@else.test" for number in range(51)]}),
        (None, {"to": "you@else.test", "body": "x"}),
        (None, {"to": "you@else.test", "attachments": [{"filename": "a.txt"}]}),
        (" ", {"to": "you@else.test"}),
    ],
)
def test_an_invalid_message_is_refused(
    agentmail: httpx.Client, address: str, key: str | None, body: dict[str, Any]
) -> None:
    answer = send(agentmail, address, key, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_an_attachment_is_described(agentmail: httpx.Client, address: str) -> None:
    attachment = {"filename": "a.txt", "content": "aGVsbG8="}
    sent = send(agentmail, address, bcc="you@else.test", attachments=[attachment]).json()
    one = agentmail.get(f"/inboxes/{address}/messages/{sent['message_id']}").json()
    assert (one["attachments"][0]["filename"], one["attachments"][0]["size"]) == ("a.txt", 5)


def test_a_paused_inbox_sends_nothing(agentmail: httpx.Client, address: str) -> None:
    agentmail.patch(f"/inboxes/{address}", json={"status": "paused"})
    answer = send(agentmail, address, to="you@else.test")
    assert (answer.status_code, answer.json()["code"]) == (403, "message_rejected")


def test_a_domain_that_lost_its_records_sends_nothing(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client
) -> None:
    verified_domain(admin, agentmail, cloudflare)
    address = inbox(agentmail, username="kim", domain="acme.example")
    send(agentmail, address, to="you@else.test").raise_for_status()
    admin.post("/settings", json={"domain_states": {"acme.example": {"status": "FAILED"}}})
    answer = send(agentmail, address, to="you@else.test")
    assert (answer.status_code, answer.json()["code"]) == (403, "domain_not_verified")


@pytest.mark.parametrize("to", ["Gone@else.test", "Gone Lee <gone@else.test>"])
def test_a_message_to_a_suppressed_recipient_is_refused(
    admin: httpx.Client, agentmail: httpx.Client, address: str, to: str
) -> None:
    admin.post("/settings", json={"rejected_recipients": ["gone@ELSE.test"]}).raise_for_status()
    answer = send(agentmail, address, to="you@else.test", bcc=[to])
    assert (answer.status_code, answer.json()["code"]) == (403, "message_rejected")
    assert agentmail.get(f"/inboxes/{address}/messages").json()["count"] == 0


def test_a_request_whose_response_is_delayed_is_still_running(
    admin: httpx.Client, agentmail: httpx.Client, address: str, sandbox: Sandbox, time: Time
) -> None:
    path = f"/v0/inboxes/{address}/messages/send"
    fault = {"provider": "agentmail", "method": "POST", "path": path, "fault": "delay", "seconds": 20, "calls": [1]}
    admin.post("/faults", json=fault).raise_for_status()
    request = agentmail.build_request(
        "POST", f"/inboxes/{address}/messages/send", json={"to": "you@else.test"}, headers={"Idempotency-Key": "key-1"}
    )
    held = sandbox.outcome(request)
    assert held.delay_seconds == 20
    running = send(agentmail, address, "key-1", to="you@else.test")
    assert (running.status_code, running.json()["code"]) == (409, "conflict")
    time.advance(seconds=20)
    assert send(agentmail, address, "key-1", to="you@else.test").json() == held.response.json()


def test_the_same_client_id_returns_the_first_webhook(agentmail: httpx.Client) -> None:
    body = {"url": "https://else.test/hook", "event_types": ["message.sent"], "client_id": "hook-1"}
    first = agentmail.post("/webhooks", json=body).json()
    assert first["secret"].startswith("whsec_")
    assert agentmail.post("/webhooks", json=body).json() == first
    assert agentmail.get("/webhooks").json()["webhooks"] == [first]


def test_a_webhook_is_changed_and_deleted(agentmail: httpx.Client) -> None:
    body = {"url": "https://else.test/hook", "event_types": ["message.sent"], "headers": {"X-A": "1"}}
    path = f"/webhooks/{agentmail.post('/webhooks', json=body).json()['webhook_id']}"
    change = {"event_types": ["domain.verified"], "enabled": False, "add_inbox_ids": ["kim@agentmail.to"]}
    changed = agentmail.patch(path, json=change).json()
    assert (changed["event_types"], changed["enabled"]) == (["domain.verified"], False)
    assert changed["inbox_ids"] == ["kim@agentmail.to"]
    assert agentmail.get(f"{path}/headers").json() == {"header_names": ["X-A"]}
    assert agentmail.delete(path).status_code == 204
    assert agentmail.get(path).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://"},
        {"url": "http://else..test"},
        {"url": "http://else.test:99999"},
        {"url": "http://else.test/\x01"},
        {"url": "ftp://else.test"},
        {"headers": {"X A": "1"}},
        {"headers": {"X-A": "ü"}},
    ],
)
def test_a_webhook_that_could_not_be_called_is_refused(agentmail: httpx.Client, change: dict[str, Any]) -> None:
    body = {"url": "https://else.test/hook", "event_types": ["message.sent"], **change}
    assert agentmail.post("/webhooks", json=body).status_code == 400


def test_a_webhook_for_an_unknown_event_is_refused(agentmail: httpx.Client) -> None:
    body = {"url": "https://else.test/hook", "event_types": ["domain.failed"]}
    answer = agentmail.post("/webhooks", json=body)
    assert answer.json()["errors"][0]["code"] == "invalid_value"
