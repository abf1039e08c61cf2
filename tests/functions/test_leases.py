"""How long what was handed out stays with whom it was handed to, and when work first falls due: to the millisecond."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from kindling.accounts import enabling, graduation
from kindling.cleanups import parts as cleanup_parts
from kindling.cleanups import service as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains import dispatch as domains
from kindling.errors import StoreUnavailable
from kindling.operations import service as operations
from kindling.operations import store
from kindling.operations.model import Operation, OperationState
from kindling.platform import aws, clock, due, table
from kindling.warming import dispatch as judgements
from tests.conftest import Clock, Kindling

MOMENT = timedelta(milliseconds=1)
KEY = {"pk": "TENANT#u", "sk": "ROW#1"}
# What is queued, and how.
DISPATCHES: dict[str, Callable[[], int]] = {
    "verification": domains.dispatch_due,
    "warming": judgements.dispatch_due,
    "review": graduation.dispatch,
    "cleanup": cleanups.dispatch,
    "warmup": enabling.dispatch,
}
LEASE = timedelta(hours=6, minutes=30)
NOBODYS = "arn:aws:states:us-east-1:123456789012:stateMachine:absent"


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("kind", DISPATCHES)
def test_what_was_queued_and_never_worked_on_is_queued_again_when_its_lease_ends(
    kind: str, steady_clock: Clock
) -> None:
    dispatch = DISPATCHES[kind]
    aws.table().put_item(Item={**KEY, **due.fields(kind, "row", clock.now())})
    assert dispatch() == 1
    steady_clock.at += LEASE - MOMENT
    assert dispatch() == 0
    steady_clock.at += MOMENT
    assert dispatch() == 1


@pytest.mark.usefixtures("cloud")
def test_the_saga_that_writes_a_cleanup_has_two_minutes_for_it(steady_clock: Clock) -> None:
    table.transact([cleanup_parts.scheduled("u", CleanupKind.INBOX, "kim@acme.example", "a")])
    steady_clock.at += timedelta(minutes=2) - MOMENT
    assert cleanups.dispatch() == 0
    steady_clock.at += MOMENT
    assert cleanups.dispatch() == 1


@pytest.mark.usefixtures("cloud")
def test_an_execution_has_ten_minutes_before_somebody_looks_and_so_has_its_undo(steady_clock: Clock) -> None:
    with pytest.raises(StoreUnavailable):
        operations.start(
            NOBODYS,
            kind="onboard_domain",
            user_id="u",
            subject_id="d",
            name="acme.example",
            request={},
            operation_id="o",
        )
    for undos in (0, 1, 2):
        found = store.get("u", "o")
        assert found
        assert (found.undo_attempts, found.due_at) == (undos, clock.timestamp(clock.now() + timedelta(minutes=10)))
        steady_clock.at += timedelta(minutes=10) - MOMENT
        assert operations.reconcile() == 0
        steady_clock.at += MOMENT
        with pytest.raises(StoreUnavailable):
            operations.reconcile()


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_an_operation_that_has_finished_is_left_alone_though_it_is_still_due() -> None:
    now = clock.timestamp()
    done = Operation(
        operation_id="o",
        user_id="u",
        kind="onboard_domain",
        subject_id="d",
        name="acme.example",
        state=OperationState.SUCCEEDED,
        request={},
        execution_arn=NOBODYS.replace(":stateMachine:", ":execution:") + ":o",
        created_at=now,
        updated_at=now,
    )
    store.put(done, due.fields(operations.DUE_KIND, "o", clock.now()))
    assert operations.reconcile() == 0


def test_a_look_that_changes_nothing_is_noted_every_five_minutes(kindling: Kindling) -> None:
    domain = kindling.verified_domain()

    def noted() -> str:
        assert kindling.api.get("/api/email/domains").status == 200
        shown: str = kindling.api.get(f"/v1/domains/{domain['id']}").body["last_dns_check"]
        return shown

    first = noted()
    kindling.clock.at = clock.parse(first) + timedelta(minutes=5) - MOMENT
    assert noted() == first
    kindling.clock.at += MOMENT
    assert noted() == clock.timestamp()


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(("left", "waits"), [(None, 20.0), (30.0, 20.0), (5.0, 4.0), (1.0, 0.0)])
def test_a_wait_for_a_saga_ends_with_its_caller_s_deadline(
    steady_clock: Clock, left: float | None, waits: float
) -> None:
    with pytest.raises(StoreUnavailable):
        operations.start(
            NOBODYS,
            kind="onboard_domain",
            user_id="u",
            subject_id="d",
            name="acme.example",
            request={},
            operation_id="o",
        )
    running = store.get("u", "o")
    assert running
    began = clock.monotonic()
    if left is None:
        operations.wait(running, 20.0)
    else:
        with clock.deadline(left):
            operations.wait(running, 20.0)
    # The last look is at most one pause after the end.
    assert waits <= clock.monotonic() - began <= waits + 0.5
