"""The rows of an operation that makes many things: what each is to be, and what became of it."""

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from kindling.operations.model import Failure
from kindling.platform import clock, table
from kindling.platform.paging import Page, Paging, page_in
from kindling.platform.table import TRANSACTION_LIMIT, Action, Key
from kindling.platform.transitions import Graph

# How long the rows of an operation are kept.
KEPT = timedelta(days=90)


class RowState(StrEnum):
    """`exists`: the tenant had it before."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    EXISTS = "exists"
    FAILED = "failed"


WAITING, RUNNING, SUCCEEDED, EXISTS, FAILED = ((state,) for state in RowState)
ENDS = frozenset({SUCCEEDED, EXISTS, FAILED})
ALLOWED: dict[tuple[RowState, ...], frozenset[tuple[RowState, ...]]] = {
    WAITING: ENDS | {RUNNING},
    RUNNING: ENDS,
    SUCCEEDED: frozenset(),
    EXISTS: frozenset(),
    FAILED: frozenset(),
}
GRAPH = Graph(("state",), ALLOWED)


class Row(BaseModel):
    """One thing that an operation makes. `subject_id` is its id, `request` the input of its own saga."""

    number: int
    name: str
    state: RowState = RowState.WAITING
    subject_id: str
    request: dict[str, Any]
    failure: Failure | None = None

    @property
    def settled(self) -> bool:
        return (self.state,) in ENDS

    def wire(self) -> dict[str, Any]:
        """The row as the API returns it; `subject_id` is null while there is no such subject."""
        there = self.state in (RowState.SUCCEEDED, RowState.EXISTS)
        return {
            "number": self.number,
            "name": self.name,
            "state": self.state,
            "subject_id": self.subject_id if there else None,
            "error": self.failure and self.failure.wire(),
        }


def row_key(operation_id: str, number: int) -> dict[str, str]:
    """The key of a row. Rows sort by their numbers."""
    return {"pk": f"OPERATION#{operation_id}", "sk": f"ROW#{number:06}"}


def put(operation_id: str, rows: list[Row]) -> None:
    """Write the rows of an operation that has not been started."""
    now = clock.now()
    kept = {"created_at": clock.timestamp(now), "expires_at": int((now + KEPT).timestamp())}
    puts: list[Action] = [
        {
            "Put": {
                "Item": {**row_key(operation_id, row.number), **row.model_dump(mode="json", exclude_none=True), **kept}
            }
        }
        for row in rows
    ]
    for start in range(0, len(puts), TRANSACTION_LIMIT):
        table.transact(puts[start : start + TRANSACTION_LIMIT])


def get(operation_id: str, number: int) -> Row | None:
    item = table.get(row_key(operation_id, number))
    return Row.model_validate(item) if item else None


def move(operation_id: str, row: Row, to: tuple[RowState], **put: Any) -> None:
    """Compare-and-swap a row's state, and set `put`. Idempotent. Raises NotFound, StaleStatus."""
    GRAPH.move(row_key(operation_id, row.number), to, put=put)


def read(operation_id: str, paging: Paging) -> tuple[dict[str, int], Page[Row]]:
    """How many rows there are in all and in each state, and a page of them in the order of their numbers."""
    condition = Key("pk").eq(f"OPERATION#{operation_id}") & Key("sk").begins_with("ROW#")
    items = table.pages({"KeyConditionExpression": condition})
    counts = Counter(item["state"] for item in items)
    progress = {"total": len(items)} | {state.value: counts[state.value] for state in RowState}
    return progress, page_in(items, Row.model_validate, paging)
