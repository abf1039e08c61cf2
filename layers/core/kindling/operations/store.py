"""DynamoDB calls for operations."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kindling.operations.model import GRAPH, Failure, Operation, OperationState, operation_key
from kindling.platform import clock, due, table
from kindling.platform.paging import Page, Paging, page
from kindling.platform.table import Action, Attr

# The places of all requests that wait for their saga: each is taken until an instant, in milliseconds.
PLACES = {"pk": "WAITING", "sk": "PLACES"}


@dataclass(frozen=True)
class Place:
    """A place of a waiting request, and until when it is taken."""

    name: str
    until: int


def take_place(places: int, seconds: float) -> Place | None:
    """Take one of so many places for `seconds` at most; None when none is free.

    A function that dies leaves its place to others when its time is over.
    """
    now = round(clock.now().timestamp() * 1000)
    taken = table.get(PLACES) or {}
    free = [name for name in (f"place_{number}" for number in range(places)) if taken.get(name, 0) <= now]
    if not free:
        return None
    place = Place(random.choice(free), now + round(seconds * 1000))  # noqa: S311
    still_free = Attr(place.name).not_exists() | Attr(place.name).lte(now)
    try:
        table.update(PLACES, ConditionExpression=still_free, **table.assigned({place.name: place.until}))
    except table.ConditionFailed:
        return None
    return place


def leave_place(place: Place) -> None:
    """Give the place to others, unless its time was over and another request has taken it."""
    try:
        table.update(PLACES, ConditionExpression=Attr(place.name).eq(place.until), **table.assigned({place.name: 0}))
    except table.ConditionFailed:
        return


def put(operation: Operation, due_fields: dict[str, str]) -> None:
    """Write the row of a new operation. An existing row is not changed."""
    item = {
        **operation_key(operation.user_id, operation.operation_id),
        **operation.model_dump(mode="json", exclude_none=True),
        "owner": f"{operation.user_id}#operation",
    }
    try:
        table.put({**item, **due_fields}, ConditionExpression=Attr("pk").not_exists())
    except table.ConditionFailed:
        return


def get(user_id: str, operation_id: str) -> Operation | None:
    return read(operation_key(user_id, operation_id))


def read(key: dict[str, str]) -> Operation | None:
    item = table.get(key)
    return Operation.model_validate(item) if item else None


def existing(ids: Iterable[tuple[str, str]]) -> list[Operation]:
    """The existing operations among those given as tenant and operation id."""
    return [Operation.model_validate(item) for item in table.existing(operation_key(*pair) for pair in ids)]


def all_of(user_id: str) -> Iterator[Operation]:
    """The tenant's operations, consistently read."""
    return map(Operation.model_validate, table.below(f"TENANT#{user_id}", "OPERATION#"))


def page_of(user_id: str, paging: Paging) -> Page[Operation]:
    """The tenant's operations, newest first; those that an earlier version has started are not listed."""
    return page(f"{user_id}#operation", Operation.model_validate, paging)


def succeed(user_id: str, operation_id: str) -> None:
    """Move to succeeded. Idempotent. Raises NotFound, StaleStatus."""
    GRAPH.move(operation_key(user_id, operation_id), (OperationState.SUCCEEDED,), drop=due.FIELDS)


def fail(user_id: str, operation_id: str, failure: Failure, ended: Action) -> bool:
    """Move to failed and record what has `ended`, in one transaction; whether this call did.

    Idempotent. Raises NotFound, StaleStatus.
    """
    to = (OperationState.FAILED,)
    key = operation_key(user_id, operation_id)
    update = GRAPH.update(key, to, put={"failure": failure.model_dump()}, drop=due.FIELDS)
    try:
        table.transact([{"Update": update}, ended])
    except table.TransactionFailed as lost:
        GRAPH.settled(lost.items[0], to)
        return False
    return True


def start_undoing(user_id: str, operation_id: str) -> None:
    """Move to undoing, after which the saga's result cannot be saved. Idempotent. Raises NotFound, StaleStatus."""
    GRAPH.move(operation_key(user_id, operation_id), (OperationState.UNDOING,))


def hand_over(operation: Operation, execution_arn: str, due_at: str) -> bool:
    """Record the execution that takes over from a dead one; False when the operation was closed meanwhile."""
    try:
        table.update(
            operation_key(operation.user_id, operation.operation_id),
            UpdateExpression="SET execution_arn = :arn, undo_attempts = :n, due_at = :due",
            ConditionExpression=Attr("due_shard").exists(),
            ExpressionAttributeValues={
                ":arn": execution_arn,
                ":n": operation.undo_attempts + 1,
                ":due": due_at,
            },
        )
    except table.ConditionFailed:
        return False
    return True
