"""An HTTP API of API Gateway, as an ASGI application.

It routes by the stack's route keys, builds the event in payload format 2.0 and sends the function's response. It sends
500 when the function fails, or event or response are larger than Lambda allows, and 503 when the function is throttled
or exceeds INTEGRATION_SECONDS, with the bodies that AWS sends.
"""

import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from local.settings import ACCOUNT

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[str, str]]

MAX_BODY_BYTES = 10 * 1024 * 1024
# Lambda's limits of a synchronous invocation: 6 MB each, and room for an error beside the response.
MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_RESPONSE_BYTES = MAX_EVENT_BYTES + 100
INTEGRATION_SECONDS = 30
DEFAULT_ROUTE = "$default"
BODILESS = (204, 304)
# Headers of a function's response that are dropped: this server sets them.
CONNECTION_HEADERS = ("connection", "content-length", "keep-alive", "transfer-encoding", "upgrade")
TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True)
class Invoked:
    """The result of an invocation: the function's payload, or that it was throttled or failed."""

    payload: bytes = b"null"
    failed: bool = False
    throttled: bool = False


Invoke = Callable[[str, bytes], Awaitable[Invoked]]


@dataclass(frozen=True)
class Response:
    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Route:
    """A route key such as `GET /v1/domains/{id}` or `$default`, and the name of its function."""

    key: str
    function: str

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def segments(self) -> list[str]:
        return self.key.partition(" ")[2].split("/")

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """Larger is more specific: a full path before a greedy one, then more literals, then a method before `ANY`."""
        literal = sum(not segment.startswith("{") for segment in self.segments)
        return not self.key.endswith("+}"), literal, self.method != "ANY"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path's parameters; None when the route does not match the request."""
        if self.key == DEFAULT_ROUTE:
            return {}
        if self.method not in ("ANY", method):
            return None
        patterns, segments = self.segments, path.split("/")
        if patterns[-1].endswith("+}"):
            head = len(patterns) - 1
            segments = [*segments[:head], "/".join(segments[head:])]
        if len(patterns) != len(segments):
            return None
        parameters = {}
        for pattern, segment in zip(patterns, segments, strict=True):
            if pattern.startswith("{") and segment:
                parameters[pattern.strip("{}+")] = segment
            elif pattern != segment:
                return None
        return parameters


class Routes:
    """The routes that the last deployment wrote to a file, which is read again when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = 0
        self._ranked: list[Route] = []

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The most specific route for a request and the path's parameters; `$default` comes last."""
        self._refresh()
        for route in self._ranked:
            parameters = route.match(method, path)
            if parameters is not None:
                return route, parameters
        return None

    @property
    def deployed(self) -> bool:
        self._refresh()
        return bool(self._ranked)

    def _refresh(self) -> None:
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            self._stamp, self._ranked = 0, []
            return
        if stamp != self._stamp:
            routes = [Route(**row) for row in json.loads(self._path.read_text())]
            self._ranked = sorted(routes, key=lambda route: (route.key != DEFAULT_ROUTE, route.rank), reverse=True)
            self._stamp = stamp


class HttpApi:
    """The ASGI application."""

    def __init__(self, routes: Routes, invoke: Invoke) -> None:
        self._routes = routes
        self._invoke = invoke
        self._running: set[asyncio.Task[Invoked]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read(receive)
        if body is None:
            return
        response = await self._answer(scope, body)
        await _send(send, response, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, body: bytes) -> Response:
        if len(body) > MAX_BODY_BYTES:
            return _message(413, "Request Entity Too Large")
        if not self._routes.deployed:
            return _message(503, "Service Unavailable")
        path = decode_path(scope["raw_path"].decode("latin-1"))
        match = self._routes.find(scope["method"], path)
        if match is None:
            return _message(404, "Not Found")
        route, parameters = match
        request_id = secrets.token_urlsafe(11)
        event = make_event(scope, path, body, route.key, parameters, request_id)
        payload = json.dumps(event, ensure_ascii=False).encode(errors="replace")
        if len(payload) > MAX_EVENT_BYTES:
            return _message(500, "Internal Server Error")
        task = asyncio.ensure_future(self._invoke(route.function, payload))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            invoked = await asyncio.wait_for(asyncio.shield(task), INTEGRATION_SECONDS)
        except TimeoutError:
            return _message(503, "Service Unavailable")
        response = make_response(invoked)
        response.headers.append(("apigw-requestid", request_id))
        return response


def decode_path(raw: str) -> str:
    """A path as in an HTTP API's event: every escape is decoded except that of `%` itself."""

    def decode(match: re.Match[str]) -> str:
        parts = re.split("%25", match[0])
        return "%25".join(bytes.fromhex(part.replace("%", "")).decode("utf-8", "replace") for part in parts)

    return ESCAPES.sub(decode, raw)


def make_event(
    scope: Scope, path: str, body: bytes, route_key: str, parameters: dict[str, str], request_id: str
) -> dict[str, Any]:
    """The event of payload format 2.0 for a request.

    API Gateway answers for its own names only: `domainName` is this server's, whatever the client calls it.
    """
    headers, cookies = _request_headers(scope["headers"])
    client = (scope.get("client") or ("127.0.0.1", 0))[0]
    host, port = scope["server"]
    query = scope["query_string"].decode("latin-1")
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers | {"x-forwarded-for": client, "x-forwarded-proto": "http"},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": f"{host}:{port}",
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": scope["method"],
                "path": path,
                "protocol": f"HTTP/{scope['http_version']}",
                "sourceIp": client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": DEFAULT_ROUTE,
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if query:
        pairs = parse_qsl(query, keep_blank_values=True)
        event["queryStringParameters"] = _joined(pairs)
    if parameters:
        event["pathParameters"] = parameters
    if body:
        event["body"], event["isBase64Encoded"] = _body(body, headers.get("content-type", ""))
    return event


def make_response(invoked: Invoked) -> Response:
    """The response to the client for a function's result."""
    if invoked.throttled:
        return _message(503, "Service Unavailable")
    if invoked.failed or len(invoked.payload) > MAX_RESPONSE_BYTES:
        return _message(500, "Internal Server Error")
    try:
        return _proxy_response(json.loads(invoked.payload))
    except (ValueError, TypeError, AttributeError):
        return _message(500, "Internal Server Error")


def _proxy_response(payload: Any) -> Response:
    if not (isinstance(payload, dict) and "statusCode" in payload):
        text = payload if isinstance(payload, str) else json.dumps(payload)
        return Response(200, [("content-type", "application/json")], text.encode())
    status = int(payload["statusCode"])
    headers = [
        (name.lower(), _field(value))
        for name, value in (payload.get("headers") or {}).items()
        if name.lower() not in CONNECTION_HEADERS
    ]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    headers += [("set-cookie", _field(cookie)) for cookie in payload.get("cookies") or ()]
    body = payload.get("body") or ""
    if not 200 <= status <= 599:
        raise ValueError(status)
    encoded = base64.b64decode(body) if payload.get("isBase64Encoded") else body.encode()
    return Response(status, headers, encoded)


def _field(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if any(character in text for character in "\r\n\0"):
        raise ValueError("a header with a line break")
    return text


def _request_headers(raw: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]
    cookies = [crumb.strip() for name, value in pairs if name == "cookie" for crumb in value.split(";")]
    return _joined((name, value) for name, value in pairs if name != "cookie"), cookies


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The values by name. The values of a repeated name are joined by commas."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(texts) for name, texts in values.items()}


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body and whether it is base64: text is passed unencoded, everything else in base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in TEXT_TYPES:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def _message(status: int, sentence: str) -> Response:
    body = json.dumps({"message": sentence}, separators=(",", ":")).encode()
    return Response(status, [("content-type", "application/json")], body)


async def _read(receive: Receive) -> bytes | None:
    """The request's body, truncated after the chunk that exceeds MAX_BODY_BYTES; None when the client disconnects."""
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(chunks) <= MAX_BODY_BYTES:
            chunks += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(chunks)


async def _send(send: Send, response: Response, *, head: bool) -> None:
    body = b"" if response.status in BODILESS else response.body
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers]
    if response.status not in BODILESS:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
