"""A call, and the talk of tries and pauses that leads to its answer. Nothing here waits or connects."""

import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import pydantic
import pydantic_core

from kindling_client import clock
from kindling_client.errors import KindlingError, Unexpected, Unreachable, of_answer

T = TypeVar("T")

# How often a call is tried when nobody says when to come again; the first pause in seconds, which doubles.
TRIES = 4
FIRST_PAUSE = 0.5
# A definite no of a provider, which stays one.
FINAL = {"provider_refused", "provider_misconfigured", "key_refused"}
# Nothing has reached the server.
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request by its route, and the model of each success."""

    method: str
    route: str
    answers: Mapping[int, Any]
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    # Fields of the body whose None is sent, as it clears something.
    cleared: tuple[str, ...] = ()
    idempotency_key: str | None = None
    respond_async: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether the call may be made again when nobody knows whether it was carried out.

        A POST or PATCH may, since each has an `Idempotency-Key`. A second DELETE might find nothing and say so.
        """
        return self.method in ("GET", "POST", "PATCH")


@dataclass(frozen=True)
class Try:
    """A request to make now, with `timeout` seconds for its answer."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    content: bytes | None
    timeout: float


@dataclass(frozen=True)
class Pause:
    seconds: float


Outcome = httpx.Response | httpx.TransportError
Talk = Generator[Try | Pause, Outcome | None, T]


def talk(call: Call[T], *, timeout: float, deadline: float) -> Talk[T]:
    """Yield what to do next, and return the answer. Each `Try` is sent its outcome.

    A 429 or 503 is waited out as its `Retry-After` says, if that is within `deadline` seconds. Raises KindlingError.
    """
    end = clock.monotonic() + deadline
    headers, content = _headers(call), _content(call)
    path = call.route.format(**{name: quote(value, safe="") for name, value in call.path.items()})
    query = {name: _text(value) for name, value in call.query.items() if value is not None}
    number = 0
    while True:
        number += 1
        left = end - clock.monotonic()
        outcome = yield Try(call.method, path, headers, query, content, min(timeout, left))
        assert outcome is not None  # noqa: S101 - a Try is always sent its outcome
        error = _error(outcome)
        if error is None:
            return _read(call, outcome)
        pause = _pause(call, number, outcome, error)
        if pause is None or pause >= end - clock.monotonic():
            raise error
        yield Pause(pause)


def _headers(call: Call[Any]) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if call.method in ("POST", "PATCH"):
        headers["Idempotency-Key"] = call.idempotency_key or str(uuid.uuid4())
    if call.respond_async:
        headers["Prefer"] = "respond-async"
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return headers


def _content(call: Call[Any]) -> bytes | None:
    if call.body is None:
        return None
    given = {name: value for name, value in call.body.items() if value is not None or name in call.cleared}
    return pydantic_core.to_json(given, by_alias=True, exclude_none=True)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _error(outcome: Outcome) -> KindlingError | None:
    if isinstance(outcome, httpx.Response):
        failed = outcome.status_code >= 400
        return of_answer(outcome.status_code, outcome.headers, outcome.content) if failed else None
    url = outcome.request.url
    where = f"{url.scheme}://{url.netloc.decode()}"
    late = isinstance(outcome, httpx.TimeoutException)
    reason = "did not answer in time" if late else f"cannot be reached: {outcome or type(outcome).__name__}"
    error = Unreachable("timeout" if late else "unreachable", f"{where} {reason}.")
    error.__cause__ = outcome
    return error


def _pause(call: Call[Any], number: int, outcome: Outcome, error: KindlingError) -> float | None:
    """The seconds until the call is tried again; None when what came is final."""
    if not _worth_another(call, number, outcome, error):
        return None
    if error.retry_after:
        return float(error.retry_after)
    if number >= TRIES:
        return None
    # Clients that failed together shall not come back together.
    return FIRST_PAUSE * 2.0 ** (number - 1) * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing


def _worth_another(call: Call[Any], number: int, outcome: Outcome, error: KindlingError) -> bool:
    if isinstance(outcome, httpx.TransportError):
        return call.repeatable or isinstance(outcome, UNSENT)
    if error.status in (429, 503):
        return True
    # Our own first try is still running, of which nothing was heard.
    if error.code == "request_running" and number > 1:
        return True
    return bool(outcome.status_code >= 500 and call.repeatable and error.code not in FINAL)


def _read(call: Call[T], outcome: Outcome) -> T:
    assert isinstance(outcome, httpx.Response)  # noqa: S101 - anything else is an error
    if not call.answers:
        return outcome.text  # type: ignore[return-value]  # a page, such as /docs
    try:
        return call.answers[outcome.status_code].model_validate_json(outcome.content)  # type: ignore[no-any-return]
    except (KeyError, pydantic.ValidationError):
        status = outcome.status_code
        said = f"{outcome.request.url.host} answered {status} with what is not an answer of Kindling's API."
        request_id = outcome.headers.get("x-request-id")
        raise Unexpected("unexpected_answer", said, status=status, request_id=request_id) from None
