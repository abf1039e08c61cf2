"""The two clients: what all calls have in common."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar

import httpx

from kindling_client import clock
from kindling_client.async_operations import AsyncOperations
from kindling_client.call import Call, Pause, Try, talk
from kindling_client.models import Accepted, ShownOperation
from kindling_client.operations import Operations
from kindling_client.waiting import Watch

# A gateway waits 30 s for an answer.
TIMEOUT = 35.0
DEADLINE = 60.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")

P = ParamSpec("P")
T = TypeVar("T")


class Page(Protocol):
    """An answer that may have a next page."""

    @property
    def next_cursor(self) -> str | None: ...


PageT = TypeVar("PageT", bound=Page)


class Kindling(Operations):
    """The API at `api_url`, called with `api_key`.

    A call is tried for `timeout` seconds at a time, and for `deadline` seconds in all: 429 and 503 as their
    `Retry-After` says, other 5xx and silence when repeating is safe. Raises KindlingError. `transport` is one of
    httpx's.

        with Kindling(api_url="https://mail.example.com", api_key="kd_live_…") as kindling:
            domain = kindling.create_domain(domain="news.example.com")
    """

    def __init__(
        self,
        *,
        api_url: str,
        api_key: str,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._timeout, self._deadline = timeout, deadline
        self._http = httpx.Client(**_settings(api_url, api_key), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def pages(self, operation: Callable[P, PageT], *args: P.args, **kwargs: P.kwargs) -> Iterator[PageT]:
        """The pages of a list, one request each: `for page in kindling.pages(kindling.list_accounts): …`."""
        page = operation(*args, **kwargs)
        yield page
        while page.next_cursor:
            kwargs["cursor"] = page.next_cursor
            page = operation(*args, **kwargs)
            yield page

    def wait(self, accepted: Accepted | str, *, seconds: float = 600) -> Iterator[ShownOperation]:
        """An operation at each of its steps until it has succeeded; `accepted` is what was answered, or the id.

        Raises OperationFailed, or StillRunning after `seconds`.
        """
        watch = Watch(accepted, seconds)
        while True:
            operation = self.get_operation(watch.operation_id, limit=1).operation
            if watch.is_news(operation):
                yield operation
            pause = watch.pause(operation)
            if pause is None:
                return
            clock.sleep(pause)

    def _call(self, call: Call[T]) -> T:
        steps = talk(call, timeout=self._timeout, deadline=self._deadline)
        outcome = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = self._try(step) if isinstance(step, Try) else self._rest(step)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _try(self, step: Try) -> httpx.Response | httpx.TransportError:
        try:
            return self._http.request(**_request(step))
        except httpx.TransportError as error:
            return error

    @staticmethod
    def _rest(step: Pause) -> None:
        clock.sleep(step.seconds)


class AsyncKindling(AsyncOperations):
    """The same as `Kindling`, for asyncio."""

    def __init__(
        self,
        *,
        api_url: str,
        api_key: str,
        timeout: float = TIMEOUT,
        deadline: float = DEADLINE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout, self._deadline = timeout, deadline
        self._http = httpx.AsyncClient(**_settings(api_url, api_key), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def pages(
        self, operation: Callable[P, Awaitable[PageT]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[PageT]:
        """The pages of a list: `async for page in kindling.pages(kindling.list_accounts): …`."""
        page = await operation(*args, **kwargs)
        yield page
        while page.next_cursor:
            kwargs["cursor"] = page.next_cursor
            page = await operation(*args, **kwargs)
            yield page

    async def wait(self, accepted: Accepted | str, *, seconds: float = 600) -> AsyncIterator[ShownOperation]:
        """An operation at each of its steps, as in `Kindling`."""
        watch = Watch(accepted, seconds)
        while True:
            operation = (await self.get_operation(watch.operation_id, limit=1)).operation
            if watch.is_news(operation):
                yield operation
            pause = watch.pause(operation)
            if pause is None:
                return
            await clock.sleep_async(pause)

    async def _call(self, call: Call[T]) -> T:
        steps = talk(call, timeout=self._timeout, deadline=self._deadline)
        outcome = None
        try:
            while True:
                step = steps.send(outcome)
                outcome = await (self._try(step) if isinstance(step, Try) else self._rest(step))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _try(self, step: Try) -> httpx.Response | httpx.TransportError:
        try:
            return await self._http.request(**_request(step))
        except httpx.TransportError as error:
            return error

    @staticmethod
    async def _rest(step: Pause) -> None:
        await clock.sleep_async(step.seconds)


def _settings(api_url: str, api_key: str) -> dict[str, Any]:
    """What both clients of httpx are made with. Raises ValueError for a URL over which a key must not go."""
    from kindling_client import __version__

    url = httpx.URL(api_url)
    loopback = url.host in LOOPBACK
    if url.scheme != "https" and not (url.scheme == "http" and loopback):
        raise ValueError(f"{api_url} is not an https URL: an API key goes over http to this machine only")
    headers = {"Authorization": f"Bearer {api_key}", "User-Agent": f"kindling-client/{__version__}"}
    # A proxy of the environment's does not lead back to this machine.
    return {"base_url": url, "headers": headers, "trust_env": not loopback}


def _request(step: Try) -> dict[str, Any]:
    shown = {"method": step.method, "url": step.path, "headers": step.headers, "params": step.query}
    return {**shown, "content": step.content, "timeout": step.timeout}
