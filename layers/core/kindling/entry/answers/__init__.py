"""What the routes answer: a pydantic model per answer, with its status and headers."""

from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Shown(BaseModel):
    """A part of an answer. A field that is not declared is an error of ours, found by the tests."""

    model_config = ConfigDict(extra="forbid")


class Answer(Shown):
    """What a route answers when nothing is wrong."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.OK
    content_type: ClassVar[str] = "application/json"
    # The names of `headers`, for the OpenAPI document: those that it always has, and the others.
    header_names: ClassVar[tuple[str, ...]] = ()
    rare_header_names: ClassVar[tuple[str, ...]] = ()

    def text(self) -> str:
        """The body."""
        return self.model_dump_json(by_alias=True)

    def headers(self) -> dict[str, str]:
        """Headers beyond those of every answer."""
        return {}


def _is_none(value: Any) -> bool:
    return value is None


# Left out of the answer when there is nothing to say.
Omitted = Annotated[T | None, Field(default=None, exclude_if=_is_none)]


class Listed(Answer):
    """A page of a list. `next_cursor` is there when there is more: send it as `cursor` for the next page."""

    next_cursor: Omitted[str] = None


class Success(Answer):
    """A change that leaves nothing to show."""

    success: Literal[True] = True
