"""One HTTP client per provider: bearer key, time-outs, retries inside the time that is left, a circuit.

A request that was certainly not carried out (no connection, 429) is tried again whatever it is. One whose
outcome is unclear (silence, a cut connection, 5xx) is tried again only when `repeatable`.
"""

import random
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from kindling.errors import ProviderError, ProviderMisconfigured, ProviderUnavailable
from kindling.platform import clock
from kindling.platform.settings import settings

ATTEMPTS = 3
BASE_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0
CALL_SECONDS = 20.0
CONNECT_SECONDS = 3.0
CIRCUIT_FAILURES = 5
CIRCUIT_SECONDS = 10.0
KEY_REFUSED = (401, 402)

M = TypeVar("M", bound=BaseModel)
Refusal = Callable[[httpx.Response], ProviderError]


class ProviderClient:
    """`refusal` turns a provider's own 4xx body into the error it means."""

    def __init__(self, name: str, base_url: str, key: Callable[[], str], refusal: Refusal) -> None:
        self._name = name
        self._key = key
        self._refusal = refusal
        self._http = httpx.Client(
            base_url=base_url,
            transport=transport(),
            headers={"User-Agent": "kindling"},
        )
        self._failures = 0
        self._open_until = 0.0

    def call(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        repeatable: bool = True,
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """The provider's 2xx answer, or one whose status is in `accept`.

        Raises ProviderUnavailable, ProviderMisconfigured, or whatever the provider's refusal means.
        """
        if clock.monotonic() < self._open_until:
            message = f"{self._name} failed repeatedly; calls to it rest for a moment."
            raise ProviderUnavailable(message, unreached=True)
        deadline = clock.monotonic() + CALL_SECONDS
        request = {"json": json, "params": params, "headers": headers or {}}
        unreached = True
        for attempt in range(1, ATTEMPTS + 1):
            left = max(deadline - clock.monotonic(), 0.1)
            response, problem, harmless = self._try(method, path, request, left)
            unreached = unreached and harmless
            if response is not None and problem is None:
                self._failures = 0
                if response.is_success or response.status_code in accept:
                    return response
                raise self._refused(response)
            pause = self._pause(attempt, response)
            may_repeat = (repeatable or harmless) and attempt < ATTEMPTS
            if not may_repeat or clock.monotonic() + pause > deadline or pause > LONGEST_PAUSE_SECONDS:
                break
            clock.sleep(pause)
        self._count_failure()
        raise ProviderUnavailable(f"{self._name} {problem}.", unreached=unreached)

    def _try(
        self, method: str, path: str, request: dict[str, Any], left: float
    ) -> tuple[httpx.Response | None, str | None, bool]:
        """The answer, what is wrong with it, and whether the request was certainly not carried out."""
        try:
            request = {**request, "headers": {**request["headers"], "Authorization": f"Bearer {self._key()}"}}
            longest = min(settings().provider_timeout_seconds, left)
            timeout = httpx.Timeout(longest, connect=min(CONNECT_SECONDS, left))
            response = self._http.request(method, path, timeout=timeout, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return None, "could not be reached", True
        except httpx.TimeoutException:
            return None, "did not answer in time", False
        except httpx.TransportError:
            return None, "cut the connection", False
        if response.status_code == 429:
            return response, "asks for fewer requests", True
        if response.status_code >= 500:
            return response, f"answered {response.status_code}", False
        return response, None, False

    def _refused(self, response: httpx.Response) -> ProviderError:
        if response.status_code in KEY_REFUSED:
            return ProviderMisconfigured(f"{self._name} refuses our API key or plan ({response.status_code}).")
        return self._refusal(response)

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= CIRCUIT_FAILURES:
            self._failures = 0
            self._open_until = clock.monotonic() + CIRCUIT_SECONDS

    @staticmethod
    def _pause(attempt: int, response: httpx.Response | None) -> float:
        asked = response.headers.get("retry-after", "") if response is not None else ""
        if asked.isdigit():
            return float(asked)
        return random.uniform(0.5, 1.0) * BASE_PAUSE_SECONDS * float(2**attempt)  # noqa: S311


def body(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer. Raises ProviderUnavailable for anything else, an HTML page above all."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ProviderUnavailable(f"{response.url.host} answered {response.status_code} without a JSON object.")
    return document


def read(model: type[M], response: httpx.Response) -> M:
    """An answer as `model`. Raises ProviderUnavailable when it does not have that shape."""
    try:
        return model.model_validate(body(response))
    except ValidationError as error:
        raise ProviderUnavailable(f"{response.url.host} answered in a shape that is not its own.") from error


def items(model: type[M], response: httpx.Response, name: str) -> list[M]:
    """The list `name` of an answer, each item as `model`. Raises ProviderUnavailable when it is not that."""
    found = body(response).get(name)
    try:
        return TypeAdapter(list[model]).validate_python(found)  # type: ignore[valid-type]
    except ValidationError as error:
        raise ProviderUnavailable(f"{response.url.host} answered without its list of {name}.") from error


def transport() -> httpx.BaseTransport | None:
    """The way out: None is httpx's own. Tests put the sandbox here."""
    return None
