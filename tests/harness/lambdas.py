"""Calls the real handlers in process, as Lambda and the HTTP API do."""

import importlib
import json
import re
import uuid
from collections.abc import Callable
from contextvars import Context as Variables
from dataclasses import dataclass, field
from typing import Any

from tests.harness import contract
from tests.harness.template import FUNCTIONS, routes

Handler = Callable[[Any, Any], Any]


@dataclass
class Context:
    """The context object that Lambda passes to a handler."""

    function_name: str
    memory_limit_in_mb: int = 512
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    milliseconds: int = 29_000

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def handler(function: str) -> Handler:
    """The handler of a function, by its logical id in the template."""
    module = FUNCTIONS[function]["CodeUri"].replace("/", ".") + ".app"
    function_handler: Handler = importlib.import_module(module).lambda_handler
    return function_handler


def invoke(function: str, event: Any) -> Any:
    """Invoke the function and return its result, both converted through JSON."""
    seconds = FUNCTIONS[function].get("Timeout", 29)
    context = Context(function, milliseconds=seconds * 1000)
    # As in a process of its own, which has no tenant and no deadline of the caller's.
    answer = Variables().run(handler(function), json.loads(json.dumps(event)), context)
    return json.loads(json.dumps(answer))


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Api:
    """The HTTP API without HTTP: finds the route in the template and calls its function."""

    key: str

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: str | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Reply:
        route, parameters = _match(method, path)
        text = raw if raw is not None else None if body is None else json.dumps(body)
        sent = {"content-type": "application/json"} if text is not None else {}
        if self.key:
            sent["authorization"] = f"Bearer {self.key}"
        event = {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
            "headers": {**sent, **{name.lower(): value for name, value in (headers or {}).items()}},
            "queryStringParameters": query,
            "pathParameters": parameters,
            "requestContext": {
                "requestId": "request-1",
                "stage": "$default",
                "http": {"method": method, "path": path, "sourceIp": "127.0.0.1", "userAgent": "test"},
            },
            "body": text,
            "isBase64Encoded": False,
        }
        answer = invoke(routes()[route], event)
        shown = answer["headers"].get("Content-Type") == "application/json"
        told = json.loads(answer["body"]) if shown else answer["body"] or None
        reply = Reply(answer["statusCode"], answer["headers"], told)
        if route != "$default":
            contract.check(route, reply.status, reply.headers, reply.body)
        return reply

    def get(self, path: str, **query: str) -> Reply:
        return self("GET", path, query=query or None)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self("POST", path, body, headers={name.replace("_", "-"): text for name, text in headers.items()})

    def patch(self, path: str, body: Any = None) -> Reply:
        return self("PATCH", path, body)


def _match(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The matching route with the fewest parameters, as API Gateway selects it."""
    matches = []
    for route in routes():
        verb, _, pattern = route.partition(" ")
        match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), path) if pattern else None
        if verb == method and match:
            matches.append((pattern.count("{"), route, match.groupdict()))
    if not matches:
        return "$default", {}
    _, route, parameters = min(matches, key=lambda match: match[0])
    return route, parameters
