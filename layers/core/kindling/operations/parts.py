"""What other topics write into their transactions for operations."""

from datetime import timedelta

from kindling.operations.model import GRAPH, OperationState, ended_key, operation_key
from kindling.platform import clock, due
from kindling.platform.table import Action

# How long the end of an account or domain stays recorded.
ENDED_KEPT = timedelta(days=90)


def succeeded(user_id: str, operation_id: str) -> Action:
    """Close the operation of a saga as succeeded, in the transaction that saves the saga's result."""
    key = operation_key(user_id, operation_id)
    return {"Update": GRAPH.update(key, (OperationState.SUCCEEDED,), drop=due.FIELDS)}


def ended(name: str, subject_id: str, user_id: str) -> Action:
    """Record the end of the account or domain `subject_id`, whose address or name is `name`."""
    now = clock.now()
    item = {"user_id": user_id, "ended_at": clock.timestamp(now), "expires_at": int((now + ENDED_KEPT).timestamp())}
    return {"Put": {"Item": {**ended_key(name, subject_id), **item}}}
