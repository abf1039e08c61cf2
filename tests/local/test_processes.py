"""Processes that a crash has left are ended, and no others."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import processes
from local.processes import require_free
from local.settings import HOST, Home, Refused

SLEEP = "import sys, time; print('on', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


@pytest.fixture
def spawned() -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def spawn(spawned: list[subprocess.Popen[str]], code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    spawned.append(process)
    assert process.stdout
    assert process.stdout.readline() == "on\n"
    return process


def test_a_stray_is_recognized_by_its_folder(home: Home, spawned: list[subprocess.Popen[str]]) -> None:
    ours = spawn(spawned, SLEEP, "--home", str(home.path), "more")
    spawn(spawned, SLEEP, "--home", str(home.path) + "2")
    spawn(spawned, SLEEP, str(home.path))
    assert processes.find(home) == [ours.pid]


def test_strays_are_ended_and_no_other_process(
    home: Home, spawned: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)
    ours = [spawn(spawned, code, "--home", str(home.path)) for code in (SLEEP, STUBBORN)]
    stranger = spawn(spawned, SLEEP, "--home", str(home.path.parent))
    # init reaps orphans, but these are this process's children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert processes.end_strays(home) == len(ours)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    assert processes.find(home) == []
    assert stranger.poll() is None


def test_a_child_ends_when_its_launcher_is_killed(home: Home) -> None:
    program = (
        "import os, sys, time; from pathlib import Path\n"
        "from local import processes; from local.settings import Home\n"
        f"home = Home(Path({str(home.path)!r}))\n"
        "arguments = ['local.exit_with_parent', '--home', str(home.path), 'http.server', '--bind', '127.0.0.1', '0']\n"
        "child = processes.start('child', home, arguments, dict(os.environ))\n"
        "print(child.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as launcher:  # noqa: S603
        try:
            assert launcher.stdout
            child = int(launcher.stdout.readline())
            assert processes.find(home) == [child]
        finally:
            launcher.kill()
    end = time.monotonic() + 30
    while processes.find(home) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes.find(home) == []


def test_a_child_ends_on_request(home: Home) -> None:
    arguments = ["local.exit_with_parent", "--home", str(home.path), "http.server", "--bind", HOST, "0"]
    child = processes.start("child", home, arguments, dict(os.environ))
    assert child.alive
    child.end()
    assert not child.alive
    assert processes.find(home) == []


@pytest.mark.usefixtures("socket_enabled")
def test_a_taken_port_is_refused_in_one_sentence() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=f"Port {port}, wanted for the API, is taken. .* KINDLING_API_PORT"):
            require_free(port, "the API", "KINDLING_API_PORT")
    require_free(port, "the API", "KINDLING_API_PORT")


@pytest.mark.usefixtures("socket_enabled")
def test_a_port_with_a_udp_listener_is_taken_too() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=f"Port {port}, wanted for DNS, is taken"):
            require_free(port, "DNS", "KINDLING_DNS_PORT", socket.SOCK_DGRAM)
    require_free(port, "DNS", "KINDLING_DNS_PORT", socket.SOCK_DGRAM)
