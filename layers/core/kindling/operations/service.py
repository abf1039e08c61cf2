"""Starting sagas, waiting for them, reading their state, and undoing executions that ended without their undo."""

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kindling.errors import NotFound, RowNotDeleted, StaleStatus, StoreUnavailable, class_named
from kindling.operations import parts, rows, store
from kindling.operations.model import Failure, Operation, OperationState
from kindling.operations.rows import Row
from kindling.platform import aws, clock, due
from kindling.platform.observability import SAGAS_UNDONE, UNDOS_STUCK, logger
from kindling.platform.paging import Page, Paging
from kindling.platform.settings import settings

if TYPE_CHECKING:
    from kindling.keys.model import Caller

DUE_KIND = "operation"
# How long a saga runs before the reconciler first checks it, and the time between two checks.
RECONCILE_AFTER = timedelta(minutes=10)
# The sagas that the reconciler undoes; an interrupted deletion is continued instead.
CREATIONS = ("onboard_domain", "provision_account")
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
EXECUTION_NAME_LENGTH = 80  # Step Functions, StartExecution


def start(
    machine_arn: str,
    *,
    kind: str,
    user_id: str,
    subject_id: str,
    name: str,
    request: dict[str, Any],
    operation_id: str = "",
) -> Operation:
    """Write an operation's row, then start its execution, so that no execution is without a row.

    Idempotent when `operation_id` is given: the same start again joins the running execution.
    """
    operation_id = operation_id or str(uuid.uuid4())
    now = clock.timestamp()
    operation = Operation(
        operation_id=operation_id,
        user_id=user_id,
        kind=kind,
        subject_id=subject_id,
        name=name,
        state=OperationState.RUNNING,
        request={**request, "operation_id": operation_id, "user_id": user_id},
        execution_arn=_execution_arn(machine_arn, name, operation_id),
        created_at=now,
        updated_at=now,
    )
    store.put(operation, due.fields(DUE_KIND, operation_id, clock.now() + RECONCILE_AFTER))
    _execute(operation.execution_arn, operation.request)
    return operation


def wait(operation: Operation, seconds: float) -> Operation:
    """Wait until the operation has finished, for at most `seconds` and not beyond the request's deadline.

    Does not wait at all while `waiting_requests` others do.
    """
    with _place(seconds) as granted:
        return _wait(operation, granted)


def wait_until_gone(operation: Operation, seconds: float, gone: Callable[[], bool]) -> Operation | None:
    """Wait for a deletion as `wait` does: None when it has finished or the row is `gone`, else the operation.

    Raises RowNotDeleted when the row still exists after the wait.
    """
    with _place(seconds) as granted:
        operation = _wait(operation, granted)
    if operation.finished or gone():
        return None
    if granted == 0:
        return operation
    raise RowNotDeleted(f"{operation.name} could not be deleted yet; its deletion goes on by itself.")


@contextmanager
def _place(seconds: float) -> Iterator[float]:
    """The seconds that a request may wait for its saga: 0 when too many wait, or when it cannot be told.

    Each wait occupies an execution environment, of which an account may have no more than ten, and the sagas that are
    waited for need some of them.
    """
    try:
        place = store.take_place(settings().waiting_requests, seconds) if seconds > 0 else None
    except StoreUnavailable:
        place = None
    try:
        yield seconds if place else 0.0
    finally:
        if place:
            with suppress(StoreUnavailable):
                store.leave_place(place)


def _wait(operation: Operation, seconds: float) -> Operation:
    """The operation after the wait. It has been started: a table that does not answer meanwhile fails no request."""
    ends_at = clock.monotonic() + clock.left(seconds)
    pause = FIRST_PAUSE_SECONDS
    while seconds > 0 and not operation.finished:
        clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        try:
            operation = store.get(operation.user_id, operation.operation_id) or operation
        except StoreUnavailable:
            logger.warning("operation not read", operation_id=operation.operation_id)
        if clock.monotonic() >= ends_at:
            break
    return operation


def raise_failure(operation: Operation) -> None:
    """Raises the error that made the saga fail, if it has failed."""
    if operation.failure:
        raise class_named(operation.failure.error)(operation.failure.message, step=operation.failure.step)


def get(caller: "Caller", operation_id: str, paging: Paging) -> tuple[Operation, Page[Row] | None]:
    """The tenant's operation, with its current step while it runs, and a page of its rows. Raises NotFound."""
    operation = store.get(caller.user_id, operation_id)
    if operation is None:
        raise NotFound("There is no such operation.")
    page = None
    if operation.has_rows:
        progress, page = rows.read(operation_id, paging)
        operation = operation.model_copy(update={"progress": progress})
    if not operation.finished:
        operation = operation.model_copy(update={"current_step": _current_step(operation.execution_arn)})
    return operation, page


def page_of(caller: "Caller", paging: Paging) -> Page[Operation]:
    """The tenant's operations, newest first, as their rows are."""
    return store.page_of(caller.user_id, paging)


def any_running(user_id: str) -> bool:
    """Whether a saga of the tenant runs or is being undone, consistently read."""
    return any(not operation.finished for operation in store.all_of(user_id))


def previous(user_id: str, subject_id: str, kind: str) -> Operation | None:
    """The subject's operation of a kind that happens once; see `id_of`."""
    return store.get(user_id, id_of(subject_id, kind))


def succeeded(owners: Iterable[tuple[str, str]], kind: str) -> list[Operation]:
    """Of subjects, given as tenant and id, the succeeded operations of a kind that happens once; see `id_of`."""
    operations = store.existing((user_id, id_of(subject_id, kind)) for user_id, subject_id in owners)
    return [operation for operation in operations if operation.state == OperationState.SUCCEEDED]


def id_of(subject_id: str, kind: str) -> str:
    """The id of an operation that happens to a subject at most once, such as its deletion."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}/{subject_id}"))


def finish(user_id: str, operation_id: str) -> None:
    """Close an operation as succeeded. Idempotent."""
    store.succeed(user_id, operation_id)


def recall_save(user_id: str, operation_id: str) -> bool:
    """Whether the saga's result was saved although the step's answer was lost. If not, a later save is prevented.

    Undoing a saved creation would delete an inbox, and burn its address, although the account exists.
    """
    try:
        store.start_undoing(user_id, operation_id)
    except StaleStatus:
        operation = store.get(user_id, operation_id)
        return operation is not None and operation.state == OperationState.SUCCEEDED
    return False


def fail(user_id: str, operation_id: str, caught: dict[str, str], *, kind: str, name: str, subject_id: str) -> str:
    """Close the operation of an undone saga as failed and record that its subject has ended; the failure's message.

    `caught` is the output of the saga's Catch: Error, Cause and Step. Idempotent.
    """
    failure = read_failure(caught)
    if store.fail(user_id, operation_id, failure, parts.ended(name, subject_id, user_id)):
        SAGAS_UNDONE.add(1, kind)
    return failure.message


def read_failure(caught: dict[str, str]) -> Failure:
    """The failure in a Catch's output, with the message of Lambda's error document, or else the whole Cause."""
    cause = caught.get("Cause", "")
    try:
        message = json.loads(cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        message = cause
    step = caught.get("Step", "unknown")
    return Failure(
        error=caught.get("Error", "States.Unknown"), message=message or "The step gave no answer.", step=step
    )


def reconcile() -> int:
    """Start the undo of every execution that ended without its own; the number started.

    Executions that are aborted, time out or fail with `States.Runtime` run no Catch. When the execution of a creation
    has succeeded but its operation is not closed, the table was restored from a backup: its resources are in use and
    are not undone.
    """
    started = 0
    for key in due.claim(DUE_KIND, RECONCILE_AFTER):
        operation = store.read(key)
        if operation is None or operation.finished:
            continue
        status = _status(operation.execution_arn)
        if status == "SUCCEEDED" and operation.kind in CREATIONS:
            logger.error("rows of an execution are lost", operation_id=operation.operation_id, subject=operation.name)
        elif status != "RUNNING" and _undo(operation):
            started += 1
            # An execution that was aborted, or never started, is undone without help; these were undoing, or defects.
            if status in ("FAILED", "TIMED_OUT") or operation.undo_attempts:
                UNDOS_STUCK.add(1)
    return started


def _undo(operation: Operation) -> bool:
    """Start the execution that undoes a creation or continues a deletion; False when the operation was closed."""
    machine, _, name = operation.execution_arn.rpartition(":")
    attempt = f"-undo{operation.undo_attempts + 1}"
    base = re.sub(r"-undo\d+$", "", name)
    arn = f"{machine}:{base[: EXECUTION_NAME_LENGTH - len(attempt)]}{attempt}"
    logger.warning("execution died", operation_id=operation.operation_id, attempts=operation.undo_attempts)
    if not store.hand_over(operation, arn, clock.timestamp(clock.now() + RECONCILE_AFTER)):
        return False
    _execute(arn, {**operation.request, "undo": True})
    return True


def _execute(execution_arn: str, request: dict[str, Any]) -> None:
    machine, _, name = execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")
    client = aws.stepfunctions()
    with aws.available():
        try:
            # boto3 reads numbers as Decimal.
            client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(request, default=int))
        except client.exceptions.ExecutionAlreadyExists:
            logger.info("execution joined", operation_id=request["operation_id"])


def _execution_arn(machine_arn: str, name: str, operation_id: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name)[: EXECUTION_NAME_LENGTH - len(operation_id) - 1]
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{readable}-{operation_id}"


def _status(execution_arn: str) -> str | None:
    """The execution's status at Step Functions, such as `RUNNING`; None when there is no such execution."""
    client = aws.stepfunctions()
    with aws.available():
        try:
            return client.describe_execution(executionArn=execution_arn)["status"]
        except client.exceptions.ExecutionDoesNotExist:
            return None


def _current_step(execution_arn: str) -> str | None:
    client = aws.stepfunctions()
    with aws.available():
        try:
            history = client.get_execution_history(executionArn=execution_arn, maxResults=20, reverseOrder=True)
        except client.exceptions.ExecutionDoesNotExist:
            return None
    entered = [event for event in history["events"] if "stateEnteredEventDetails" in event]
    last = max(entered, key=lambda event: event["id"], default=None)
    return last["stateEnteredEventDetails"]["name"] if last else None
