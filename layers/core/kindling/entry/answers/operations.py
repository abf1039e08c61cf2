"""Answers about operations: a saga that goes on, and deletions."""

from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar, Self, TypeVar

from kindling.entry.answers import Answer, Shown, Success
from kindling.operations.model import Operation, OperationState

T = TypeVar("T")
A = TypeVar("A", bound=Answer)


class ShownFailure(Shown):
    code: str
    message: str
    step: str


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


class OperationAnswer(Answer):
    """An operation, on request."""

    operation: ShownOperation

    @classmethod
    def of(cls, operation: Operation) -> Self:
        return cls.model_validate({"operation": operation.wire()})


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
