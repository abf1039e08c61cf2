"""Rules for texts, single-line (names, subjects, headers, tags) and longer ones, ids and flags, and lower case."""

import re
import string
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

T = TypeVar("T")

# Control characters (C0 including tab, DEL, C1 including NEL) and Unicode's line and paragraph separators.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# NUL, which no mail may have (RFC 5322), and halves of surrogate pairs, which JSON can escape but UTF-8 cannot hold.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def single_line(value: T) -> T:
    """The value, unchanged. Raises ValueError for a text with a line break or another control character.

    Halves of surrogate pairs are refused, too.
    """
    if isinstance(value, str):
        if _BREAKS.search(value):
            raise ValueError("may not hold line breaks or other control characters")
        writable(value)
    return value


# Validated before pydantic strips white space, which would remove a leading or trailing line break unnoticed.
SingleLine = Annotated[str, BeforeValidator(single_line)]


def writable(text: str) -> str:
    """The text, unchanged. Raises ValueError for a text that cannot be stored or sent."""
    if _UNWRITABLE.search(text):
        raise ValueError("may not hold NUL characters or halves of surrogate pairs")
    return text


# A text of any number of lines.
Lines = Annotated[str, AfterValidator(writable)]


def _present(value: Any) -> Any:
    return True if value == "" else value


# A query parameter that is true when it is present without a value, as in `?skip_sync`.
Flag = Annotated[bool, BeforeValidator(_present)]


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID of any version, in any letter case (RFC 9562, section 4)."""
    return _UUID.fullmatch(text) is not None


def identifier(text: str) -> str:
    """Normalize a UUID to lower case. Raises ValueError if it is none."""
    if not is_uuid(text):
        raise ValueError("must be an id such as 3c90c3cc-0d44-4b50-8888-8dd25736052a")
    return text.lower()


# The id of a row, in a request's body.
Id = Annotated[str, AfterValidator(identifier), Field(json_schema_extra={"format": "uuid"})]


def ascii_lower(text: str) -> str:
    """The text with A to Z in lower case.

    Unlike `str.lower`, this leaves other letters alone: `str.lower` turns the Kelvin sign into an ASCII `k`.
    """
    return text.translate(_LOWER)
