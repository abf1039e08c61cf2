"""What the providers share: parsed calls, routes and refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

import httpx

from local.sandbox.world import World


@dataclass(frozen=True)
class Call:
    """A request. `segments` is its path, split before it was decoded, so that `%2F` is not a separator.

    `held_seconds` is the delay of its response by a fault.
    """

    method: str
    segments: tuple[str, ...]
    query: httpx.QueryParams
    headers: httpx.Headers
    content: bytes
    args: Mapping[str, str] = field(default_factory=dict)
    held_seconds: float = 0

    @classmethod
    def of(cls, request: httpx.Request) -> "Call":
        raw_path = request.url.raw_path.split(b"?")[0].decode("ascii")
        segments = tuple(unquote(segment) for segment in raw_path.strip("/").split("/"))
        return cls(request.method, segments, request.url.params, request.headers, request.read())

    @property
    def path(self) -> str:
        return "/" + "/".join(self.segments)

    @property
    def bearer(self) -> str | None:
        """The bearer token; None when there is no well-formed one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" and token and " " not in token else None


class Refused(Exception):
    """The call is refused with `response`."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.status_code} {response.text}")
        self.response = response


Handler = Callable[[World, Call], httpx.Response]


class Routes:
    """Handlers by method and path pattern. `{name}` matches one segment; the first matching route is used."""

    def __init__(self, root: str) -> None:
        self._root = tuple(root.strip("/").split("/"))
        self._routes: list[tuple[str, tuple[str, ...], Handler]] = []

    def on(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self._routes.append((method, (*self._root, *pattern.strip("/").split("/")), handler))
            return handler

        return register

    def answer(self, world: World, call: Call) -> httpx.Response | None:
        """The handler's response; None when no route matches."""
        for method, pattern, handler in self._routes:
            if method == call.method and len(pattern) == len(call.segments):
                args = _match(pattern, call.segments)
                if args is not None:
                    return handler(world, replace(call, args=args))
        return None


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    args: dict[str, str] = {}
    for part, segment in zip(pattern, segments, strict=True):
        if part.startswith("{") and segment:
            args[part.strip("{}")] = segment
        elif part != segment:
            return None
    return args
