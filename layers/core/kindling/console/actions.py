"""What the console changes: each by a route of the API, declared here as there, with the key of the session.

A form becomes a request of the API, which `Route` answers as it answers any: the same checks of scope and body, the
same quotas, replay and logs. Its hidden field `once` is the Idempotency-Key, so that a form which is sent twice acts
once.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from kindling.console.visit import Page, Visit
from kindling.entry.route import Route

Body = Callable[[dict[str, str]], dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What the route answered."""

    status: int
    body: dict[str, Any]

    @property
    def done(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def operation_id(self) -> str | None:
        """The operation that goes on."""
        operation: dict[str, Any] | None = self.body.get("operation")
        return operation["id"] if operation else None


def nothing(_form: dict[str, str]) -> dict[str, Any]:
    """The body of a route that takes none."""
    return {}


@dataclass(frozen=True)
class Form:
    """A form: it asks `route` with the body that `body` makes of its fields, and the query `query`.

    When that succeeds, the browser goes on to the operation that has begun, or to `then`, a path in which the ids of
    the form's own path are filled in, with the code `done` of a sentence. Otherwise, and when `shows` reads a secret
    from the answer, `page` is shown again.
    """

    route: Route
    page: Page
    then: str
    done: str
    body: Body = nothing
    query: str = ""
    shows: Callable[[dict[str, Any]], str] | None = None


def perform(form: Form, visit: Visit) -> Outcome:
    """Carry out what a form asks for."""
    reply = form.route(_event(form, visit), visit.context)
    return Outcome(reply["statusCode"], json.loads(reply["body"]))


def _event(form: Form, visit: Visit) -> dict[str, Any]:
    """The event of API Gateway for the request of the API that the form stands for."""
    route, context = form.route, visit.event["requestContext"]
    path = route.path
    for name in route.placeholders:
        path = path.replace(f"{{{name}}}", quote(visit.ids[name], safe=""))
    body = {name: value for name, value in form.body(visit.form).items() if value not in ("", None, [])}
    headers = {"authorization": f"Bearer {visit.session.api_key}", "prefer": "respond-async"}
    if route.method != "DELETE":
        headers |= {"content-type": "application/json", "idempotency-key": visit.form.get("once", "")}
    pairs = dict(part.split("=") for part in form.query.split("&") if part)
    return {
        "version": "2.0",
        "routeKey": f"{route.method} {route.path}",
        "rawPath": path,
        "rawQueryString": form.query,
        "queryStringParameters": pairs,
        "headers": headers,
        "requestContext": {**context, "http": {**context["http"], "method": route.method, "path": path}},
        "body": json.dumps(body) if route.body else None,
        "isBase64Encoded": False,
    }
