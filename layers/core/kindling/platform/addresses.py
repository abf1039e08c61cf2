"""Validating and normalizing email addresses, alone and with a display name.

An address is in lower case and in ASCII, its domain as in `kindling.platform.names`. Stricter than RFC 5322: no quoted
local part, no comments, no IP addresses, and only ASCII before the `@`, because the mail provider sends through Amazon
SES, which has no SMTPUTF8.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

from kindling.platform.names import normal_form
from kindling.platform.text import SingleLine, ascii_lower

ADDRESS_LENGTH = 254  # RFC 5321
LOCAL_LENGTH = 64  # RFC 5321
DISPLAY_NAME_LENGTH = 200

_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")  # RFC 5322, dot-atom
# RFC 5322, name-addr: words or a quoted string before the address in angle brackets.
_NAMED = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"\s*|(?P<words>[^"<>@,;:()\\\[\]]*))<(?P<address>[^<>]*)>')


def address(text: str) -> str:
    """Normalize an email address. Raises ValueError, with a sentence for the caller, if it is invalid."""
    local, at, domain = ascii_lower(text.strip()).rpartition("@")
    if not local.isascii():
        raise ValueError("must have only ASCII characters before the @; others cannot be delivered")
    if not (at and _LOCAL.fullmatch(local)) or len(local) > LOCAL_LENGTH:
        raise ValueError("must be one address such as kim@example.com")
    if domain != domain.strip() or domain.endswith("."):
        raise ValueError("must end with a domain name, without a space or a dot after it")
    normalized = f"{local}@{normal_form(domain)}"
    if len(normalized) > ADDRESS_LENGTH:
        raise ValueError(f"may have at most {ADDRESS_LENGTH} characters")
    return normalized


def mailbox(text: str) -> str:
    """Normalize `kim@example.com` or `Kim Lee <kim@example.com>`. Raises ValueError if it is invalid."""
    found = _NAMED.fullmatch(text.strip())
    if not found:
        return address(text)
    name = (found["words"] if found["quoted"] is None else re.sub(r"\\(.)", r"\1", found["quoted"])).strip()
    if len(name) > DISPLAY_NAME_LENGTH:
        raise ValueError(f"may have a name of at most {DISPLAY_NAME_LENGTH} characters")
    return named(name, address(found["address"]))


def named(name: str | None, email: str) -> str:
    """The normal form of a mailbox: the address, and before it the display name in quotes if there is one."""
    escaped = re.sub(r'(["\\])', r"\\\1", name or "")
    return f'"{escaped}" <{email}>' if escaped else email


def address_in(text: str) -> str:
    """The address of a mailbox, whose address is not validated."""
    return text.rpartition("<")[2].removesuffix(">")


Address = Annotated[str, AfterValidator(address)]
Mailbox = Annotated[SingleLine, AfterValidator(mailbox)]
