"""The status of a domain after a check, the time of its next check, and the validation of request bodies."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from kindling.domains.model import (
    CHECK_DELAYS,
    GIVE_UP,
    CreateDomain,
    DnsSync,
    Domain,
    DomainStatus,
    next_check,
    status_after,
)
from kindling.providers.model import DnsRecord

TRIGGER = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
WAITING = ("NOT_STARTED", "PENDING", "VERIFYING", "UNKNOWN")

# Current status and provider's status: status within 12 hours, and after. The challenge only matters for VERIFIED.
TRUTH = {
    **{("pending", word): ("pending", "pending") for word in (*WAITING, "INVALID")},
    ("pending", "FAILED"): ("failed", "failed"),
    **{("verifying", word): ("verifying", "failed") for word in (*WAITING, "INVALID")},
    ("verifying", "FAILED"): ("failed", "failed"),
    **{("verified", word): ("verifying", "verifying") for word in WAITING},
    ("verified", "INVALID"): ("failed", "failed"),
    ("verified", "FAILED"): ("failed", "failed"),
    **{("failed", word): ("verifying", "failed") for word in (*WAITING, "INVALID")},
    ("failed", "FAILED"): ("failed", "failed"),
}
# Current status and whether the challenge is in DNS: the same, when the provider has verified the domain.
PROOF: dict[tuple[str, bool | None], tuple[str, str]] = {
    **{(status, True): ("verified", "verified") for status in ("pending", "verifying", "failed", "verified")},
    ("pending", False): ("pending", "pending"),
    ("verifying", False): ("pending", "pending"),
    ("failed", False): ("pending", "pending"),
    ("verified", False): ("verified", "verified"),
    ("pending", None): ("pending", "pending"),
    ("verifying", None): ("verifying", "pending"),
    ("failed", None): ("failed", "failed"),
    ("verified", None): ("verified", "verified"),
}
SHOWN = (True, False, None)


def test_the_truth_tables_are_complete() -> None:
    words = {*WAITING, "INVALID", "FAILED"}
    assert set(TRUTH) == {(status.value, word) for status in DomainStatus for word in words}
    assert set(PROOF) == {(status.value, shown) for status in DomainStatus for shown in SHOWN}


def becomes(current: str, word: str, shown: bool | None) -> tuple[str, str]:
    """The status in the last moment of the 12 hours, and in the first one after them."""
    at = (TRIGGER + GIVE_UP - timedelta(milliseconds=1), TRIGGER + GIVE_UP)
    within, after = (status_after(DomainStatus(current), word, TRIGGER, now, shown=shown) for now in at)
    return within.value, after.value


@pytest.mark.parametrize(("current", "word"), TRUTH)
def test_a_status_follows_the_providers_word_whatever_stands_in_dns(current: str, word: str) -> None:
    assert {becomes(current, word, shown) for shown in SHOWN} == {TRUTH[current, word]}


@pytest.mark.parametrize(("current", "shown"), PROOF)
def test_what_the_provider_verified_is_verified_by_its_challenge(current: str, shown: bool | None) -> None:
    assert becomes(current, "VERIFIED", shown) == PROOF[current, shown]


@pytest.mark.parametrize("shown", SHOWN)
def test_a_domain_in_use_waits_again_once_its_challenge_is_lost(shown: bool | None) -> None:
    found = status_after(DomainStatus.VERIFIED, "VERIFIED", None, TRIGGER, shown=shown, lost=True)
    assert found == "pending"


@pytest.mark.parametrize(("current", "word"), TRUTH)
def test_without_a_trigger_the_hours_are_over(current: str, word: str) -> None:
    assert status_after(DomainStatus(current), word, None, TRIGGER, shown=True) == TRUTH[current, word][1]


def test_the_ladder_is_as_published() -> None:
    assert [delay.total_seconds() / 60 for delay in CHECK_DELAYS] == [10, 20, 40, 80, 160, 320]
    assert timedelta(hours=12) == GIVE_UP


def test_each_check_is_on_the_first_rung_ahead_and_the_last_one_gives_up() -> None:
    seen, at = [], TRIGGER
    for _ in range(7):
        at = next_check(TRIGGER, at)
        seen.append((at - TRIGGER).total_seconds() / 60)
    assert seen == [10, 20, 40, 80, 160, 320, 720]


@pytest.mark.parametrize(("minutes", "delay"), [(0, 10), (9.99, 10), (10, 20), (39, 40), (320, 720), (719, 720)])
def test_a_check_that_came_late_skips_the_delays_behind_it(minutes: float, delay: float) -> None:
    assert next_check(TRIGGER, TRIGGER + timedelta(minutes=minutes)) == TRIGGER + timedelta(minutes=delay)


@pytest.mark.parametrize("hours", [12, 13, 240])
def test_after_the_last_rung_a_check_is_due_at_once(hours: int) -> None:
    assert next_check(TRIGGER, TRIGGER + timedelta(hours=hours)) == TRIGGER + GIVE_UP


def test_a_command_takes_its_name_and_nothing_else() -> None:
    assert CreateDomain.model_validate({"domain": "ACME.example"}).domain == "acme.example"
    for body in ({}, {"domain": None}, {"domain": 7}, {"domain": "acme.example", "user_id": "me"}):
        with pytest.raises(ValidationError):
            CreateDomain.model_validate(body)


def test_a_domain_shows_nothing_of_how_it_is_scheduled() -> None:
    domain = Domain(
        id="d",
        user_id="u",
        domain="acme.example",
        agentmail_domain_id="acme.example",
        status=DomainStatus.VERIFYING,
        dns_records=[DnsRecord(type="TXT", name="a", value="b"), DnsRecord(type="MX", name="a", value="c", priority=0)],
        dns_sync=DnsSync(status="published"),
        verification_triggered_at="2026-03-01T09:00:00.000Z",
        due_at="2026-03-01T09:10:00.000Z",
        created_at="2026-03-01T09:00:00.000Z",
        updated_at="2026-03-01T09:00:00.000Z",
    )
    shown = domain.wire()
    assert {"due_at", "verification_triggered_at"} & set(shown) == set()
    assert shown["dns_records"] == [
        {"type": "TXT", "name": "a", "value": "b"},
        {"type": "MX", "name": "a", "value": "c", "priority": 0},
    ]
