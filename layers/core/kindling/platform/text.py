"""Rules for single-line texts: names, subjects, headers, tags."""

import re
import string
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator

T = TypeVar("T")

# Control characters (C0 including tab, DEL, C1 including NEL) and Unicode's line and paragraph separators.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def single_line(value: T) -> T:
    """The value, unchanged. Raises ValueError for a text with a line break or another control character."""
    if isinstance(value, str) and _BREAKS.search(value):
        raise ValueError("may not hold line breaks or other control characters")
    return value


# Validated before pydantic strips white space, which would remove a leading or trailing line break unnoticed.
SingleLine = Annotated[str, BeforeValidator(single_line)]


def _present(value: Any) -> Any:
    return True if value == "" else value


# A query parameter that is true when it is present without a value, as in `?skip_sync`.
Flag = Annotated[bool, BeforeValidator(_present)]


def ascii_lower(text: str) -> str:
    """The text with A to Z in lower case.

    Unlike `str.lower`, this leaves other letters alone: `str.lower` turns the Kelvin sign into an ASCII `k`.
    """
    return text.translate(_LOWER)
