"""The examples of the OpenAPI document: what the API really answered, without what changes from run to run."""

import json
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local import openapi

Body = Any


def _hex(source: random.Random, length: int) -> str:
    return "".join(source.choices("0123456789abcdef", k=length))


def _text(source: random.Random, length: int) -> str:
    return "".join(source.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


# What is random, and something of the same form.
VOLATILE: list[tuple[str, Callable[[random.Random, str], str]]] = [
    (
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        lambda s, _: str(uuid.UUID(int=s.getrandbits(128), version=4)),
    ),
    (r'(?<=kd_live_)[a-z0-9]{16}|(?<=kd_test_)[a-z0-9]{16}|(?<=": ")[a-z0-9]{16}(?=")', lambda s, _: _text(s, 16)),
    (r"(?<=kd_live_[a-z0-9]{16})_[\w-]{43}", lambda *_: "_EXAMPLE-SECRET-EXAMPLE-SECRET-EXAMPLE-SECRET"),
    (r"(?<=whsec_)[A-Za-z0-9+/]{43}=", lambda *_: "EXAMPLE+SECRET+EXAMPLE+SECRET+EXAMPLE+SECRE="),
    (r"\b\d{40}\b", lambda s, _: f"{s.randrange(10**9):040}"),
    (r"(?<=kindling-verification=)[\w-]+", lambda s, found: _text(s, len(found))),
    (r"(?<=k=rsa; p=)[A-Za-z0-9+/=]+", lambda s, found: _text(s, len(found))),
    (r"\b[0-9a-f]{32}\b", lambda s, _: _hex(s, 32)),
    (r"\b[0-9a-f]{24}\b", lambda s, _: _hex(s, 24)),
]


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def steady(body: Body) -> Body:
    """The body with the n-th random value of each kind always the same, and a minute from one instant to the next."""
    text = json.dumps(body)
    for pattern, invent in VOLATILE:
        known: dict[str, str] = {}

        def put(
            found: re.Match[str], pattern: str = pattern, known: dict[str, str] = known, invent: Any = invent
        ) -> str:
            if found[0] not in known:
                known[found[0]] = invent(random.Random(f"{pattern} {len(known)}"), found[0])  # noqa: S311
            return known[found[0]]

        text = re.sub(pattern, put, text)
    order = {instant: n for n, instant in enumerate(sorted(set(INSTANT.findall(text))))}
    text = INSTANT.sub(lambda found: f"2026-03-01T09:{order[found[0]]:02}:00.000Z", text)
    return json.loads(text)


@dataclass
class Examples:
    """The last answer of each operation with each status, and the first of each error."""

    answers: dict[str, dict[str, Body]] = field(default_factory=dict)
    errors: dict[str, Body] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._names = {f"{route.method} {route.path}": route for route in openapi.routes()}

    def note(self, route: str, status: int, _headers: dict[str, str], body: Body) -> None:
        if status >= 400:
            self.errors.setdefault(body["error"], steady(body))
        elif isinstance(body, dict) and "openapi" not in body:
            self.answers.setdefault(self._names[route].name, {})[str(status)] = steady(body)

    def text(self) -> str:
        """As they are kept in the repository."""
        kept = {"answers": self.answers, "errors": self.errors}
        return json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
