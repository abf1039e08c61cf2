"""The state file: written soon after a change, whole or not at all."""

import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.sandbox import Sandbox
from tests.sandbox.steps import Time, as_posts, zone_id

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


def test_a_domain_goes_on_verifying_after_a_restart(tmp_path: Path, time: Time, timers: list[SoonTimer]) -> None:
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
