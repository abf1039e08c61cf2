"""Whether a resource is left alone, reported or removed, by the state of its owner, and when."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from kindling.accounts.model import mark, parse_mark
from kindling.inventory.model import GRACE, PROVIDERS, Finding, Kind, Problem, Sighting, record
from kindling.inventory.rules import ClaimState, Outcome, OwnerState, classify, is_settled, may_remove
from kindling.platform import clock

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
NOTHING, REPORT, REMOVE = Outcome.NOTHING, Outcome.REPORT, Outcome.REMOVE
ACCOUNT = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"

# The outcomes without a row and a cleanup: when the owner's end is not recorded, and when it is.
OUTCOMES = {
    ClaimState.NO: (REPORT, REMOVE),
    ClaimState.RESERVED: (NOTHING, NOTHING),
    ClaimState.IN_USE: (REPORT, REPORT),
    ClaimState.BURNT: (REMOVE, REMOVE),
    ClaimState.OTHER: (REPORT, REPORT),
}


def sighting(*, safe: bool = True) -> Sighting:
    return Sighting(kind=Kind.INBOX, problem=Problem.ORPHAN, target="kim@acme.example", message="Left over.", safe=safe)


def finding(*, safe: bool = True) -> Finding:
    return record(sighting(safe=safe), None, NOW)


@pytest.mark.parametrize(("claimed", "ended"), list(product(ClaimState, (False, True))))
def test_what_nothing_names_is_classified_by_claim_and_recorded_end(claimed: ClaimState, ended: bool) -> None:
    assert classify(OwnerState(claimed=claimed, ended=ended)) == OUTCOMES[claimed][ended]


@pytest.mark.parametrize(
    ("row", "cleanup", "claimed", "ended"),
    [each for each in product((False, True), (False, True), ClaimState, (False, True)) if each[0] or each[1]],
)
def test_what_a_row_or_a_cleanup_names_is_left_alone(
    row: bool, cleanup: bool, claimed: ClaimState, ended: bool
) -> None:
    assert classify(OwnerState(row=row, cleanup=cleanup, claimed=claimed, ended=ended)) == NOTHING


def test_nothing_is_removed_before_the_grace_has_ended_to_the_millisecond() -> None:
    assert timedelta(hours=24) == GRACE
    found = finding()
    assert found.acts_at == "2026-03-02T09:00:00.000Z"
    assert not may_remove(found, NOW + GRACE - MILLISECOND)
    assert may_remove(found, NOW + GRACE)


def test_what_is_only_reported_is_never_removed() -> None:
    found = finding(safe=False)
    assert found.acts_at is None
    assert not may_remove(found, NOW + timedelta(days=365))


def test_a_row_is_missed_from_when_it_is_as_old_as_the_grace_to_the_millisecond() -> None:
    created_at = clock.timestamp(NOW)
    assert not is_settled(created_at, NOW + GRACE - MILLISECOND)
    assert is_settled(created_at, NOW + GRACE)


@pytest.mark.parametrize("safe", [True, False])
def test_a_finding_keeps_when_it_was_first_seen(safe: bool) -> None:
    later = NOW + timedelta(hours=7)
    again = record(sighting(safe=safe), finding(safe=safe), later)
    assert (again.first_seen_at, again.last_seen_at) == (clock.timestamp(NOW), clock.timestamp(later))


def test_a_finding_that_becomes_safe_has_its_grace_from_then() -> None:
    later = NOW + timedelta(days=9)
    assert not may_remove(record(sighting(safe=True), finding(safe=False), later), later)


def test_every_kind_is_some_providers() -> None:
    assert set(PROVIDERS) == set(Kind)


def test_an_inboxs_mark_leads_to_its_account() -> None:
    assert parse_mark(mark(ACCOUNT)) == ACCOUNT


@pytest.mark.parametrize("client_id", [None, "", ACCOUNT, "kindling-", "kindling-by-hand", f"x-kindling-{ACCOUNT}"])
def test_what_is_no_mark_leads_to_no_account(client_id: str | None) -> None:
    assert parse_mark(client_id) is None
