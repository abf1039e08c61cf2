"""Rows that the API writes before tests begin."""

from typing import Any

from kindling.operations.model import Operation, OperationState
from kindling.platform import clock


def running(user_id: str, operation_id: str, **fields: Any) -> Operation:
    """An operation that was just started."""
    now = clock.timestamp()
    known = {"kind": "test", "subject_id": "", "name": "test", "request": {}, "execution_arn": ""}
    known |= {"state": OperationState.RUNNING, "created_at": now, "updated_at": now}
    return Operation(user_id=user_id, operation_id=operation_id, **known | fields)
