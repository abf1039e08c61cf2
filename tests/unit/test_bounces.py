"""What a bounce says: the kinds, and whether its address must not be written to again."""

import pytest

from kindling.metrics.model import FIELDS
from kindling.webhooks import bounces
from kindling.webhooks.bounces import BLOCKED, SOFT, UNKNOWN_MAILBOX

CODES = {
    "5.1.0": UNKNOWN_MAILBOX,
    "5.1.1": UNKNOWN_MAILBOX,
    "5.1.2": UNKNOWN_MAILBOX,
    "5.1.10": UNKNOWN_MAILBOX,
    "4.1.1": UNKNOWN_MAILBOX,
    "5.2.1": UNKNOWN_MAILBOX,
    "5.4.1": UNKNOWN_MAILBOX,
    "5.5.0": UNKNOWN_MAILBOX,
    "5.1.7": BLOCKED,
    "5.1.8": BLOCKED,
    "5.6.0": BLOCKED,
    "5.7.0": BLOCKED,
    "5.7.1": BLOCKED,
    "5.7.26": BLOCKED,
    "4.7.0": BLOCKED,
    "4.7.650": BLOCKED,
    "5.2.2": SOFT,
    "4.2.2": SOFT,
    "5.2.3": SOFT,
    "5.3.4": SOFT,
    "4.0.0": SOFT,
    "4.2.1": SOFT,
    "4.3.2": SOFT,
    "4.4.1": SOFT,
    "4.4.7": SOFT,
    "4.5.0": SOFT,
    "5.0.0": None,
    "5.2.0": None,
    "5.2.4": None,
    "5.3.0": None,
    "5.4.4": None,
    "5.4.14": None,
    "5.5.4": None,
}


@pytest.mark.parametrize(("code", "kind"), CODES.items())
def test_the_status_code_tells_the_kind(code: str, kind: str | None) -> None:
    assert bounces.read(code, "Permanent", "General").kind == kind
    assert bounces.read(f"550-{code} gmail-smtp-in", "", "").kind == kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("550 5.7.1 Message refused", BLOCKED),
        ("smtp; 550-5.1.1 The address does not exist.", UNKNOWN_MAILBOX),
        ("Rejected (5.2.2).", SOFT),
        ("554 192.0.2.1 said: 5.7.1 no", BLOCKED),
        ("554 no mail from 5.1.1.9", None),
        ("554 no mail from 195.1.1.9", None),
        ("version 15.1.1 is 5.1.1234", None),
        ("2.1.5 delivered", None),
        ("550", None),
        ("", None),
    ],
)
def test_a_code_is_found_in_a_reply_and_nothing_else_is_taken_for_one(status: str, kind: str | None) -> None:
    assert bounces.read(status, "Permanent", "General").kind == kind


@pytest.mark.parametrize(
    ("type_", "sub_type", "kind"),
    [
        ("Permanent", "General", None),
        ("Permanent", "NoEmail", UNKNOWN_MAILBOX),
        ("Permanent", "Suppressed", UNKNOWN_MAILBOX),
        ("Permanent", "OnAccountSuppressionList", None),
        ("Transient", "General", SOFT),
        ("Transient", "MailboxFull", SOFT),
        ("Transient", "MessageTooLarge", SOFT),
        ("Transient", "ContentRejected", BLOCKED),
        ("Transient", "AttachmentRejected", BLOCKED),
        ("TRANSIENT", "mailboxfull", SOFT),
        ("Undetermined", "Undetermined", None),
        ("", "", None),
    ],
)
def test_without_a_telling_code_the_type_and_subtype_tell_the_kind(type_: str, sub_type: str, kind: str | None) -> None:
    for status in ("", "5.0.0", "failed"):
        assert bounces.read(status, type_, sub_type).kind == kind
    assert bounces.read("5.1.1", type_, sub_type).kind == UNKNOWN_MAILBOX


@pytest.mark.parametrize(
    ("status", "type_", "fields", "of_address"),
    [
        ("5.1.1", "Permanent", ["bounced", "hard_bounced", "unknown_mailbox"], True),
        ("5.3.0", "Permanent", ["bounced", "hard_bounced"], True),
        ("5.7.1", "Permanent", ["bounced", "hard_bounced", "blocked"], False),
        ("5.2.2", "Permanent", ["bounced", "hard_bounced", "soft_bounced"], False),
        ("4.1.1", "Transient", ["bounced", "unknown_mailbox"], False),
        ("4.4.1", "Transient", ["bounced", "soft_bounced"], False),
        ("", "Undetermined", ["bounced"], False),
    ],
)
def test_only_a_permanent_bounce_that_may_be_about_the_address_is_held_against_it(
    status: str, type_: str, fields: list[str], of_address: bool
) -> None:
    bounce = bounces.read(status, type_, "General")
    assert (bounce.fields, bounce.of_address) == (fields, of_address)
    assert set(fields) <= set(FIELDS)
