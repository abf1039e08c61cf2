"""Answers that describe the API itself: the index, the OpenAPI document and the page that shows it."""

import hashlib
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any, ClassVar, Self, TypeVar

from pydantic import ConfigDict

from kindling.entry.answers import Answer, Shown
from kindling.entry.request import Request
from kindling.entry.routes import DOCUMENT


class ShownLinks(Shown):
    """Paths, from the root of the API."""

    openapi: str = "/openapi.json"
    docs: str = "/docs"
    health: str = "/healthz"


class ShownTitle(Shown):
    """Of the document's `info`."""

    model_config = ConfigDict(extra="allow")

    title: str
    version: str


class Index(Answer):
    """What this is, and where things are."""

    name: str
    version: str
    links: ShownLinks = ShownLinks()

    @classmethod
    def read(cls) -> Self:
        info = Description.read().info
        return cls(name=info.title, version=info.version)


class Static(Answer):
    """An answer that changes with a deployment only, and that a browser may keep for five minutes."""

    header_names: ClassVar[tuple[str, ...]] = ("ETag", "Cache-Control")

    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Cache-Control": "public, max-age=300"}

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.text().encode()).hexdigest()[:32]}"'


class Description(Static):
    """The OpenAPI 3.1 document of every route."""

    model_config = ConfigDict(extra="allow")

    openapi: str
    info: ShownTitle
    paths: dict[str, Any]
    components: dict[str, Any]

    @classmethod
    @cache
    def read(cls) -> Self:
        """The document; it is read once in each execution environment."""
        return cls.model_validate_json(DOCUMENT.read_bytes())


class Page(Static):
    """The document as a page, on which requests can be tried out."""

    content_type: ClassVar[str] = "text/html; charset=utf-8"
    header_names: ClassVar[tuple[str, ...]] = (*Static.header_names, "Content-Security-Policy")

    html: str
    policy: str

    def text(self) -> str:
        return self.html

    def headers(self) -> dict[str, str]:
        guarded = {"Content-Security-Policy": self.policy, "X-Content-Type-Options": "nosniff"}
        return super().headers() | guarded | {"Referrer-Policy": "no-referrer"}


class NotModified(Answer):
    """The caller has it already, by the `If-None-Match` that it sent."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.NOT_MODIFIED
    content_type: ClassVar[str] = ""
    header_names: ClassVar[tuple[str, ...]] = ("ETag",)

    etag: str

    def text(self) -> str:
        return ""

    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag}


S = TypeVar("S", bound=Static)


def unless_known(request: Request, answer: S) -> S | NotModified:
    """The answer, or NotModified for a caller that has it."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return NotModified(etag=answer.etag) if answer.etag in known else answer
