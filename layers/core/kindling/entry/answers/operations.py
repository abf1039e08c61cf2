"""Answers about operations: a saga that goes on, and deletions."""

from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar, Self, TypeVar

from kindling.entry.answers import Answer, Listed, Omitted, Shown, Success
from kindling.operations.model import Operation, OperationState
from kindling.operations.rows import Row, RowState
from kindling.platform.paging import Page

T = TypeVar("T")
A = TypeVar("A", bound=Answer)


class ShownFailure(Shown):
    code: str
    message: str
    step: str


class ShownProgress(Shown):
    """How many rows there are, in all and in each state."""

    total: int
    waiting: int
    running: int
    succeeded: int
    exists: int
    failed: int


class ShownRow(Shown):
    """One of many things that an operation makes; `subject_id` is its id once it is there."""

    number: int
    name: str
    state: RowState
    subject_id: str | None
    error: ShownFailure | None


class ShownOperation(Shown):
    id: str
    kind: str
    state: OperationState
    subject_id: str
    name: str
    current_step: str | None
    error: ShownFailure | None
    execution_arn: str
    created_at: str
    updated_at: str
    progress: Omitted[ShownProgress] = None


class OperationAnswer(Listed):
    """An operation, on request; one that makes many things has a page of rows, in the order in which they were sent."""

    operation: ShownOperation
    rows: Omitted[list[ShownRow]] = None

    @classmethod
    def of(cls, operation: Operation, page: Page[Row] | None = None) -> Self:
        shown = {"rows": [row.wire() for row in page.rows], "next_cursor": page.next_cursor} if page else {}
        return cls.model_validate({"operation": operation.wire(), **shown})


class Accepted(OperationAnswer):
    """An operation that still runs; `Location` is where to ask for it."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED
    header_names: ClassVar[tuple[str, ...]] = ("Location",)

    def headers(self) -> dict[str, str]:
        return {"Location": f"/api/operations/{self.operation.id}"}


def made(outcome: T | Operation, show: Callable[[T], A]) -> A | Accepted:
    """The answer to a create: what was made, or the operation that still makes it."""
    return Accepted.of(outcome) if isinstance(outcome, Operation) else show(outcome)


def deleted(outcome: Operation | None) -> Success | Accepted:
    """The answer to a deletion: done, or the operation that still runs."""
    return Accepted.of(outcome) if outcome else Success()
