"""The client and the command line, connected with the handlers in this process."""

import asyncio
import io
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from kindling_cli import session
from kindling_cli.main import main
from kindling_client import Kindling as Client
from kindling_client import clock
from tests.conftest import Clock, Kindling
from tests.harness.lambdas import Api

URL = "http://127.0.0.1:8790"


def answer(request: httpx.Request) -> httpx.Response:
    """What the handlers answer to a request over HTTP."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    named = {name: value for name, value in request.headers.items() if name in ("idempotency-key", "prefer")}
    raw = request.content.decode() if request.content else None
    query = dict(request.url.params) or None
    reply = Api(key)(request.method, request.url.path, raw=raw, headers=named, query=query)
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    return httpx.Response(reply.status, headers=reply.headers, text=text)


@pytest.fixture(autouse=True)
def client_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The client's clock, which moves by its own pauses only."""
    fake = Clock()

    async def sleep_async(seconds: float) -> None:
        fake.sleep(seconds)

    monkeypatch.setattr(clock, "monotonic", fake.monotonic)
    monkeypatch.setattr(clock, "sleep", fake.sleep)
    monkeypatch.setattr(clock, "sleep_async", sleep_async)
    return fake


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.Runner]:
    """An event loop from before sockets are forbidden, as it has one for itself."""
    with asyncio.Runner() as runner:
        runner.get_loop()
        yield runner


@pytest.fixture
def wait_for(loop: asyncio.Runner) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return loop.run


@pytest.fixture
def client(kindling: Kindling) -> Iterator[Client]:
    with Client(api_url=URL, api_key=kindling.api.key, transport=httpx.MockTransport(answer)) as connected:
        yield connected


class Output(io.TextIOWrapper):
    """What a command prints, on a terminal or into a pipe."""

    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding, newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        self.seek(0)
        return self.read()


@dataclass
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Shell:
    """Where commands are typed: its environment, what the API is, and whether a terminal shows the output."""

    monkeypatch: pytest.MonkeyPatch
    requests: list[httpx.Request] = field(default_factory=list)
    handler: Callable[[httpx.Request], httpx.Response] = answer
    encoding: str = "utf-8"

    def __call__(self, line: str, *more: str, typed: str = "", terminal: bool = False, **values: str) -> Ran:
        """Type a line, in which `{name}` stands for a value."""
        words = [word.format(**values) for word in line.split()] + list(more)
        out, err = (Output(terminal=terminal, encoding=self.encoding) for _ in range(2))
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", io.StringIO(typed))
            try:
                code = main(words)
            except SystemExit as end:
                code = int(end.code or 0)
        return Ran(code, out.text(), err.text())

    def ok(self, line: str, *more: str, **values: Any) -> Ran:
        """Type a line that has to succeed."""
        ran = self(line, *more, **values)
        assert ran.code == 0, ran
        return ran

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; what the handlers log does not belong to the command's output."""
        self.requests.append(request)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return self.handler(request)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """A shell in an empty folder, whose home is empty too, and which nothing is configured in."""
    for name in [name for name in os.environ if name.startswith(("KINDLING_", "XDG_", "_KINDLING"))]:
        monkeypatch.delenv(name)
    for name, value in {"HOME": str(tmp_path / "home"), "COLUMNS": "120", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    made = Shell(monkeypatch)
    monkeypatch.setattr(session, "transport", lambda: httpx.MockTransport(made.handle))
    return made


@pytest.fixture
def tenant(shell: Shell, kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell of the first tenant."""
    monkeypatch.setenv("KINDLING_API_URL", URL)
    monkeypatch.setenv("KINDLING_API_KEY", kindling.api.key)
    return shell
