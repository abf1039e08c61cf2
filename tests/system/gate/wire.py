"""A transport for the SDK that loses DynamoDB's responses on request."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A write whose response was lost: the names and values in its expressions, and whether it was applied.

    A client cannot know the latter.
    """

    names: dict[str, str]
    values: dict[str, Any]
    began: int
    ended: int
    applied: bool


class Wire:
    """One connection, which sends each of the SDK's requests in one packet and returns the response.

    The responses to the next `to_lose` updates are discarded; for the SDK they time out.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._socket: socket.socket | None = None
        self.to_lose = 0
        # Writes whose condition failed.
        self.races = 0
        self._unanswered: list[Unanswered] = []

    def attach(self, client: Any) -> None:
        """Send all requests of an SDK client through this. They are unsigned, which is faster."""
        client.meta.events.register("choose-signer.dynamodb", lambda **_: UNSIGNED)
        client.meta.events.register("before-send.dynamodb", self._send)

    def take(self) -> list[Unanswered]:
        """The updates whose responses were lost since the last call. No more are lost afterwards."""
        taken, self._unanswered, self.to_lose = self._unanswered, [], 0
        return taken

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        began = time.monotonic_ns()
        try:
            status, headers, body = self._exchange(request)
        except OSError as error:
            # The SDK would retry a write that may have been applied, and the history would not show it.
            self.close()
            raise RuntimeError("the engine did not answer") from error
        self.races += status == 400
        if self.to_lose and request.headers["X-Amz-Target"] == b"DynamoDB_20120810.UpdateItem":
            self.to_lose -= 1
            sent = json.loads(_body(request))
            names, values = sent["ExpressionAttributeNames"], sent["ExpressionAttributeValues"]
            self._unanswered.append(Unanswered(names, values, began, time.monotonic_ns(), status == 200))
            raise ReadTimeoutError(endpoint_url=request.url)
        fields: Any = headers
        return AWSResponse(request.url, status, fields, _Body(body))

    def _exchange(self, request: AWSPreparedRequest) -> tuple[int, dict[str, str], bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(_packet(request, f"{self._address[0]}:{self._address[1]}"))
        answer = bytearray()
        while (end := answer.find(b"\r\n\r\n")) < 0:
            self._receive(answer, request)
        status_line, *lines = answer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = end + 4 + int(headers["content-length"])
        while len(answer) < size:
            self._receive(answer, request)
        return int(status_line.split(" ", 2)[1]), headers, bytes(answer[end + 4 :])

    def _receive(self, answer: bytearray, request: AWSPreparedRequest) -> None:
        assert self._socket
        if not (part := self._socket.recv(65536)):
            raise ConnectionClosedError(endpoint_url=request.url)
        answer += part


class _Body:
    """A response's body as the SDK expects it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def _packet(request: AWSPreparedRequest, host: str) -> bytes:
    parts = urlsplit(request.url)
    lines = [f"{request.method} {parts.path or '/'} HTTP/1.1", f"Host: {host}"]
    for name, value in request.headers.items():
        lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    return "\r\n".join((*lines, "", "")).encode() + _body(request)


def _body(request: AWSPreparedRequest) -> bytes:
    assert isinstance(request.body, bytes)
    return request.body
