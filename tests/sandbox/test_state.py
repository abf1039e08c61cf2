"""The state file: written shortly after a change, atomically."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.sandbox import Sandbox
from local.sandbox.agentmail.messages import KEPT_MESSAGES
from local.sandbox.world import World
from tests.sandbox.resources import Receiver, Time, as_posts, inbox, publish, send, webhook, zone_id

HEADERS = {
    "/v0": {"Authorization": "Bearer am_us_organisation"},
    "/client/v4": {"Authorization": "Bearer cf_token"},
}


class SoonTimer:
    """A timer that fires when the test says so."""

    waiting: "list[SoonTimer]" = []  # noqa: RUF012

    def __init__(self, _seconds: float, action: Any) -> None:
        self.action = action
        self.daemon = False

    def start(self) -> None:
        assert self.daemon
        SoonTimer.waiting.append(self)


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[SoonTimer]:
    monkeypatch.setattr(threading, "Timer", SoonTimer)
    monkeypatch.setattr(SoonTimer, "waiting", [])
    return SoonTimer.waiting


def client_of(sandbox: Sandbox, root: str) -> httpx.Client:
    transport = httpx.MockTransport(sandbox.handle)
    return httpx.Client(transport=transport, base_url=f"http://sandbox{root}", headers=HEADERS[root])


def test_changes_are_written_together_soon_after_the_first(tmp_path: Path, timers: list[SoonTimer]) -> None:
    state = tmp_path / "state.json"
    with client_of(Sandbox(state), "/v0") as agentmail:
        agentmail.get("/inboxes")
        assert timers == []
        agentmail.post("/inboxes", json={"username": "kim"})
        agentmail.post("/inboxes", json={"username": "lee"})
        assert len(timers) == 1
        timers.pop().action()
        assert "kim@agentmail.to" in state.read_text()
        agentmail.post("/inboxes", json={})
        assert len(timers) == 1
    with client_of(Sandbox(state), "/v0") as agentmail:
        assert agentmail.get("/inboxes").json()["count"] == 2


def test_a_zone_that_was_looked_up_is_remembered(tmp_path: Path, timers: list[SoonTimer]) -> None:
    sandbox = Sandbox(tmp_path / "state.json")
    with client_of(sandbox, "/client/v4") as cloudflare:
        known = zone_id(cloudflare)
    assert len(timers) == 1
    sandbox.save()
    with client_of(Sandbox(tmp_path / "state.json"), "/client/v4") as cloudflare:
        assert cloudflare.get(f"/zones/{known}").json()["result"]["name"] == "acme.example"


def test_a_verification_continues_after_a_restart(tmp_path: Path, time: Time, timers: list[SoonTimer]) -> None:
    sandbox = Sandbox(tmp_path / "state.json")
    with client_of(sandbox, "/v0") as agentmail, client_of(sandbox, "/client/v4") as cloudflare:
        records = agentmail.post("/domains", json={"domain": "acme.example"}).json()["records"]
        path = f"/zones/{zone_id(cloudflare)}/dns_records/batch"
        cloudflare.post(path, json={"posts": as_posts(records)}).raise_for_status()
        agentmail.post("/domains/acme.example/verify").raise_for_status()
    assert timers
    sandbox.save()
    time.advance(seconds=3)
    with client_of(Sandbox(tmp_path / "state.json"), "/v0") as agentmail:
        assert agentmail.get("/domains/acme.example").json()["status"] == "VERIFIED"


def test_pending_deliveries_retries_and_rates_survive_a_restart(
    tmp_path: Path, time: Time, timers: list[SoonTimer]
) -> None:
    sandbox, receiver = Sandbox(tmp_path / "state.json"), Receiver()
    with client_of(sandbox, "/v0") as agentmail:
        rates = {"agentmail.to": {"bounce": 0.25}}
        agentmail.post("http://sandbox/_admin/settings", json={"rates": rates, "webhook_delay_seconds": 60})
        secret = webhook(agentmail)["secret"]
        address = inbox(agentmail, username="kim")
        send(agentmail, address, to=["a@else.test", "b@else.test", "c@else.test"]).raise_for_status()
    receiver.status = 500
    assert sandbox.deliver(receiver) == 1
    sandbox.save()
    restarted = Sandbox(tmp_path / "state.json")
    with client_of(restarted, "/v0") as agentmail:
        send(agentmail, address, to="d@else.test").raise_for_status()
        assert agentmail.get("/webhooks").json()["webhooks"][0]["secret"] == secret
    receiver.status = 200
    assert restarted.deliver(receiver) == 1
    time.advance(seconds=5)
    assert restarted.deliver(receiver) == 1
    assert receiver.requests[-1].headers["svix-id"] == receiver.requests[0].headers["svix-id"]
    time.advance(seconds=55)
    assert restarted.deliver(receiver) == 2
    assert receiver.events[-1]["bounce"]["recipients"] == [{"address": "d@else.test", "status": "5.1.1"}]


def test_a_running_verification_is_announced_after_a_restart(
    tmp_path: Path, time: Time, timers: list[SoonTimer]
) -> None:
    sandbox = Sandbox(tmp_path / "state.json")
    with client_of(sandbox, "/v0") as agentmail, client_of(sandbox, "/client/v4") as cloudflare:
        webhook(agentmail)
        records = agentmail.post("/domains", json={"domain": "acme.example"}).json()["records"]
        agentmail.post("/domains/acme.example/verify").raise_for_status()
        publish(cloudflare, records)
    sandbox.save()
    time.advance(seconds=3)
    receiver = Receiver()
    Sandbox(tmp_path / "state.json").deliver(receiver)
    assert receiver.kinds == ["domain.verified"]


def test_only_the_newest_messages_are_kept(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    sandbox = Sandbox(state)
    with client_of(sandbox, "/v0") as agentmail:
        address = inbox(agentmail, username="kim")
        oldest = send(agentmail, address, "key-1", to="ann@else.test").json()
    sandbox.save()
    world = World.model_validate_json(state.read_bytes())
    (message,) = world.messages.values()
    for number in range(KEPT_MESSAGES - 1):
        world.messages[f"<{number}@else.test>"] = message
    state.write_text(world.model_dump_json())
    sandbox = Sandbox(state)
    with client_of(sandbox, "/v0") as agentmail:
        newest = send(agentmail, address, to="ann@else.test").json()
        assert agentmail.get(f"/inboxes/{address}/messages/{newest['message_id']}").status_code == 200
        assert agentmail.get(f"/inboxes/{address}/messages/{oldest['message_id']}").status_code == 404
        assert send(agentmail, address, "key-1", to="ann@else.test").json() == oldest
        kept = agentmail.get("http://sandbox/_admin/inventory").json()["agentmail"]["messages"]
        assert len(kept) == KEPT_MESSAGES


def test_an_idempotency_key_expires_after_a_day(tmp_path: Path, time: Time, timers: list[SoonTimer]) -> None:
    sandbox = Sandbox(tmp_path / "state.json")
    with client_of(sandbox, "/v0") as agentmail:
        address = inbox(agentmail, username="kim")
        for day in range(4):
            send(agentmail, address, f"key-{day}", to="ann@else.test").raise_for_status()
            time.advance(days=1)
    sandbox.save()
    assert list(World.model_validate_json((tmp_path / "state.json").read_bytes()).sent_keys) == ["key-3"]


def test_calls_from_many_threads_do_not_disturb_each_other() -> None:
    sandbox = Sandbox()

    def create() -> None:
        with client_of(sandbox, "/v0") as agentmail:
            for _ in range(20):
                agentmail.post("/inboxes", json={}).raise_for_status()

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with client_of(sandbox, "/v0") as agentmail:
        assert agentmail.get("/inboxes?limit=500").json()["count"] == 160
