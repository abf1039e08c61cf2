"""Operations: the names and ids of executions, and reading their failures."""

import json
import re
import uuid
from typing import Any

import pytest

from kindling.errors import (
    AddressTaken,
    ExecutionDied,
    KindlingError,
    ProviderRefused,
    RowNotDeleted,
    StaleStatus,
    StoreUnavailable,
)
from kindling.operations import service, store
from kindling.operations.model import Failure, Operation, OperationState, operation_key
from kindling.platform import aws, clock, table
from tests.conftest import Clock

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:ProvisionAccount"
USER = "7d3a4c1e-6b52-4f0a-9c8e-2f1b5d907a36"
NAMES = [
    "kim@acme.example",
    "a@b.co",
    "k" * 64 + "@" + ".".join(["d" * 61] * 4),
    "kim.o'neil+x@acme.example",
    "..--__@acme.example",
    "xn--bcher-kva.example",
]


def operation(**changes: Any) -> Operation:
    fields: dict[str, Any] = {
        "operation_id": "e4eaaaf2-d142-41b3-b1d5-5f0a0a1e3c20",
        "user_id": USER,
        "kind": "onboard_domain",
        "subject_id": "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
        "name": "acme.example",
        "state": OperationState.RUNNING,
        "request": {"domain": "acme.example"},
        "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:OnboardDomain:acme-example-1",
        "created_at": "2026-03-01T09:00:00.000Z",
        "updated_at": "2026-03-01T09:00:00.000Z",
    }
    return Operation(**fields | changes)


@pytest.mark.parametrize("name", NAMES)
def test_an_executions_name_is_one_that_step_functions_takes_and_an_operator_finds(name: str) -> None:
    operation_id = str(uuid.uuid4())
    arn = service._execution_arn(MACHINE, name, operation_id)
    assert arn.startswith("arn:aws:states:us-east-1:123456789012:execution:ProvisionAccount:")
    execution = arn.rpartition(":")[2]
    assert len(execution) <= 80
    assert re.fullmatch(r"[A-Za-z0-9-]+", execution)
    assert execution.endswith(f"-{operation_id}")
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name)
    assert execution.startswith(readable[:40])


def test_names_that_look_alike_have_executions_of_their_own() -> None:
    arns = {service._execution_arn(MACHINE, name, str(uuid.uuid4())) for name in ("a-b.example", "a.b.example")}
    assert len(arns) == 2


def test_a_thing_that_happens_once_has_one_operation_id() -> None:
    subject = str(uuid.uuid4())
    assert service.id_of(subject, "offboard_domain") == service.id_of(subject, "offboard_domain")
    assert service.id_of(subject, "offboard_domain") != service.id_of(subject, "deprovision_account")
    assert uuid.UUID(service.id_of(subject, "offboard_domain"))


def caught(cause: Any, error: str = "ProviderRefused") -> dict[str, str]:
    return {"Error": error, "Cause": cause, "Step": "CreateInbox"}


def test_the_sentence_is_read_out_of_lambdas_error_document() -> None:
    document = {"errorMessage": "No more.", "errorType": "ProviderRefused", "stackTrace": ["..."]}
    failure = service.read_failure(caught(json.dumps(document)))
    assert failure == Failure(error="ProviderRefused", message="No more.", step="CreateInbox")


@pytest.mark.parametrize("cause", ["Task timed out.", "{", "[]", "7", '"text"', '{"other": 1}'])
def test_a_cause_without_a_sentence_is_the_sentence(cause: str) -> None:
    assert service.read_failure(caught(cause)).message == cause


@pytest.mark.parametrize("cause", ["", '{"errorMessage": ""}', '{"errorMessage": null}'])
def test_a_failure_that_says_nothing_is_told_as_such(cause: str) -> None:
    assert service.read_failure(caught(cause)).message == "The step gave no answer."


def test_a_failure_of_which_nothing_is_known_can_be_read() -> None:
    assert service.read_failure({}) == Failure(
        error="States.Unknown", message="The step gave no answer.", step="unknown"
    )


@pytest.mark.parametrize(
    ("error", "cls"),
    [("ProviderRefused", ProviderRefused), ("AddressTaken", AddressTaken), ("ExecutionDied", ExecutionDied)],
)
def test_a_failed_operation_raises_what_made_it_fail(error: str, cls: type[KindlingError]) -> None:
    failed = operation(
        state=OperationState.FAILED, failure=Failure(error=error, message="No more.", step="CreateInbox")
    )
    with pytest.raises(cls, match=r"^No more\.$") as raised:
        service.raise_failure(failed)
    assert raised.value.extras == {"step": "CreateInbox"}
    assert failed.wire()["error"] == {"code": cls.code, "message": "No more.", "step": "CreateInbox"}


@pytest.mark.parametrize("state", [OperationState.RUNNING, OperationState.UNDOING, OperationState.SUCCEEDED])
def test_an_operation_that_did_not_fail_raises_nothing(state: OperationState) -> None:
    service.raise_failure(operation(state=state))
    assert operation(state=state).wire()["error"] is None


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_an_operation_is_written_once() -> None:
    store.put(operation(), {})
    store.put(operation(name="another"), {})
    found = store.get(USER, operation().operation_id)
    assert found is not None
    assert found.name == "acme.example"


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_an_operation_that_ends_is_no_longer_due() -> None:
    store.put(operation(), {"due_shard": "operation#0", "due_at": clock.timestamp()})
    service.fail(
        USER, operation().operation_id, caught("No."), kind="provision_account", name="acme.example", subject_id="d"
    )
    ended = store.get(USER, operation().operation_id)
    assert ended is not None
    assert (ended.state, ended.due_at) == (OperationState.FAILED, None)


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_save_is_recalled_before_it_happened_or_told_after_it_did() -> None:
    store.put(operation(), {})
    operation_id = operation().operation_id
    assert service.recall_save(USER, operation_id) is False
    assert service.recall_save(USER, operation_id) is False
    store.put(operation(operation_id="other", state=OperationState.SUCCEEDED), {})
    assert service.recall_save(USER, "other") is True


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_nobody_waits_longer_than_they_wanted() -> None:
    store.put(operation(), {})
    before = clock.monotonic()
    assert service.wait(operation(), 20).state == OperationState.RUNNING
    assert 20 <= clock.monotonic() - before < 21
    assert service.wait(operation(), 0).state == OperationState.RUNNING


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_so_many_wait_at_a_time_and_the_next_one_not_at_all() -> None:
    store.put(operation(), {})
    places = [store.take_place(5, 20) for _ in range(5)]
    assert len({place.name for place in places if place}) == 5
    before = clock.monotonic()
    assert service.wait(operation(), 20).state == OperationState.RUNNING
    assert service.wait_until_gone(operation(), 20, lambda: False) == operation()
    assert service.wait_until_gone(operation(), 20, lambda: True) is None
    assert clock.monotonic() == before
    assert places[0]
    store.leave_place(places[0])
    service.wait(operation(), 20)
    with pytest.raises(RowNotDeleted):
        service.wait_until_gone(operation(), 20, lambda: False)
    assert clock.monotonic() - before >= 40


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(("seconds", "taken"), [(19.999, False), (20, True)])
def test_a_place_that_was_never_left_is_free_when_its_time_is_over(
    steady_clock: Clock, seconds: float, taken: bool
) -> None:
    first = store.take_place(1, 20)
    assert first
    steady_clock.advance(seconds=seconds)
    second = store.take_place(1, 20)
    assert (second is not None) == taken
    # Who comes back too late leaves nobody else's place.
    store.leave_place(first)
    assert (store.take_place(1, 20) is None) == taken


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_two_that_want_the_last_place_do_not_both_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "get", lambda _: None)
    assert store.take_place(1, 20)
    assert store.take_place(1, 20) is None


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_wait_that_cannot_be_counted_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise StoreUnavailable("busy")

    monkeypatch.setattr(store, "take_place", busy)
    before = clock.monotonic()
    assert service.wait(operation(), 20) == operation()
    assert clock.monotonic() == before


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_save_is_recalled_only_where_it_happened_and_nowhere_happens_any_more() -> None:
    about = (USER, operation().operation_id)
    for state, saved in (("succeeded", True), ("failed", False), ("running", False), ("undoing", False)):
        aws.table().delete_item(Key=operation_key(*about))
        store.put(operation(state=OperationState(state)), {})
        assert service.recall_save(*about) is saved
        found = store.get(*about)
        assert found
        assert found.state == ("undoing" if state == "running" else state)
        if found.state == "undoing":
            with pytest.raises(StaleStatus):
                service.finish(*about)


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_only_what_has_succeeded_counts_as_having_happened() -> None:
    kind = "deprovision_account"
    for subject_id, state in (("a", "succeeded"), ("b", "running"), ("c", "failed"), ("d", "undoing")):
        store.put(operation(operation_id=service.id_of(subject_id, kind), state=OperationState(state)), {})
    happened = service.succeeded([(USER, subject_id) for subject_id in "abcde"], kind)
    assert [found.operation_id for found in happened] == [service.id_of("a", kind)]


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_the_same_start_again_joins_the_first_one() -> None:
    first = operation()
    store.put(first, {})
    store.put(first.model_copy(update={"execution_arn": "another", "state": OperationState.FAILED}), {})
    assert store.get(first.user_id, first.operation_id) == first
