"""Rules for short texts that stand in one line: names, subjects, headers, tags."""

import re
import string
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator

T = TypeVar("T")

# The control characters (C0 with the tab, DEL, C1 with NEL) and Unicode's separators of lines and paragraphs.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def single_line(value: T) -> T:
    """The value as it is. Raises ValueError for a text that holds a line break or another control character."""
    if isinstance(value, str) and _BREAKS.search(value):
        raise ValueError("may not hold line breaks or other control characters")
    return value


# Looked at as it was sent, so that stripping white space hides no line break.
SingleLine = Annotated[str, BeforeValidator(single_line)]


def _present(value: Any) -> Any:
    return True if value == "" else value


# A query parameter that is true when it is present without a value, as in `?skip_sync`.
Flag = Annotated[bool, BeforeValidator(_present)]


def ascii_lower(text: str) -> str:
    """The text with A to Z in lower case. `str.lower` also turns others, such as the Kelvin sign, into ASCII."""
    return text.translate(_LOWER)
