"""The HTTP client of a provider: authentication, rate limit, timeouts, retries within the deadline, a circuit breaker.

A request that was certainly not executed (no connection, 429) is always retried. One that may have been executed
(timeout, closed connection, 5xx) is retried only when it is `repeatable`. A provider whose last call failed is tried
once per call until it answers, since the caller's own retries would multiply these.
"""

import math
import random
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from kindling.errors import KeyRefused, ProviderError, ProviderMisconfigured, ProviderUnavailable
from kindling.platform import clock
from kindling.platform.observability import PROVIDER_ERRORS, PROVIDER_LATENCY
from kindling.platform.settings import settings
from kindling.providers.bucket import LONGEST_REST_SECONDS, Exhausted, Rate, TokenBucket

ATTEMPTS = 3
BASE_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0
CALL_SECONDS = 20.0
CONNECT_SECONDS = 3.0
CIRCUIT_FAILURES = 5
CIRCUIT_SECONDS = 10.0
# A call is not begun with less time than this, because it would likely end without a clear answer.
LEAST_SECONDS = 0.5

M = TypeVar("M", bound=BaseModel)
ErrorMapping = Callable[[httpx.Response], ProviderError]


class ProviderClient:
    """Calls one provider's API in one workspace, with all other functions no more often than `rate`.

    `key` returns the API key, None for an API that asks for none; `to_error` maps a 4xx response to the error to raise.
    `owner` is the tenant whose own workspace it is.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        key: Callable[[], str] | None,
        to_error: ErrorMapping,
        rate: Rate,
        owner: str = "",
    ) -> None:
        self._name = name
        self._key = key
        self._to_error = to_error
        self._bucket = TokenBucket(name, rate, owner)
        self._http = httpx.Client(
            base_url=base_url,
            transport=transport(),
            headers={"User-Agent": "kindling"},
            event_hooks={"response": [_bound]},
        )
        self._failures = 0
        self._open_until = 0.0

    def call(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        form: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        repeatable: bool = True,
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """Send a request and return the response, which has a 2xx status or one in `accept`.

        Raises ProviderUnavailable, with `unreached` when the request was certainly not executed and with
        `retry_after_seconds` when the provider named a wait, KeyRefused for 401, ProviderMisconfigured for 402, and
        what `to_error` returns for other statuses.
        """
        if clock.monotonic() < self._open_until:
            message = f"{self._name} failed or asked for fewer requests; calls to it rest for a moment."
            raise ProviderUnavailable(message, unreached=True)
        if not clock.has(LEAST_SECONDS):
            raise ProviderUnavailable(f"No time was left to ask {self._name}.", unreached=True)
        deadline = clock.monotonic() + clock.left(CALL_SECONDS)
        request = {"json": json, "data": form, "params": params, "headers": headers or {}}
        unreached = True
        attempts = 1 if self._failures else ATTEMPTS
        for attempt in range(1, attempts + 1):
            self._await_token(deadline, unreached=unreached)
            began = clock.monotonic()
            response, problem, not_executed = self._try(method, path, request, deadline - began)
            PROVIDER_LATENCY.add((clock.monotonic() - began) * 1000, self._name)
            refuses_us = response is not None and response.status_code in (401, 402)
            PROVIDER_ERRORS.add(problem is not None or refuses_us, self._name)
            unreached = unreached and not_executed
            if response is not None and problem is None:
                self._failures = 0
                if response.is_success or response.status_code in accept:
                    return response
                raise self._client_error(response)
            asked = _retry_after_seconds(response)
            if response is not None and response.status_code == 429:
                self._bucket.rest(asked)
            if asked > LONGEST_PAUSE_SECONDS:
                self._rest(min(asked, LONGEST_REST_SECONDS))
                break
            pause = max(self._pause(attempt), asked)
            may_repeat = (repeatable or not_executed) and attempt < attempts
            if not may_repeat or clock.monotonic() + pause + LEAST_SECONDS > deadline:
                break
            clock.sleep(pause)
        self._count_failure()
        waits = {"retry_after_seconds": math.ceil(asked)} if asked else {}
        raise ProviderUnavailable(f"{self._name} {problem}.", unreached=unreached, **waits)

    def _await_token(self, deadline: float, *, unreached: bool) -> None:
        """Wait until another request is within the rate limit. Raises ProviderUnavailable when that is too late."""
        try:
            wait = self._bucket.take(deadline - clock.monotonic() - LEAST_SECONDS)
        except Exhausted as error:
            raise ProviderUnavailable(
                f"{self._name} is asked as often as its rate limit allows.",
                unreached=unreached,
                retry_after_seconds=math.ceil(error.seconds),
            ) from error
        if wait:
            clock.sleep(wait)

    def _try(
        self, method: str, path: str, request: dict[str, Any], left: float
    ) -> tuple[httpx.Response | None, str | None, bool]:
        """The response, what is wrong with it, and whether the request was certainly not executed."""
        try:
            if self._key:
                request = {**request, "headers": {**request["headers"], "Authorization": f"Bearer {self._key()}"}}
            timeout_seconds = min(settings().provider_timeout_seconds, left)
            timeout = httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, left))
            response = self._http.request(method, path, timeout=timeout, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return None, "could not be reached", True
        except httpx.TimeoutException:
            return None, "did not answer in time", False
        except httpx.TransportError:
            return None, "closed the connection", False
        if response.status_code == 429:
            return response, "asks for fewer requests", True
        if response.status_code >= 500:
            return response, f"answered {response.status_code}", False
        return response, None, False

    def _client_error(self, response: httpx.Response) -> ProviderError:
        if response.status_code == 401:
            return KeyRefused(f"{self._name} refuses our API key (401).")
        if response.status_code == 402:
            return ProviderMisconfigured(f"{self._name} asks for another plan (402).")
        return self._to_error(response)

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= CIRCUIT_FAILURES:
            self._rest(CIRCUIT_SECONDS)

    def _rest(self, seconds: float) -> None:
        self._open_until = max(self._open_until, clock.monotonic() + seconds)

    @staticmethod
    def _pause(attempt: int) -> float:
        return random.uniform(0.5, 1.0) * BASE_PAUSE_SECONDS * float(2**attempt)  # noqa: S311


def _retry_after_seconds(response: httpx.Response | None) -> float:
    """The wait that a response asks for, in seconds or as a date (RFC 9110, section 10.2.3); 0 when it does not."""
    text = response.headers.get("retry-after", "") if response is not None else ""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - clock.now()).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0


class _BoundedStream(httpx.SyncByteStream):
    """A body that has to arrive within `seconds`. A timeout of httpx is for each read only."""

    def __init__(self, stream: httpx.SyncByteStream, seconds: float) -> None:
        self._stream = stream
        self._ends_at = clock.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if clock.monotonic() >= self._ends_at:
                raise httpx.ReadTimeout("The body did not arrive in time.")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _bound(response: httpx.Response) -> None:
    """Give the body of a response the time that a read may take."""
    if isinstance(response.stream, httpx.SyncByteStream):
        response.stream = _BoundedStream(response.stream, response.request.extensions["timeout"]["read"])


def body(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a response. Raises ProviderUnavailable for any other body, such as an HTML error page."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ProviderUnavailable(f"{response.url.host} answered {response.status_code} without a JSON object.")
    return document


def read(model: type[M], response: httpx.Response) -> M:
    """A response's body as `model`. Raises ProviderUnavailable when it does not match."""
    try:
        return model.model_validate(body(response))
    except ValidationError as error:
        raise ProviderUnavailable(f"{response.url.host} answered in a shape that is not its own.") from error


def items(model: type[M], response: httpx.Response, name: str) -> list[M]:
    """The list `name` in a response's body, each item as `model`. Raises ProviderUnavailable when it does not match."""
    entries = body(response).get(name)
    try:
        return TypeAdapter(list[model]).validate_python(entries)  # type: ignore[valid-type]
    except ValidationError as error:
        raise ProviderUnavailable(f"{response.url.host} answered without its list of {name}.") from error


def transport() -> httpx.BaseTransport | None:
    """The transport of the HTTP client; None selects httpx's own. Tests replace it by the sandbox."""
    return None
