"""A sandbox in process, a clock that only tests move, and a client for each of its APIs."""

from collections.abc import Iterator

import httpx
import pytest

from kindling.platform import clock
from local.sandbox import Sandbox
from tests.sandbox.resources import Time


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def admin(sandbox: Sandbox) -> Iterator[httpx.Client]:
    yield from _client(sandbox, "/_admin")


@pytest.fixture
def agentmail(sandbox: Sandbox) -> Iterator[httpx.Client]:
    yield from _client(sandbox, "/v0", "am_us_organisation")


@pytest.fixture
def instantly(sandbox: Sandbox) -> Iterator[httpx.Client]:
    yield from _client(sandbox, "/api/v2", "inst_workspace")


@pytest.fixture
def cloudflare(sandbox: Sandbox) -> Iterator[httpx.Client]:
    yield from _client(sandbox, "/client/v4", "cf_token")


def _client(sandbox: Sandbox, root: str, token: str | None = None) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.MockTransport(sandbox.handle)
    with httpx.Client(transport=transport, base_url=f"http://sandbox{root}", headers=headers) as client:
        yield client
