"""Validating single-line texts, and ASCII lower case."""

import unicodedata

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from kindling.accounts.model import username
from kindling.platform.text import SingleLine, ascii_lower, single_line
from kindling.sending.model import media_type
from kindling.suppressions.model import address

CONTROL = [chr(code) for code in range(0x3000) if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp")]


class Stripped(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    name: SingleLine | None = None


def test_control_characters_are_what_unicode_says() -> None:
    assert len(CONTROL) == 32 + 33 + 2
    assert {"\t", "\r", "\n", "\v", "\f", "\x7f", "\x85", "\u2028", "\u2029"} < set(CONTROL)
    for code in range(0x110000):
        if chr(code) not in CONTROL:
            assert single_line(chr(code)) == chr(code)


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


def test_no_look_alike_becomes_part_of_an_address() -> None:
    with pytest.raises(ValueError, match="may hold only"):
        username("\N{KELVIN SIGN}im")
    with pytest.raises(ValueError, match="must be an address"):
        address("kim@\N{KELVIN SIGN}indling.com")
    assert address(" Kim@Acme.COM ") == "kim@acme.com"


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
