"""Starting sagas, waiting for them, telling how far they are, and undoing what a dead one left."""

import json
import re
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from kindling.errors import NotFound, RowNotDeleted, StaleStatus, class_named
from kindling.keys.model import Caller
from kindling.operations import parts, store
from kindling.operations.model import Failure, Operation, OperationState
from kindling.platform import aws, clock, due
from kindling.platform.observability import logger

DUE_KIND = "operation"
# A healthy saga ends well within this; the reconciler looks at the others.
PATIENCE = timedelta(minutes=10)
# What is undone by removing what it made; an interrupted deletion is carried on instead.
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
    """Start the saga `machine_arn` about `name`, its row first, so that no execution is without one.

    With an `operation_id` of the caller's own the same start again joins the first one.
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
    store.put(operation, due.fields(DUE_KIND, operation_id, clock.now() + PATIENCE))
    _execute(operation.execution_arn, operation.request)
    return operation


def wait(operation: Operation, seconds: float) -> Operation:
    """The operation once it has finished, or as it is after `seconds`, or when the caller's deadline comes first."""
    ends_at = clock.monotonic() + clock.left(seconds)
    pause = FIRST_PAUSE_SECONDS
    while seconds > 0 and not operation.finished:
        clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        operation = store.get(operation.user_id, operation.operation_id) or operation
        if clock.monotonic() >= ends_at:
            break
    return operation


def wait_until_gone(operation: Operation, seconds: float, gone: Callable[[], bool]) -> Operation | None:
    """None once a deletion's row is gone; the operation itself for a caller that does not wait.

    Raises RowNotDeleted when the row is still there in the end.
    """
    operation = wait(operation, seconds)
    if operation.finished or gone():
        return None
    if seconds == 0:
        return operation
    raise RowNotDeleted(f"{operation.name} could not be deleted yet; its deletion goes on by itself.")


def raise_failure(operation: Operation) -> None:
    """Raise the error that made the saga fail; nothing when it did not fail."""
    if operation.failure:
        raise class_named(operation.failure.error)(operation.failure.message, step=operation.failure.step)


def get(caller: Caller, operation_id: str) -> Operation:
    """What `GET /api/operations/{id}` tells. Raises NotFound when the tenant has no such operation."""
    operation = store.get(caller.user_id, operation_id)
    if operation is None:
        raise NotFound("There is no such operation.")
    if operation.finished:
        return operation
    return operation.model_copy(update={"current_step": _current_step(operation.execution_arn)})


def previous(user_id: str, subject_id: str, kind: str) -> Operation | None:
    """The operation of a kind that has happened to a subject; see `about`."""
    return store.get(user_id, about(subject_id, kind))


def succeeded(owners: Iterable[tuple[str, str]], kind: str) -> list[Operation]:
    """The operations of a kind that have happened to subjects, each given by its tenant and id; see `about`."""
    found = store.standing((user_id, about(subject_id, kind)) for user_id, subject_id in owners)
    return [operation for operation in found if operation.state == OperationState.SUCCEEDED]


def about(subject_id: str, kind: str) -> str:
    """The operation id of something that happens to a subject once, a deletion above all."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}/{subject_id}"))


def finish(user_id: str, operation_id: str) -> None:
    """Close an operation as succeeded; again is harmless."""
    store.succeed(user_id, operation_id)


def recall_save(user_id: str, operation_id: str) -> bool:
    """Whether the saga's result was saved after all; when not, it cannot be saved any more.

    A save whose answer was lost is a success: undoing it would delete an inbox, and burn its address, for nothing.
    """
    try:
        store.start_undoing(user_id, operation_id)
    except StaleStatus:
        operation = store.get(user_id, operation_id)
        return operation is not None and operation.state == OperationState.SUCCEEDED
    return False


def fail(user_id: str, operation_id: str, caught: dict[str, str], *, name: str, subject_id: str) -> str:
    """Close the operation of a saga that was undone, and say why it failed; `subject_id`, called `name`, has ended.

    `caught` is what the saga's Catch saw: Error, Cause, Step.
    """
    failure = read_failure(caught)
    store.fail(user_id, operation_id, failure, parts.ended(name, subject_id, user_id))
    return failure.message


def read_failure(caught: dict[str, str]) -> Failure:
    """The sentence in a Lambda's error document, or the bare cause where there is none."""
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
    """Undo what executions left that died without their own undo; the number of undos started.

    Aborted, timed out, failed in `States.Runtime` or lost with the engine: none of these runs a Catch. A creation that
    succeeded and whose operation still runs is from before a restore: what it made is in use, and stays.
    """
    started = 0
    for key in due.claim(DUE_KIND, PATIENCE):
        operation = store.read(key)
        if operation is None or operation.finished:
            continue
        status = _status(operation.execution_arn)
        if status == "SUCCEEDED" and operation.kind in CREATIONS:
            logger.error("rows of an execution are lost", operation_id=operation.operation_id, subject=operation.name)
        elif status != "RUNNING":
            started += _undo(operation)
    return started


def _undo(operation: Operation) -> bool:
    """Start what undoes a dead execution, or carries a deletion on; False when somebody closed it meanwhile."""
    machine, _, name = operation.execution_arn.rpartition(":")
    attempt = f"-undo{operation.undo_attempts + 1}"
    base = re.sub(r"-undo\d+$", "", name)
    arn = f"{machine}:{base[: EXECUTION_NAME_LENGTH - len(attempt)]}{attempt}"
    logger.warning("execution died", operation_id=operation.operation_id, execution=operation.execution_arn)
    if not store.hand_over(operation, arn, clock.timestamp(clock.now() + PATIENCE)):
        return False
    _execute(arn, {**operation.request, "undo": True})
    return True


def _execute(execution_arn: str, request: dict[str, Any]) -> None:
    machine, _, name = execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")
    client = aws.stepfunctions()
    with aws.available():
        try:
            client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(request))
        except client.exceptions.ExecutionAlreadyExists:
            logger.info("execution joined", execution=execution_arn)


def _execution_arn(machine_arn: str, name: str, operation_id: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name)[: EXECUTION_NAME_LENGTH - len(operation_id) - 1]
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{readable}-{operation_id}"


def _status(execution_arn: str) -> str | None:
    """How the execution stands in Step Functions' words; None when it knows none of that name."""
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
