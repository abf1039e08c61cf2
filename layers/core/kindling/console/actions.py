"""What the console changes: each by a request of the API, with the key of the session.

Scope, body, quotas, replay and logs are the API's. A form's hidden field `once` is the Idempotency-Key, so that a form
which is sent twice acts once; what is put or deleted twice is as it was after the first time.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kindling.console.api import Outcome, ask
from kindling.console.visit import Page, Visit
from kindling.errors import NotFound

Body = Callable[[dict[str, str]], dict[str, Any]]


@dataclass(frozen=True)
class Form:
    """A form: it asks for `path` of the API by `method`, with what `body` makes of its fields, if it takes a body.

    When that succeeds, the browser goes on to the operation that has begun, or to `then`, a path in which the ids of
    the form's own path are filled in, with the code `done` of a sentence. Otherwise, and when `shows` reads a secret
    from the answer, `page` is shown again.
    """

    method: str
    path: str
    page: Page
    then: str
    done: str
    body: Body | None = None
    shows: Callable[[dict[str, Any]], str] | None = None


def number(text: str) -> int | str:
    """What is in a field for a number, as a number; anything else as it is, for the API to refuse."""
    text = text.strip()
    return int(text) if text.isdecimal() else text


def overlap(sent: dict[str, str]) -> dict[str, Any]:
    """The body of a rotation."""
    return {"overlap_hours": number(sent.get("overlap_hours", ""))}


def perform(form: Form, visit: Visit) -> Outcome:
    """Ask the API for what a form stands for. Raises NotFound, Unanswered."""
    path = re.sub(r"\{(\w+)\}", lambda name: _segment(visit.ids[name[1]]), form.path)
    body = None
    if form.body:
        body = {name: value for name, value in form.body(visit.form).items() if value not in ("", [])}
    key, once = visit.session.api_key, visit.form.get("once", "")
    return ask(visit.origin, form.method, path, api_key=key, idempotency_key=once, body=body)


def _segment(text: str) -> str:
    """An id as a part of a path. Raises NotFound for dots, which would lead to another path."""
    if text in (".", ".."):
        raise NotFound("There is no such page.")
    return quote(text, safe="")
