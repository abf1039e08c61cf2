"""What becomes of a resource that carries our mark, by what the table says of its owner, and when."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from kindling.accounts.model import mark, marked
from kindling.inventory.model import GRACE, PROVIDERS, Finding, Kind, Problem, Sighting, seen
from kindling.inventory.rules import Claimed, Known, Outcome, classify, is_settled, may_act
from kindling.platform import clock

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
NOTHING, REPORT, REMOVE = Outcome.NOTHING, Outcome.REPORT, Outcome.REMOVE
ACCOUNT = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"

# What is to be done where neither a row nor a cleanup names it: without a note of its end, and with one.
UNNAMED = {
    Claimed.NO: (REPORT, REMOVE),
    Claimed.RESERVED: (NOTHING, NOTHING),
    Claimed.IN_USE: (REPORT, REPORT),
    Claimed.BURNT: (REMOVE, REMOVE),
    Claimed.OTHERWISE: (REPORT, REPORT),
}


def sighting(*, safe: bool = True) -> Sighting:
    return Sighting(kind=Kind.INBOX, problem=Problem.ORPHAN, target="kim@acme.example", message="Left over.", safe=safe)


def finding(*, safe: bool = True) -> Finding:
    return seen(sighting(safe=safe), None, NOW)


@pytest.mark.parametrize(("claimed", "ended"), list(product(Claimed, (False, True))))
def test_what_nothing_names_is_classifyd_by_its_claim_and_the_note_of_its_end(claimed: Claimed, ended: bool) -> None:
    assert classify(Known(claimed=claimed, ended=ended)) == UNNAMED[claimed][ended]


@pytest.mark.parametrize(
    ("row", "cleanup", "claimed", "ended"),
    [each for each in product((False, True), (False, True), Claimed, (False, True)) if each[0] or each[1]],
)
def test_what_a_row_or_a_cleanup_names_is_left_alone(row: bool, cleanup: bool, claimed: Claimed, ended: bool) -> None:
    assert classify(Known(row=row, cleanup=cleanup, claimed=claimed, ended=ended)) == NOTHING


def test_nothing_is_removed_before_the_grace_has_ended_to_the_millisecond() -> None:
    assert timedelta(hours=24) == GRACE
    found = finding()
    assert found.acts_at == "2026-03-02T09:00:00.000Z"
    assert not may_act(found, NOW + GRACE - MILLISECOND)
    assert may_act(found, NOW + GRACE)


def test_what_is_only_reported_is_never_removed() -> None:
    found = finding(safe=False)
    assert found.acts_at is None
    assert not may_act(found, NOW + timedelta(days=365))


def test_a_row_is_missed_from_when_it_is_as_old_as_the_grace_to_the_millisecond() -> None:
    created_at = clock.timestamp(NOW)
    assert not is_settled(created_at, NOW + GRACE - MILLISECOND)
    assert is_settled(created_at, NOW + GRACE)


@pytest.mark.parametrize("safe", [True, False])
def test_a_finding_keeps_when_it_was_first_seen(safe: bool) -> None:
    later = NOW + timedelta(hours=7)
    again = seen(sighting(safe=safe), finding(safe=safe), later)
    assert (again.first_seen_at, again.last_seen_at) == (clock.timestamp(NOW), clock.timestamp(later))


def test_a_finding_that_becomes_safe_has_its_grace_from_then() -> None:
    later = NOW + timedelta(days=9)
    assert not may_act(seen(sighting(safe=True), finding(safe=False), later), later)


def test_every_kind_is_some_providers() -> None:
    assert set(PROVIDERS) == set(Kind)


def test_an_inboxs_mark_leads_to_its_account() -> None:
    assert marked(mark(ACCOUNT)) == ACCOUNT


@pytest.mark.parametrize("client_id", [None, "", ACCOUNT, "kindling-", "kindling-by-hand", f"x-kindling-{ACCOUNT}"])
def test_what_is_no_mark_leads_to_no_account(client_id: str | None) -> None:
    assert marked(client_id) is None
