"""What every part of the walk-through works with: the API, the sandbox, and a way to tell what is seen."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from local.settings import Home

DEADLINE_SECONDS = 60.0

Say = Callable[[str], None]


class Unexpected(Exception):
    """The walk-through saw something else than it announced."""


class Stage:
    """A running local cloud, and whoever listens."""

    def __init__(self, description: Mapping[str, Any], home: Home, say: Say) -> None:
        self.say = say
        self.home = home
        self.engine_url = str(description["engine_url"])
        key = {"Authorization": f"Bearer {description['api_key']}"}
        self.api = httpx.Client(base_url=str(description["api_url"]), headers=key, timeout=40)
        self.sandbox = httpx.Client(base_url=str(description["sandbox_url"]), timeout=10)

    def title(self, text: str) -> None:
        self.say(f"\n{text}")

    def see(self, what: str, found: str, wanted: str) -> None:
        self.check(f"{what} {wanted}", found, wanted)

    def check(self, what: str, found: object, wanted: object) -> None:
        """Raises Unexpected when it is not so."""
        if found != wanted:
            raise Unexpected(f"{what}: found {found!r}")
        self.say(f"   ✓ {what}")

    @staticmethod
    def expect(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
        """The body of an answer. Raises Unexpected for any status that was not announced."""
        if answer.status_code not in statuses:
            raise Unexpected(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        return dict(answer.json()) if answer.content else {}
