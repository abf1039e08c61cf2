"""Which changes of which rows are events, and what they show."""

from typing import Any

import pytest

from kindling.accounts.model import WarmupStatus
from kindling.domains.model import DomainStatus
from kindling.events.changes import MOST_CHARACTERS, change_of, event_of
from kindling.events.model import NAMES, TYPES, Event
from kindling.events.sentences import sentence
from kindling.operations.model import OperationState
from kindling.warming.model import Phase

PK = "TENANT#u-1"
AT = 1772355600.0


def event(sk: str, old: Any, new: Any, *, pk: str = PK, sequence: str = "7") -> Event | None:
    told = {
        "Keys": {"pk": {"S": pk}, "sk": {"S": sk}},
        "SequenceNumber": sequence,
        "ApproximateCreationDateTime": AT,
        "OldImage": old,
        "NewImage": new,
    }
    return event_of(change_of({"dynamodb": told}, lambda image: image))


def named(*arguments: Any, **more: Any) -> str | None:
    found = event(*arguments, **more)
    return found.type if found else None


def test_every_state_has_a_type() -> None:
    created = {"created", "deleted"}
    assert set(NAMES["domain"]) == created | set(DomainStatus)
    # A new account is not started, which it never becomes again.
    assert set(NAMES["account"]) == created | set(WarmupStatus) - {WarmupStatus.NOT_STARTED}
    assert set(NAMES["warming"]) == set(Phase) - {Phase.NOT_STARTED}
    assert set(NAMES["operation"]) == set(OperationState)
    assert len(set(TYPES)) == len(TYPES)


@pytest.mark.parametrize(
    ("sk", "old", "new", "wanted"),
    [
        ("DOMAIN#1", None, {"status": "pending"}, "domain.created"),
        ("DOMAIN#1", {"status": "pending"}, {"status": "verified"}, "domain.verified"),
        ("DOMAIN#1", {"status": "verified"}, {"status": "verified", "checks": {}}, None),
        ("DOMAIN#1", {"status": "verified"}, None, "domain.deleted"),
        ("ACCOUNT#1", None, {"warmup_status": "warming"}, "account.created"),
        ("ACCOUNT#1", {"warmup_status": "warming"}, {"warmup_status": "suspended"}, "account.suspended"),
        ("ACCOUNT#1", {"warmup_status": "warming"}, {"warmup_status": "warming", "signature": "x"}, None),
        ("ACCOUNT#1", {"warmup_status": "active"}, None, "account.deleted"),
        ("OPERATION#1", None, {"state": "running"}, "operation.running"),
        ("OPERATION#1", {"state": "running"}, {"state": "failed"}, "operation.failed"),
        ("OPERATION#1", {"state": "running"}, {"state": "running", "undo_attempts": 1}, None),
        ("OPERATION#1", {"state": "failed"}, None, None),
        ("SUPPRESSION#a@b.c", None, {"email": "a@b.c"}, "suppression.created"),
        ("SUPPRESSION#a@b.c", {"email": "a@b.c"}, {"email": "a@b.c", "v": 1}, None),
        ("SUPPRESSION#a@b.c", {"email": "a@b.c"}, None, "suppression.deleted"),
        ("WEBHOOK#1", {"enabled": True}, {"enabled": False}, "webhook.disabled"),
        ("WEBHOOK#1", {"enabled": False}, {"enabled": True}, None),
        ("WEBHOOK#1", None, {"enabled": True}, None),
        ("WARMING#1", {"phase": "phase_1"}, {"phase": "paused"}, None),
        ("DELIVERY#1#2", None, {"status": "pending"}, None),
        ("REVIEW", None, {"due_at": "x"}, None),
    ],
)
def test_a_change_of_a_state_is_an_event_and_no_other_is(sk: str, old: Any, new: Any, wanted: str | None) -> None:
    assert named(sk, old, new) == wanted
    assert wanted is None or wanted in TYPES
    # Another's partition, such as a claim to a name, says nothing.
    assert named(sk, old, new, pk="DOMAIN_NAME#a.example") is None


def test_an_entry_of_a_history_is_a_change_of_the_warming() -> None:
    entry = {"to_phase": "paused", "from_phase": "phase_2", "domain_id": "d-1", "reason": "r", "created_at": "t"}
    found = event("0000000007", None, entry, pk=f"{PK}#WARMING#d-1")
    assert found
    assert (found.type, found.subject, found.user_id, found.created_at) == ("warming.paused", "warming/d-1", "u-1", "t")
    assert named("0000000007", entry, None, pk=f"{PK}#WARMING#d-1") is None
    assert named("d-1", None, entry, pk=f"{PK}#EVIDENCE") is None


def test_an_event_has_the_same_id_each_time_and_sequences_that_sort() -> None:
    first, again = (event("DOMAIN#1", None, {"status": "pending"}, sequence="99") for _ in range(2))
    later = event("DOMAIN#1", None, {"status": "pending"}, sequence="100")
    assert first
    assert later
    assert first == again
    assert first.id != later.id
    assert first.sequence < later.sequence


def test_an_event_shows_what_it_names_and_nothing_else_and_is_short() -> None:
    row = {"id": "1", "status": "failed", "ownership": "challenge", "due_at": "x", "updated_at": "then"}
    found = event("DOMAIN#1", {"status": "verifying"}, {**row, "status_reason": "a" * 9999})
    assert found
    assert set(found.data) == {"id", "status", "status_reason", "updated_at", "previous"}
    assert (found.data["previous"], len(found.data["status_reason"])) == ("verifying", MOST_CHARACTERS)
    assert found.created_at == "then"
    gone = event("DOMAIN#1", row, None)
    assert gone
    assert gone.created_at == "2026-03-01T09:00:00.000Z"


@pytest.mark.parametrize("name", TYPES)
def test_every_event_is_a_sentence(name: str) -> None:
    told = Event(user_id="u", id="1", type=name, created_at="t", subject="s", sequence="1", data={"detail": "Why."})
    assert sentence(told).endswith(". Why.")
