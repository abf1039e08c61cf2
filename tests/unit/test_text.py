"""Validating single-line texts, and ASCII lower case."""

import unicodedata

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from kindling.accounts.model import username
from kindling.platform.addresses import address
from kindling.platform.text import SingleLine, ascii_lower, single_line, writable
from kindling.sending.model import media_type

CONTROL = [chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp")]


class Stripped(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    name: SingleLine | None = None


def test_control_characters_are_what_unicode_says() -> None:
    assert len(CONTROL) == 32 + 33 + 2
    assert {"\t", "\r", "\n", "\v", "\f", "\x7f", "\x85", "\u2028", "\u2029"} < set(CONTROL)
    others = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF and chr(code) not in CONTROL)
    assert single_line(others) == writable(others) == others


def test_half_a_surrogate_pair_stands_in_no_text() -> None:
    for character in map(chr, (0xD800, 0xDBFF, 0xDC00, 0xDFFF)):
        for rule in (single_line, writable):
            with pytest.raises(ValueError, match="surrogate"):
                rule(f"a{character}b")
    assert writable(chr(0xD7FF) + chr(0xE000)) == chr(0xD7FF) + chr(0xE000)


def test_a_longer_text_may_have_any_control_character_but_nul() -> None:
    for character in CONTROL[1:]:
        assert writable(character) == character
    with pytest.raises(ValueError, match="NUL"):
        writable("a\0")


@pytest.mark.parametrize("place", ["a{}b", "{}b", "a{}", "{}"])
def test_no_control_character_stands_in_one_line_nor_is_it_stripped(place: str) -> None:
    for character in CONTROL:
        with pytest.raises(ValidationError, match="line breaks"):
            Stripped(name=place.format(character))


def test_everything_else_stands_in_one_line() -> None:
    for text in ("", "Zoë O'Neil-Łukasz", "山田 太郎", "a\u00a0b", "👩\u200d💻", None):
        assert Stripped(name=text).name == text


def test_only_ascii_letters_change_their_case() -> None:
    assert ascii_lower("ABC xyz ÄÖ \N{KELVIN SIGN}") == "abc xyz ÄÖ \N{KELVIN SIGN}"


@pytest.mark.parametrize(
    "letter",
    ["\N{KELVIN SIGN}", "\N{LATIN SMALL LETTER DOTLESS I}", "\N{FULLWIDTH LATIN SMALL LETTER K}", "\u0130", "\u017f"],
)
def test_no_look_alike_becomes_part_of_an_address(letter: str) -> None:
    with pytest.raises(ValueError, match="may hold only"):
        username(f"{letter}im")
    with pytest.raises(ValueError, match="only ASCII characters before the @"):
        address(f"{letter}im@acme.com")


@pytest.mark.parametrize("letter", ["\N{KELVIN SIGN}", "\N{FULLWIDTH LATIN SMALL LETTER K}", "\u0130", "\u017f"])
def test_no_look_alike_is_changed_into_a_letter_of_a_domain(letter: str) -> None:
    with pytest.raises(ValueError, match=r"cannot stand in a domain name|NFC"):
        address(f"kim@{letter}indling.com")


@pytest.mark.parametrize(
    "text",
    [
        "text/plain",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "image/svg+xml",
        "text/plain; charset=utf-8",
        "text/plain;charset=utf-8 ; format=flowed",
        'application/pdf; name="a; \\"b\\".pdf"',
        "a" * 127 + "/" + "b" * 127,
    ],
)
def test_a_media_type_is_taken_as_it_is(text: str) -> None:
    assert media_type(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "text/",
        "/plain",
        "text/plain/x",
        "text /plain",
        " text/plain",
        "text/plain;",
        "text/plain; charset",
        "text/plain; charset=",
        "text/plain; charset=utf-8\r\nBcc: x@y.com",
        'text/plain; name="a\nb"',
        'text/plain; name="a',
        "téxt/plain",
        ".text/plain",
        "text/plain\n",
        "a" * 128 + "/b",
        "a/" + "b" * 128,
    ],
)
def test_what_is_no_media_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="media type"):
        media_type(text)
