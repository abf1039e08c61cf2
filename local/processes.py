"""The launcher's child processes. They end with the launcher; those that a crash leaves are found and ended.

They are recognized by their command line, which has the local cloud's folder after `--home`. No others are ended.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from local.settings import HOST, ROOT, Home, Refused

GRACE_SECONDS = 15.0


@dataclass
class Child:
    """A child process, which ends when its standard input is closed (see `local.exit_with_parent`)."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """Send SIGTERM, and SIGKILL when it has not ended after GRACE_SECONDS."""
        if self.alive:
            self.process.terminate()
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


def start(name: str, home: Home, arguments: list[str], environment: dict[str, str]) -> Child:
    """Start `python -m …` in a new session, so that Ctrl-C in the terminal reaches the launcher only."""
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / f"{name}.out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Child(name, process)


def end_strays(home: Home) -> int:
    """End the processes that a crash has left of this local cloud, and return their number."""
    strays = find(home)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in find(home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        end = time.monotonic() + GRACE_SECONDS
        while find(home) and time.monotonic() < end:
            time.sleep(0.05)
    return len(strays)


def find(home: Home, running: str = "") -> list[int]:
    """The ids of this user's other processes that were started for `home`; `running` is a module or script."""
    mark = f"{running} --home {home.path} "
    return [process for process, command in _commands() if mark in f"{command} " and process != os.getpid()]


def _commands() -> list[tuple[int, str]]:
    """The ids and command lines of this user's processes."""
    if not Path("/proc/self/cmdline").exists():
        answer = subprocess.run(["ps", "-x", "-o", "pid=,command="], capture_output=True, text=True, check=True)
        rows = [line.strip().partition(" ") for line in answer.stdout.splitlines()]
        return [(int(process), command) for process, _, command in rows]
    commands = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                commands.append((int(folder.name), os.fsdecode(command)))
    return commands


def require_free(port: int, purpose: str, variable: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
    """Raises Refused when something listens on `port`."""
    with socket.socket(type=kind) as probe:
        if kind == socket.SOCK_STREAM:
            # Otherwise a connection in TIME_WAIT would count as a listener.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise Refused(
                f"Port {port}, wanted for {purpose}, is taken. Free it, or choose another with {variable}."
            ) from None
