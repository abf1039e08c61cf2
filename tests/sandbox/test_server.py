"""The server: sockets on loopback, a persistent state file, and a clean stop."""

import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from local.sandbox import Sandbox
from local.sandbox.server import SandboxServer, main
from tests.sandbox.resources import served

ROOT = Path(__file__).parents[2]
HEADERS = {"Authorization": "Bearer am_us_organisation"}

pytestmark = pytest.mark.usefixtures("socket_enabled")


def server_command(state: Path, port: int = 0, dns_port: int = 0) -> list[str]:
    own = ["--port", str(port), "--dns-port", str(dns_port), "--state", str(state)]
    return [sys.executable, "-m", "local.sandbox.server", *own]


@contextmanager
def started(state: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The server as a process of its own, and the port that it took."""
    command = server_command(state, port)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout
        assert select.select([process.stdout], [], [], 30)[0]
        found = re.search(r":(\d+)$", process.stdout.readline().strip())
        assert found
        try:
            yield process, int(found[1])
        finally:
            process.terminate()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with served(sandbox) as url, httpx.Client(base_url=url, headers=HEADERS) as client:
        yield client


def test_one_connection_serves_many_calls(sandbox: Sandbox) -> None:
    with served(sandbox) as url, closing(HTTPConnection(url.removeprefix("http://"))) as connection:
        connection.connect()
        opened = connection.sock
        for _ in range(3):
            connection.request("POST", "/v0/inboxes", body="{}", headers=HEADERS)
            answer = connection.getresponse()
            assert (answer.status, answer.version) == (200, 11)
            assert answer.read()
            assert connection.sock is opened


def test_a_response_without_a_body_keeps_the_connection(client: httpx.Client) -> None:
    client.post("/v0/domains", json={"domain": "acme.example"}).raise_for_status()
    assert client.delete("/v0/domains/acme.example").status_code == 204
    assert client.get("/v0/domains").json()["count"] == 0


def test_a_call_without_a_response_was_executed_by_the_server(client: httpx.Client) -> None:
    fault = {"provider": "agentmail", "method": "POST", "path": "/v0/inboxes", "fault": "timeout_after"}
    client.post("/_admin/faults", json=fault).raise_for_status()
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v0/inboxes", json={}, timeout=0.3)
    assert client.get("/v0/inboxes").json()["count"] == 1


def test_a_connection_is_closed_after_the_call_was_executed(client: httpx.Client) -> None:
    fault = {"provider": "agentmail", "method": "POST", "path": "/v0/inboxes", "fault": "drop_answer"}
    client.post("/_admin/faults", json=fault).raise_for_status()
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v0/inboxes", json={})
    assert client.get("/v0/inboxes").json()["count"] == 1


def test_a_delayed_response_delays_no_other(client: httpx.Client) -> None:
    fault = {"provider": "agentmail", "method": "POST", "path": "/v0/inboxes", "fault": "delay", "seconds": 30}
    client.post("/_admin/faults", json=fault).raise_for_status()
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v0/inboxes", json={}, timeout=0.3)
    assert client.get("/v0/inboxes").json()["count"] == 1


def test_a_body_of_unknown_length_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v0/inboxes", content=iter([b"{}"]))
    assert answer.status_code == 400


def test_only_loopback_is_bound(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        SandboxServer(sandbox, 0, host="0.0.0.0")  # noqa: S104


def test_the_state_survives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "sandbox" / "state.json"
    with started(state) as (process, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.headers.update(HEADERS)
        client.post("/v0/inboxes", json={"username": "kim"}).raise_for_status()
        gone = client.post("/v0/inboxes", json={"username": "gone"}).json()["inbox_id"]
        client.delete(f"/v0/inboxes/{gone}").raise_for_status()
        client.post("/_admin/settings", json={"settle_seconds": 7, "imap_failures": ["a@b.test"]})
        fault = {"provider": "agentmail", "method": "DELETE", "path": "/v0/*", "fault": "refuse"}
        client.post("/_admin/faults", json={**fault, "status": 500}).raise_for_status()
        inventory = client.get("/_admin/inventory").json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    with started(state) as (process, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.headers.update(HEADERS)
        assert client.get("/_admin/inventory").json() == inventory
        assert client.get("/_admin/settings").json()["settle_seconds"] == 7
        assert client.post("/v0/inboxes", json={"username": "gone"}).status_code == 403
        assert client.delete("/v0/inboxes/kim@agentmail.to").status_code == 500
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert [path.name for path in state.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize("which", ["port", "dns_port"])
def test_a_taken_port_is_reported_in_one_message(tmp_path: Path, which: str) -> None:
    with SandboxServer(Sandbox(), 0) as server:
        done = subprocess.run(  # noqa: S603
            server_command(tmp_path / "s", **{which: server.server_port}),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == f"The sandbox cannot serve on port {server.server_port}: Address already in use.\n"


def test_an_invalid_state_file_is_reported_in_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state.json"
    state.write_text("{")
    assert main(["--port", "0", "--dns-port", "0", "--state", str(state)]) == 1
    assert capsys.readouterr().err.startswith(f"The sandbox cannot read its state file {state};")
