"""The API, as the console calls it: over HTTP, with the key of the session, at the name under which the browser came.

API Gateway answers for its own names only, and it tells a function which one was asked for. So the key goes nowhere
else: no redirect is followed, and no proxy or file of the environment is heeded.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from kindling.platform import clock
from kindling.platform.observability import logger

if TYPE_CHECKING:
    import httpx

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# The longest that any route takes; what is left of the console's own time is less.
CALL_SECONDS = 29.0
CONNECT_SECONDS = 3.0
# A call is not begun with less time than this, because it would likely end without an answer.
LEAST_SECONDS = 0.5
# Of the error that says that the first request with the same Idempotency-Key has not been answered yet.
RUNNING = "request_running"


class Unanswered(Exception):
    """A request got no answer of the API's: it is not known whether it was carried out."""


@dataclass(frozen=True)
class Outcome:
    """What the API answered."""

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


def is_loopback(host: str) -> bool:
    """Whether a host with its port is this machine, which is talked to without TLS, as the local cloud is."""
    return host.rpartition(":")[0] in LOOPBACK


def origin_of(event: dict[str, Any]) -> str:
    """Where the API is that has handed over the event."""
    host = event["requestContext"]["domainName"]
    return f"http://{host}" if is_loopback(host) else f"https://{host}"


def ask(
    origin: str, method: str, path: str, *, api_key: str, idempotency_key: str, body: dict[str, Any] | None
) -> Outcome:
    """Send a request to the API and return its answer within the deadline. Raises Unanswered."""
    import httpx

    seconds = clock.left(CALL_SECONDS) - CONNECT_SECONDS
    if seconds < LEAST_SECONDS:
        raise Unanswered
    headers = {
        "Authorization": f"Bearer {api_key}",
        "Idempotency-Key": idempotency_key,
        "Prefer": "respond-async",
        "User-Agent": "kindling-console",
    }
    timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(transport=transport(), base_url=origin, timeout=timeout, trust_env=False) as client:
            return _read(client.request(method, path, headers=headers, json=body))
    except httpx.HTTPError as error:
        logger.warning("no answer of the API", reason=type(error).__name__)
        raise Unanswered from error


def _read(response: "httpx.Response") -> Outcome:
    """The answer in a response. Raises Unanswered for what the API does not say itself, such as a timeout's 503."""
    try:
        body = response.json()
    except ValueError:
        body = None
    refused = response.status_code >= HTTPStatus.BAD_REQUEST
    known = isinstance(body, dict) and (response.is_success or (refused and "error" in body))
    if not known or body.get("error") == RUNNING:
        logger.warning("no answer of the API", status=response.status_code)
        raise Unanswered
    return Outcome(response.status_code, body)


def transport() -> "httpx.BaseTransport | None":
    """The transport of the HTTP client; None selects httpx's own. Tests replace it by the API in their process."""
    return None
