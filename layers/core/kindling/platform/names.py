"""Validating and normalizing domain names.

The normal form is ASCII in lower case without a trailing dot; international labels are A-labels (`xn--…`) of
IDNA 2008. Only A to Z are mapped to lower case: full-width letters and other look-alikes are refused, not converted.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from kindling.platform.text import ascii_lower

if TYPE_CHECKING:
    from idna import IDNAError
    from publicsuffixlist import PublicSuffixList

NAME_LENGTH = 253  # RFC 1035: 255 octets, two of which (the first length octet and the root) are not in the text
LABEL_LENGTH = 63  # RFC 1035
# The longest prefix of a domain's own DNS records; `_kindling.` is shorter.
LONGEST_PREFIX = "agentmail._domainkey."

# Zones that cannot be registered, and the document that reserves them.
RESERVED = {
    "test": "RFC 6761",
    "example": "RFC 6761",
    "invalid": "RFC 6761",
    "localhost": "RFC 6761",
    "example.com": "RFC 6761",
    "example.net": "RFC 6761",
    "example.org": "RFC 6761",
    "local": "RFC 6762",
    "onion": "RFC 7686",
    "alt": "RFC 9476",
    "arpa": "RFC 3172",
    "internal": "ICANN",
}

_TOO_LONG = f"A part between two dots has at most {LABEL_LENGTH} characters, in its xn-- form where it has one"
_ASCII_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_TOP_LEVEL = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")

# Scripts that one language mixes. Labels with other mixtures are refused, because they can imitate another name.
_COMPATIBLE_SCRIPTS = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
# Character names that begin with something else than the script.
_SCRIPTS = {"CJK": "HAN", "IDEOGRAPHIC": "HAN", "HENTAIGANA": "HIRAGANA", "EXTENDED": "ARABIC"}
# Accents, joiners and marks used with several scripts. IDNA restricts where they may occur.
_COMMON = frozenset({"COMBINING", "MODIFIER", "CARON", "MIDDLE", "ZERO", "VEDIC"})


def domain_name(text: str) -> str:
    """Normalize a name to register. Raises ValueError for an invalid name and for a public suffix such as `co.uk`.

    The error's message is a sentence for the caller of the API.
    """
    name = normal_form(text)
    if _is_public_suffix(name):
        raise ValueError(f"{name} is a public suffix, below which others register their names; give one of those names")
    return name


def normal_form(text: str) -> str:
    """Normalize a name to store or look up. Raises ValueError, with a sentence for the caller, for an invalid name."""
    name = ascii_lower(text.strip()).removesuffix(".")
    if not name:
        raise ValueError("A domain name such as mail.example.com is needed")
    _refuse_long(name)
    labels = [_a_label(label) for label in name.split(".")]
    top_level = labels[-1]
    if len(labels) == 1:
        raise ValueError(f"{top_level} has only one part; a domain name has at least two, such as example.com")
    if not _TOP_LEVEL.fullmatch(top_level):
        raise ValueError(f"{top_level} is no top-level domain; give a domain name, not an IP address")
    name = ".".join(labels)
    _refuse_long(name)
    return name


def why_reserved(name: str) -> str | None:
    """Why a normalized name is reserved, as a sentence; None when it can be registered."""
    labels = name.split(".")
    for zone in (labels[-1], ".".join(labels[-2:])):
        if zone in RESERVED:
            return f"{zone} and all names below it are reserved by {RESERVED[zone]}; give a domain of your own"
    return None


def _refuse_long(name: str) -> None:
    most = NAME_LENGTH - len(LONGEST_PREFIX)
    if len(name) > most:
        raise ValueError(f"A domain name has at most {most} characters here, so that its DNS records fit {NAME_LENGTH}")


def _a_label(label: str) -> str:
    if not label:
        raise ValueError("A domain name has no empty parts: no dot at its beginning, no two in a row")
    if not _ASCII_LABEL.fullmatch(label) or label[2:4] == "--":
        label = _encoded(label)
    if len(label) > LABEL_LENGTH:
        raise ValueError(_TOO_LONG)
    return label


def _encoded(label: str) -> str:
    # Imported here: most names do not need its tables, which are slow to load.
    import idna

    try:
        encoded = idna.alabel(label).decode()
        letters = idna.ulabel(encoded)
    except idna.IDNAError as error:
        raise ValueError(_explain(error, label)) from error
    scripts = _scripts(letters)
    if len(scripts) > 1 and not any(scripts <= compatible for compatible in _COMPATIBLE_SCRIPTS):
        names = " and ".join(script.capitalize() for script in sorted(scripts))
        raise ValueError(f"{letters!r} mixes {names} letters, so that it could pass for another name")
    return encoded


def _explain(error: "IDNAError", label: str) -> str:
    if error.codepoint is not None and error.code == "disallowed_codepoint":
        character = f"{chr(error.codepoint)!r} (U+{error.codepoint:04X})"
        return f"{character} cannot stand in a domain name; lower-case letters, digits, hyphens and dots can"
    if error.code == "hyphen_start_end":
        return f"{label!r} begins or ends with a hyphen, as no part of a domain name can"
    if error.code in ("label_too_long", "input_too_long"):
        return _TOO_LONG
    if error.code == "not_nfc":
        return f"{label!r} has characters that Unicode writes in a plainer form (NFC); type them anew"
    return f"{label!r} is no valid part of an international domain name (IDNA 2008)"


def _scripts(label: str) -> set[str]:
    """The scripts of a label's characters; ASCII digits and hyphens are ignored. Modelled on Unicode UTS #39.

    The standard library has no script property, but character names begin with the script: `CYRILLIC SMALL LETTER A`.
    Digits of other scripts count, since a Bengali four looks like an 8.
    """
    import unicodedata

    scripts = set()
    for character in label:
        if character.isascii() and not character.isalpha():
            continue
        prefix = re.split("[ -]", unicodedata.name(character, ""), maxsplit=1)[0]
        if prefix not in _COMMON:
            scripts.add(_SCRIPTS.get(prefix, prefix))
    return scripts


def _is_public_suffix(name: str) -> bool:
    if "xn--" in name:
        import idna

        name = idna.decode(name)
    return _public_suffixes().is_public(name)


@cache
def _public_suffixes() -> "PublicSuffixList":
    """The public suffix list with both its sections: ICANN suffixes and private ones such as `github.io`."""
    # Imported and read here, so that only functions that register names pay for it.
    from publicsuffixlist import PublicSuffixList

    # Names are looked up in Unicode. Encoding the list as well would treble the time to load it.
    return PublicSuffixList(accept_encoded_idn=False)
