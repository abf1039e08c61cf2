"""One HTTP request, as API Gateway hands it to a function (payload format 2.0)."""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kindling.errors import InvalidRequest, NotFound, PayloadTooLarge, UnsupportedMediaType
from kindling.platform import clock
from kindling.platform.settings import settings
from kindling.platform.text import ascii_lower

if TYPE_CHECKING:
    # Imported where they are used: a route without a key needs neither them nor the AWS SDK.
    from kindling.keys.model import Caller

MAX_KEY_LENGTH = 255
MOST_WAITED_SECONDS = 30.0  # API Gateway, HTTP API: the longest integration timeout
# Bytes of an id in a path. A sort key of DynamoDB has at most 1,024, with the row's kind in front of the id.
MAX_ID_BYTES = 1_000
# The id of no row (RFC 9562, section 5.9).
NIL_ID = "00000000-0000-0000-0000-000000000000"


def path_ids(pattern: str, path: str) -> dict[str, str] | None:
    """The parameters of a path by a route's pattern, such as `/v1/domains/{domain_id}`; None when it does not fit."""
    found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), path)
    return found.groupdict() if found else None


@dataclass
class Request:
    """A request. `headers` have lower-case names; `ids` are the parameters of the path, decoded and in lower case.

    `caller` is the holder of the API key; only routes with a scope have one.
    """

    event: dict[str, Any]
    headers: dict[str, str] = field(init=False)
    raw_body: bytes = field(init=False)
    ids: dict[str, str] = field(default_factory=dict)
    caller: "Caller" = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {name.lower(): _text(value) for name, value in (self.event.get("headers") or {}).items()}
        text = self.event.get("body") or ""
        self.raw_body = base64.b64decode(text) if self.event.get("isBase64Encoded") else text.encode(errors="replace")

    @property
    def method(self) -> str:
        return str(self.event["requestContext"]["http"]["method"])

    @property
    def path(self) -> str:
        return _text(self.event["rawPath"])

    @property
    def raw_query(self) -> str:
        return _text(self.event.get("rawQueryString", ""))

    @property
    def query(self) -> dict[str, str]:
        """The query parameters. API Gateway joins the values of a repeated one with commas."""
        parameters = self.event.get("queryStringParameters") or {}
        return {_text(name): _text(value) for name, value in parameters.items()}

    @property
    def address(self) -> str:
        """The network address of the client."""
        return str(self.event["requestContext"]["http"]["sourceIp"])

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key header. Raises InvalidRequest when it is empty or too long."""
        key = self.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
            raise InvalidRequest(f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters.", fields=[])
        return key

    @property
    def waited_seconds(self) -> float:
        """How long the client has waited already, by the gateway's clock: a cold start, or for a free function."""
        came_at = self.event["requestContext"].get("timeEpoch")
        waited = clock.since(came_at) if came_at else 0.0
        # The gateway would have given up: its clock and ours differ.
        return waited if waited < MOST_WAITED_SECONDS else 0.0

    @property
    def wait_seconds(self) -> float:
        """How long to wait for a saga: not at all for a caller that prefers an asynchronous answer (RFC 7240)."""
        preferences = [wish.strip() for wish in self.headers.get("prefer", "").lower().split(",")]
        longest = max(settings().saga_wait_seconds - self.waited_seconds, 0.0)
        return 0.0 if "respond-async" in preferences else longest

    def match(self, path: str) -> None:
        """Read `ids` by the route's `path`, such as `/v1/domains/{domain_id}`. Raises NotFound when it does not fit.

        An id that no row can have is read as NIL_ID, so that every route answers it as it answers any absent id.
        """
        ids = path_ids(path, self.path)
        if ids is None:
            raise NotFound("There is no such route.")
        self.ids = {name: _id(text) for name, text in ids.items()}

    def refuse_long_body(self, most: int) -> None:
        """Raises PayloadTooLarge for a body of more than `most` bytes."""
        if len(self.raw_body) > most:
            raise PayloadTooLarge(f"A body may have at most {most} bytes.")

    def body(self, csv_name: str = "") -> dict[str, Any]:
        """The body, which is a JSON object; empty without a body. Raises UnsupportedMediaType, InvalidRequest.

        With a `csv_name` it may be text/csv: an object with that name for the list of rows.
        """
        if not self.raw_body:
            # Clients say application/json even when they send nothing; that is no error.
            return {}
        media_type = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if csv_name and media_type == "text/csv":
            from kindling.entry.csv import read_rows

            return {csv_name: read_rows(self.raw_body)}
        if media_type != "application/json":
            raise UnsupportedMediaType(f"A body has to be application/json{' or text/csv' if csv_name else ''}.")
        try:
            body = json.loads(self.raw_body.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("The body is not valid JSON in UTF-8, or nested too deep.", fields=[]) from error
        if not isinstance(body, dict):
            problem = {"field": "body", "message": "must be a JSON object"}
            raise InvalidRequest("The body must be a JSON object.", fields=[problem])
        return body


def _text(value: Any) -> str:
    """The value as a text that UTF-8 can hold: halves of surrogate pairs become question marks."""
    return str(value).encode(errors="replace").decode()


def _id(text: str) -> str:
    # API Gateway decodes a path but for `%25`.
    decoded = ascii_lower(unquote(text))
    return decoded if len(decoded.encode()) <= MAX_ID_BYTES else NIL_ID


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
