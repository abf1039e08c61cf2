"""How long a cleanup pauses, when an operator should look, and that one which is done stays done."""

from datetime import timedelta

import pytest

from kindling.cleanups import parts, store
from kindling.cleanups.model import Cleanup, CleanupKind, back_off
from kindling.platform import aws, clock, table

MADE = "2026-03-01T09:00:00.000Z"


def cleanup(attempts: int = 0) -> Cleanup:
    names = {"user_id": "u", "kind": CleanupKind.INBOX, "target": "kim@acme.example", "subject_id": "a"}
    return Cleanup.model_validate(names | {"attempts": attempts, "created_at": MADE})


def test_a_pause_doubles_from_five_minutes_to_six_hours() -> None:
    minutes = [back_off(attempts) / timedelta(minutes=1) for attempts in range(1, 10)]
    assert minutes == [5, 10, 20, 40, 80, 160, 320, 360, 360]
    assert back_off(0) == timedelta(minutes=5)
    assert back_off(10_000) == timedelta(hours=6)


def test_a_cleanup_is_stuck_at_its_tenth_attempt() -> None:
    assert [cleanup(attempts).wire()["stuck"] for attempts in (0, 9, 10, 11)] == [False, False, True, True]


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_cleanup_that_was_finished_meanwhile_is_not_put_off() -> None:
    table.transact([parts.scheduled("u", CleanupKind.INBOX, "kim@acme.example", "a")])
    store.reschedule(cleanup(), "no answer", clock.now())
    (item,) = aws.table().scan()["Items"]
    assert (item["attempts"], item["last_error"]) == (1, "no answer")
    store.delete(cleanup())
    store.reschedule(cleanup(), "no answer", clock.now())
    assert aws.table().scan()["Items"] == []
