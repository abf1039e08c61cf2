"""The state after the local cloud was stopped or killed, with the small stack."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

import httpx
import pytest

from local import processes
from local.aws import client
from local.launcher import holder
from local.settings import HOST, ROOT, Home, Ports
from tests.local.network import call, free_ports

pytestmark = pytest.mark.system

READY_SECONDS = 60
CHECKPOINT_SECONDS = 5


class Launched:
    """The local cloud with a launcher in a process of its own, which can be killed."""

    def __init__(self, home: Home, ports: Ports) -> None:
        self.home = home
        self.ports = ports
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        numbers = [str(port) for port in astuple(self.ports)]
        command = [sys.executable, "-m", "tests.local.serve", str(self.home.path), *numbers]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)  # noqa: S603
        self.wait_for(lambda: self.process_id == holder(self.home) and self.home.description.exists())

    @property
    def process_id(self) -> int:
        assert self.process
        assert self.process.poll() is None, self.process.communicate()[1]
        return self.process.pid

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send the launcher a signal; its exit code and what it complained of."""
        assert self.process
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        assert self.process
        _, said = self.process.communicate(timeout=READY_SECONDS)
        return self.process.returncode, said

    def kill_engine(self) -> None:
        (engine,) = processes.find(self.home, "local.engine")
        os.kill(engine, signal.SIGKILL)

    def wait_for(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + READY_SECONDS
        while not true():
            assert time.monotonic() < end
            time.sleep(0.05)

    def put(self, name: str) -> None:
        client("dynamodb", self.ports.engine_url).put_item(
            TableName=self.table, Item={"pk": {"S": "KEPT"}, "sk": {"S": name}}
        )

    @property
    def table(self) -> str:
        tables: list[str] = client("dynamodb", self.ports.engine_url).list_tables()["TableNames"]
        return tables[0]

    @property
    def kept(self) -> set[str]:
        rows = client("dynamodb", self.ports.engine_url).scan(TableName=self.table)["Items"]
        return {row["sk"]["S"] for row in rows if row["pk"]["S"] == "KEPT"}

    @property
    def webhook_secrets(self) -> list[str]:
        """What the sandbox's webhooks sign with, and at last what the API believes."""
        url, key = f"{self.ports.sandbox_url}/v0/webhooks", {"Authorization": "Bearer am_local"}
        webhooks = httpx.get(url, headers=key, trust_env=False).json()["webhooks"]
        vault = client("secretsmanager", self.ports.engine_url)
        known: str = vault.get_secret_value(SecretId="kindling/agentmail-webhook")["SecretString"]
        return [*(webhook["secret"] for webhook in webhooks), known]

    @property
    def process_of_function(self) -> int:
        return int(call(self.ports.api, "GET", "/things/1").json["process"])

    def busy_function(self) -> int:
        """Have a function at work for a while; its process."""
        process = self.process_of_function
        with socket.create_connection((HOST, self.ports.api)) as connection:
            connection.sendall(b"GET /things/1?sleep=9 HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(0.5)
        return process


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Launched]:
    cloud = Launched(Home(tmp_path / "home"), free_ports())
    cloud.start()
    yield cloud
    if cloud.process and cloud.process.poll() is None:
        cloud.end(signal.SIGINT)
    assert processes.find(cloud.home) == []


def test_a_clean_stop_keeps_everything(launched: Launched) -> None:
    before = launched.home.tenants.read_text()
    assert launched.process_of_function
    launched.put("at the last moment")
    assert launched.end(signal.SIGINT) == (0, "")
    assert processes.find(launched.home) == []
    assert not launched.home.description.exists()
    launched.start()
    assert launched.kept == {"at the last moment"}
    assert launched.home.tenants.read_text() == before
    assert call(launched.ports.api, "GET", "/things/1").status == 200


def test_a_second_start_keeps_the_webhook_even_when_the_api_moves(launched: Launched) -> None:
    (first, known) = launched.webhook_secrets
    assert first == known
    launched.end(signal.SIGINT)
    launched.start()
    assert launched.webhook_secrets == [first, known]
    launched.end(signal.SIGINT)
    launched.ports = replace(launched.ports, api=free_ports().api)
    launched.start()
    (moved, known) = launched.webhook_secrets
    assert moved == known


def test_a_killed_engine_loses_seconds_and_ends_the_launcher(launched: Launched) -> None:
    launched.put("long ago")
    time.sleep(CHECKPOINT_SECONDS)
    launched.kill_engine()
    code, said = launched.ended()
    assert code == 1
    assert "The engine has ended by itself" in said
    assert processes.find(launched.home) == []
    launched.start()
    assert launched.kept == {"long ago"}


def test_a_killed_launcher_ends_all_processes_and_loses_no_state(launched: Launched) -> None:
    assert launched.process_of_function
    launched.put("just now")
    launched.end(signal.SIGKILL)
    launched.wait_for(lambda: processes.find(launched.home) == [])
    launched.start()
    assert launched.kept == {"just now"}


def test_a_killed_engine_leaves_no_busy_function_behind(launched: Launched) -> None:
    busy = launched.busy_function()
    launched.kill_engine()
    assert launched.ended()[0] == 1
    assert busy not in processes.find(launched.home)


def test_processes_left_by_a_crash_are_ended_by_the_next_start(launched: Launched) -> None:
    busy = launched.busy_function()
    os.kill(launched.process_id, signal.SIGKILL)
    launched.kill_engine()
    launched.ended()
    assert busy in processes.find(launched.home)
    launched.start()
    assert busy not in processes.find(launched.home)
    assert call(launched.ports.api, "GET", "/things/1").status == 200
