"""What every part of the walk-through uses: clients of the API and the sandbox, output, and checks of results."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from local.settings import Home
from local.tenants import new_tenant

DEADLINE_SECONDS = 60.0

Say = Callable[[str], None]


class Unexpected(Exception):
    """A result of the walk-through is not the expected one."""


class Session:
    """Clients of a running local cloud, of which the API's has a tenant of its own; `say` prints a line."""

    def __init__(self, description: Mapping[str, Any], home: Home, say: Say) -> None:
        self.say = say
        self.home = home
        self.engine_url = str(description["engine_url"])
        self.key = new_tenant("demo", home, self.engine_url, str(description["table_name"]))
        headers = {"Authorization": f"Bearer {self.key}"}
        self.api = httpx.Client(base_url=str(description["api_url"]), headers=headers, timeout=40, trust_env=False)
        self.sandbox = httpx.Client(base_url=str(description["sandbox_url"]), timeout=10, trust_env=False)

    def title(self, text: str) -> None:
        self.say(f"\n{text}")

    def see(self, what: str, actual: str, expected: str) -> None:
        """As `check`, and prints the expected value."""
        self.check(f"{what} {expected}", actual, expected)

    def check(self, what: str, actual: object, expected: object) -> None:
        """Print a check mark. Raises Unexpected when the values differ."""
        if actual != expected:
            raise Unexpected(f"{what}: found {actual!r}")
        self.say(f"   ✓ {what}")

    @staticmethod
    def expect(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
        """The body of a response. Raises Unexpected when its status is not among `statuses`."""
        if answer.status_code not in statuses:
            raise Unexpected(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
        return dict(answer.json()) if answer.content else {}
