"""A scripted provider: its answers, call by call, and the requests it received."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx

Line = httpx.Response | Exception


class Script:
    """Answers by `lines` in order, then repeats the last. `asked` lists the requests; `meanwhile` is called at each."""

    def __init__(self, *lines: Line) -> None:
        self._lines: Iterator[Line] = iter(lines)
        self._last: Line = httpx.Response(200, json={})
        self.asked: list[httpx.Request] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def play(self, *lines: Line) -> "Script":
        """Continue with these lines."""
        self._lines = iter(lines)
        return self

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.meanwhile()
        self._last = next(self._lines, self._last)
        if isinstance(self._last, Exception):
            raise self._last
        # A response can be read once: every request gets a new one.
        return httpx.Response(self._last.status_code, headers=self._last.headers, content=self._last.content)


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={} if body is None else body, headers=named)
