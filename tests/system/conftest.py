"""The local cloud, deployed from the real template once per test worker, with its own folder and ports."""

import json
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import ticks
from local.launcher import LocalCloud, started
from local.settings import Home, Ports

# One worker runs these tests, so that they share a local cloud.
GROUP = pytest.mark.xdist_group("local cloud")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the gate last, when other workers have ended: it takes every processor for minutes."""
    items.sort(key=lambda item: item.path.name == "test_gate.py")


@dataclass
class Local:
    """A running local cloud, as a user sees it."""

    description: dict[str, Any]
    home: Home
    api: httpx.Client
    sandbox: httpx.Client

    def inventory(self) -> Any:
        return self.sandbox.get("/_admin/inventory").json()

    def fault(self, provider: str, method: str, path: str, fault: str, **details: Any) -> None:
        body = {"provider": provider, "method": method, "path": path, "fault": fault, **details}
        assert self.sandbox.post("/_admin/faults", json=body).is_success

    def heal(self) -> None:
        self.sandbox.delete("/_admin/faults")

    def advance(self, **amount: float) -> None:
        ticks.advance(timedelta(**amount), self.home)

    def tick(self, poller: str) -> Any:
        return json.loads(ticks.tick(poller, self.description["engine_url"]))

    def ended(self, location: str, seconds: float = 600) -> dict[str, Any]:
        """The operation once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            operation: dict[str, Any] = self.api.get(location, params={"limit": "1"}).json()["operation"]
            if operation["state"] in ("succeeded", "failed") or time.monotonic() > deadline:
                return operation
            time.sleep(0.5)

    def new_domain(self) -> dict[str, Any]:
        """Create a verified domain with a unique name."""
        name = f"t-{uuid.uuid4().hex[:8]}.example"
        created = self.api.post("/api/email/domains", json={"domain": name}, headers={"Prefer": "respond-async"})
        operation = self.ended(created.headers["Location"])
        assert operation["state"] == "succeeded", operation
        path = f"/api/email/domains/{operation['subject_id']}"
        self.advance(seconds=10)
        verified = self.api.post(f"{path}/verify?poll=true")
        assert verified.json()["domain"]["status"] == "verified", verified.text
        return dict(verified.json()["domain"])


def free_ports() -> Ports:
    """Four free ports."""
    sockets = [socket.socket() for _ in range(4)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    engine, api, sandbox, dns = (one.getsockname()[1] for one in sockets)
    for one in sockets:
        one.close()
    return Ports(engine=engine, api=api, sandbox=sandbox, dns=dns)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    home: Path = tmp_path_factory.mktemp("kindling")
    with started(LocalCloud(Home(home), free_ports(), say=lambda _line: None)) as running:
        yield running


@pytest.fixture
def local(cloud: LocalCloud) -> Iterator[Local]:
    description = cloud.description
    headers = {"Authorization": f"Bearer {description['api_key']}"}
    limits = httpx.Limits(max_connections=64)
    with (
        httpx.Client(base_url=description["api_url"], headers=headers, timeout=60, limits=limits) as api,
        httpx.Client(base_url=description["sandbox_url"], timeout=20) as sandbox,
    ):
        view = Local(description, cloud.home, api, sandbox)
        view.heal()
        yield view
        view.heal()
