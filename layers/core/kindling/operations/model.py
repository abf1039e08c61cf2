"""An operation: the record of one saga execution, which the API shows and the reconciler undoes."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from kindling.errors import class_named
from kindling.platform.transitions import Graph


class OperationState(StrEnum):
    RUNNING = "running"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


ALLOWED = {
    (OperationState.RUNNING,): frozenset(
        {(OperationState.UNDOING,), (OperationState.SUCCEEDED,), (OperationState.FAILED,)}
    ),
    (OperationState.UNDOING,): frozenset({(OperationState.FAILED,)}),
    (OperationState.SUCCEEDED,): frozenset[tuple[OperationState]](),
    (OperationState.FAILED,): frozenset[tuple[OperationState]](),
}
GRAPH = Graph(("state",), ALLOWED)


def operation_key(user_id: str, operation_id: str) -> dict[str, str]:
    """The key of an operation's row."""
    return {"pk": f"TENANT#{user_id}", "sk": f"OPERATION#{operation_id}"}


def ended_key(name: str, subject_id: str) -> dict[str, str]:
    """The key of the record that the account or domain `subject_id`, whose address or name is `name`, has ended."""
    return {"pk": f"ENDED#{name}", "sk": subject_id}


class Failure(BaseModel):
    """Why a saga failed: the name of the error's class, its message, and the step that raised it."""

    error: str
    message: str
    step: str

    def wire(self) -> dict[str, Any]:
        """The failure as the API returns it."""
        return {"code": class_named(self.error).code, "message": self.message, "step": self.step}


class Operation(BaseModel):
    """An operation's row. Instants are ISO 8601, UTC.

    `request` is the saga's input, with which everything it has created can be undone. `subject_id` is the account or
    domain that the saga is about, `name` its address or name.
    """

    operation_id: str
    user_id: str
    kind: str
    subject_id: str
    name: str
    state: OperationState
    request: dict[str, Any]
    execution_arn: str
    undo_attempts: int = 0
    failure: Failure | None = None
    created_at: str
    updated_at: str
    due_at: str | None = None
    # Not stored: read from Step Functions.
    current_step: str | None = None
    # Not stored: of an operation with rows, how many there are in each state.
    progress: dict[str, int] | None = None

    @property
    def has_rows(self) -> bool:
        """Whether it makes many things, each with a row; see `kindling.operations.rows`."""
        return "rows" in self.request

    @property
    def finished(self) -> bool:
        return self.state in (OperationState.SUCCEEDED, OperationState.FAILED)

    def wire(self) -> dict[str, Any]:
        """The operation as the API returns it; `current_step` is null when it has finished or the step is not known."""
        shown = {
            "id": self.operation_id,
            "kind": self.kind,
            "state": self.state,
            "subject_id": self.subject_id,
            "name": self.name,
            "current_step": self.current_step,
            "error": self.failure and self.failure.wire(),
            "execution_arn": self.execution_arn,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }
        return shown | ({"progress": self.progress} if self.progress else {})
