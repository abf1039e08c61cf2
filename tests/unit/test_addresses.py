"""Email addresses and mailboxes: what is accepted, its normal form, and the opinion of the library email-validator."""

# ruff: noqa: RUF001 (look-alikes are what is tested)

import random
import re

import pytest
from email_validator import EmailNotValidError, validate_email

from kindling.platform.addresses import (
    ADDRESS_LENGTH,
    DISPLAY_NAME_LENGTH,
    LOCAL_LENGTH,
    address,
    address_in,
    mailbox,
    named,
)
from tests.conftest import Sample

PIECES = [
    "a", "B", "9", "kim", ".", "..", "-", "--", "_", "+", "'", "%", "@", "@", "@acme", ".com", ".co.uk", ".c", ".1",
    " ", ",", "<", ">", '"', "(", ")", "[", "]", ":", ";", "\\", "/", "{", "}", "~", "xn--", "xn--bcher-kva", "bücher",
    "é", "ß", "я", "漢", "Ａ", "K", "ı", "\t", "\n", "\0", "\x7f", "\u200d", "\u00a0", "。", "127.0.0.1", "localhost",
    "test", "example.com",
]  # fmt: skip


def judged(text: str) -> str | None:
    """The library's normal form of an address, with its local part in lower case; None when it refuses it."""
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    return found.ascii_email.lower() if found.ascii_email else None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("kim@acme.com", "kim@acme.com"),
        (" Kim.Lee@ACME.Com ", "kim.lee@acme.com"),
        ("o'brien+spring@mail.acme.co.uk", "o'brien+spring@mail.acme.co.uk"),
        ("!#$%&'*+/=?^_`{|}~-@acme.com", "!#$%&'*+/=?^_`{|}~-@acme.com"),
        ("kim@bücher.com", "kim@xn--bcher-kva.com"),
        ("kim@XN--BCHER-KVA.com", "kim@xn--bcher-kva.com"),
        ("kim@straße.de", "kim@xn--strae-oqa.de"),
        ("kim@gmaıl.com", "kim@xn--gmal-nza.com"),
    ],
)
def test_an_address_has_one_form(text: str, normal: str) -> None:
    assert address(text) == normal == judged(text.strip())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one address"),
        ("kim", "one address"),
        ("@acme.com", "one address"),
        ("kim@", "domain name"),
        ("a@acme.com, b@acme.com", "one address"),
        ("a@acme.com,b@acme.com", "one address"),
        ("a@acme.com b@acme.com", "one address"),
        ("a@b@acme.com", "one address"),
        ("k..m@acme.com", "one address"),
        (".kim@acme.com", "one address"),
        ("kim.@acme.com", "one address"),
        ('"kim lee"@acme.com', "one address"),
        ("kim(work)@acme.com", "one address"),
        ("kim @acme.com", "one address"),
        ("kim@ acme.com", "space"),
        ("kim@acme.com.", "dot"),
        ("kim@acme", "at least two"),
        ("kim@acme..com", "empty parts"),
        ("kim@-acme.com", "hyphen"),
        ("kim@ac_me.com", "U+005F"),
        ("kim@192.0.2.7", "IP address"),
        ("kim@[192.0.2.7]", "U+005B"),
        ("zoë@acme.com", "only ASCII characters before the @"),
        ("kim@ac\u200bme.com", "U+200B"),
        ("kim@Ａcme.com", "U+FF21"),
        ("kim@pаypal.com", "could pass"),
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str, said: str) -> None:
    for rule in (address, mailbox):
        with pytest.raises(ValueError, match=re.escape(said)):
            rule(text)


def test_lengths_are_those_of_rfc_5321() -> None:
    assert address("k" * LOCAL_LENGTH + "@acme.com")
    with pytest.raises(ValueError, match="one address"):
        address("k" * (LOCAL_LENGTH + 1) + "@acme.com")
    domain = ".".join(["a" * 46] * 4) + ".com"
    local = "k" * (ADDRESS_LENGTH - len(domain) - 1)
    assert len(address(f"{local}@{domain}")) == ADDRESS_LENGTH
    with pytest.raises(ValueError, match="at most 254"):
        address(f"{local}k@{domain}")


def test_nothing_is_taken_that_the_library_refuses_or_reads_as_another_address(sample: Sample) -> None:
    """Where the two differ, ours refuses more: nothing is sent to an address that may be another one."""
    dice = random.Random(11)  # noqa: S311
    texts = [
        "".join(dice.choices(PIECES, k=dice.randrange(1, 6))) + dice.choice(["", "@acme.com", "@a.de", "@bücher.com"])
        for _ in range(60_000)
    ]
    taken = 0
    for text in sample(texts, one_in=10):
        try:
            normal = address(text)
        except ValueError as error:
            assert len(str(error)) > 20  # noqa: PT017
            continue
        taken += 1
        assert judged(text.strip()) == judged(normal) == normal == address(normal)
    assert taken > 200


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Kim Lee <Kim@acme.com>", '"Kim Lee" <kim@acme.com>'),
        ('"Lee, Kim" <kim@acme.com>', '"Lee, Kim" <kim@acme.com>'),
        (r'"Kim \"K\" \\ Lee"  <kim@acme.com>', r'"Kim \"K\" \\ Lee" <kim@acme.com>'),
        ('"a@b.com, <c@d.com>" <kim@acme.com>', '"a@b.com, <c@d.com>" <kim@acme.com>'),
        ("Zoë O'Neil <kim@bücher.com>", '"Zoë O\'Neil" <kim@xn--bcher-kva.com>'),
        ("<kim@acme.com>", "kim@acme.com"),
        ('"" <kim@acme.com>', "kim@acme.com"),
        ("  <kim@acme.com> ", "kim@acme.com"),
        ("kim@acme.com", "kim@acme.com"),
    ],
)
def test_a_display_name_is_kept_in_quotes(text: str, normal: str) -> None:
    assert mailbox(text) == mailbox(normal) == normal
    assert address_in(normal) == address(address_in(text.strip()))


@pytest.mark.parametrize(
    "text",
    [
        "Lee, Kim <kim@acme.com>",
        "a@b.com <kim@acme.com>",
        "Kim <kim@acme.com>, Pat <pat@acme.com>",
        "Kim <kim@acme.com> Pat",
        "Kim <kim@acme.com",
        "Kim kim@acme.com>",
        "Kim <<kim@acme.com>>",
        "Kim <kim@acme.com><pat@acme.com>",
        "Kim <a@acme.com, b@acme.com>",
        '"Kim <kim@acme.com>',
        '"Kim" Lee <kim@acme.com>',
        "Team: kim@acme.com;",
        "Kim (work) <kim@acme.com>",
        "Kim <>",
        " " * 100_000,
        '"' + "\\" * 100_001,
    ],
    ids=range(16),
)
def test_what_is_not_one_mailbox_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|characters|domain name"):
        mailbox(text)


def test_a_display_name_has_an_end() -> None:
    assert mailbox(f"{'x' * DISPLAY_NAME_LENGTH} <kim@acme.com>") == named("x" * DISPLAY_NAME_LENGTH, "kim@acme.com")
    with pytest.raises(ValueError, match="at most 200"):
        mailbox(f"{'x' * (DISPLAY_NAME_LENGTH + 1)} <kim@acme.com>")
