"""Which texts are domain names, the one form in which a name is kept, and which names nobody can register.

A name is kept in ASCII: lower case, no last dot, international labels as A-labels (`xn--…`) of IDNA 2008. Only A to Z
are mapped to anything: a full-width letter or another look-alike is refused and never becomes the letter it resembles.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from kindling.platform.text import ascii_lower

if TYPE_CHECKING:
    from idna import IDNAError
    from publicsuffixlist import PublicSuffixList

NAME_LENGTH = 253  # RFC 1035: 255 octets, of which a name's text leaves out the first length and the root
LABEL_LENGTH = 63  # RFC 1035
# The longest that stands before a name in its own DNS records; `_kindling.` is shorter.
LONGEST_PREFIX = "agentmail._domainkey."

# Zones that belong to nobody, and who says so.
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
_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_TOP_LEVEL = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")

# Scripts that one language writes together; everything else that is mixed in one label looks like something it is not.
_WRITTEN_TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
# Unicode names a character after its script, except these.
_SCRIPTS = {"CJK": "HAN", "IDEOGRAPHIC": "HAN", "HENTAIGANA": "HIRAGANA", "EXTENDED": "ARABIC"}
# Accents, joiners and marks that go with the letters of several scripts. IDNA says where they may stand.
_COMMON = frozenset({"COMBINING", "MODIFIER", "CARON", "MIDDLE", "ZERO", "VEDIC"})


def domain_name(text: str) -> str:
    """A name that somebody can own, in the form in which it is kept. Raises ValueError, with a sentence, for none."""
    name = normal_form(text)
    if _is_public_suffix(name):
        raise ValueError(f"{name} is a public suffix, below which others register their names; give one of those names")
    return name


def normal_form(text: str) -> str:
    """The form in which a name is kept and looked up. Raises ValueError, with a sentence, for what is no name."""
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
    """Why nobody can own a name, given as `domain_name` returns it, as a sentence; None where somebody can."""
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
    if not _PLAIN.fullmatch(label) or label[2:4] == "--":
        label = _encoded(label)
    if len(label) > LABEL_LENGTH:
        raise ValueError(_TOO_LONG)
    return label


def _encoded(label: str) -> str:
    # Imported here: most names need none of its tables.
    import idna

    try:
        encoded = idna.alabel(label).decode()
        letters = idna.ulabel(encoded)
    except idna.IDNAError as error:
        raise ValueError(_why_not(label, error)) from error
    found = _scripts(letters)
    if len(found) > 1 and not any(found <= together for together in _WRITTEN_TOGETHER):
        named = " and ".join(script.capitalize() for script in sorted(found))
        raise ValueError(f"{letters!r} mixes {named} letters, so that it could pass for another name")
    return encoded


def _why_not(label: str, error: "IDNAError") -> str:
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
    """The scripts of a label's characters, after the idea of UTS #39; ASCII digits and the hyphen go with any.

    The standard library knows no scripts, but Unicode's names begin with them: `CYRILLIC SMALL LETTER A`. A digit of
    another script counts as that script, since a Bengali four looks like an 8.
    """
    import unicodedata

    found = set()
    for character in label:
        if character.isascii() and not character.isalpha():
            continue
        word = re.split("[ -]", unicodedata.name(character, ""), maxsplit=1)[0]
        if word not in _COMMON:
            found.add(_SCRIPTS.get(word, word))
    return found


def _is_public_suffix(name: str) -> bool:
    if "xn--" in name:
        import idna

        name = idna.decode(name)
    return _public_suffixes().is_public(name)


@cache
def _public_suffixes() -> "PublicSuffixList":
    """The list with both its sections: registries' suffixes and private ones such as `github.io`."""
    # Imported and read here: only what registers a name pays for it.
    from publicsuffixlist import PublicSuffixList

    # Names are asked for in Unicode; to encode the list as well would treble the time to read it.
    return PublicSuffixList(accept_encoded_idn=False)
