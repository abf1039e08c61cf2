"""Valid domain names, their normal form, and reserved names and public suffixes."""

# ruff: noqa: RUF001 (look-alikes are what is tested)

import random
import re
import unicodedata

import idna
import pytest
from publicsuffixlist import PSLFILE

from kindling.platform.names import LABEL_LENGTH, LONGEST_PREFIX, NAME_LENGTH, domain_name, normal_form, why_reserved

MOST = NAME_LENGTH - len(LONGEST_PREFIX)
KEPT = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
INTERNATIONAL = (
    "bücher",
    "straße",
    "παράδειγμα",
    "пример",
    "مثال",
    "فارسی۱۲",
    "דוגמה",
    "उदाहरण",
    "ตัวอย่าง",
    "例子",
    "例え",
    "ドメイン名例",
    "らーめん",
    "佐々木",
    "실례",
    "한국漢",
    "漢ㄅ",
    "5月-2026",
    "l·l",
    "vietnamese-ợ",
)


def of_length(length: int) -> str:
    """A name of `length` characters below com."""
    last = length - len("a.com")
    return "".join("." if i % 50 == 49 and i < last else "a" for i in range(last + 1)) + ".com"


def refusal(text: str) -> str:
    with pytest.raises(ValueError, match=r"\w+ \w+ \w+") as caught:
        domain_name(text)
    assert type(caught.value) is ValueError
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("acme.io", "acme.io"),
        (" Mail.ACME.Io. ", "mail.acme.io"),
        ("a.co", "a.co"),
        ("1and1.com", "1and1.com"),
        ("1.2.3.com", "1.2.3.com"),
        ("XN--BCHER-KVA.com", "xn--bcher-kva.com"),
        ("acme.xn--p1ai", "acme.xn--p1ai"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("Bücher.Com", "xn--bcher-kva.com"),
        ("a-b--c.com", "a-b--c.com"),
        ("acme.example", "acme.example"),
    ],
)
def test_a_name_is_kept_in_ascii_and_lower_case_without_its_last_dot(text: str, name: str) -> None:
    assert domain_name(text) == normal_form(text) == domain_name(name) == name


@pytest.mark.parametrize("label", INTERNATIONAL)
def test_an_international_name_is_kept_as_its_a_label_however_it_comes(label: str) -> None:
    kept = f"xn--{label.encode('punycode').decode()}.com"
    spellings = (f"{label}.com", kept, kept.upper(), f"mail.{label}.com")
    assert [domain_name(text) for text in spellings] == [kept, kept, kept, f"mail.{kept}"]
    assert idna.decode(kept) == f"{label}.com"


@pytest.mark.parametrize(
    "label",
    [
        "xn--",
        "xn--a",
        "xn--bcher",
        "xn--bcher-kva-",
        "xn---bbk",  # not the canonical form of xn--bbk
        "xn--acme-",
        "xn--ls8h",  # an emoji, which IDNA 2003 allowed
        "xn--bücher",
        "xn--99999999999",
    ],
)
def test_an_a_label_that_encodes_no_valid_label_is_refused(label: str) -> None:
    refusal(f"{label}.com")


def test_no_ascii_character_but_letters_digits_and_inner_hyphens_stands_in_a_name() -> None:
    for code in range(128):
        character = chr(code)
        if character.isalnum() or character in "-.":
            assert domain_name(f"ac{character}me.com") == f"ac{character.lower()}me.com"
        else:
            assert repr(character) in refusal(f"ac{character}me.com")


def test_no_character_passes_for_the_ascii_one_it_looks_like() -> None:
    looks_alike = [
        chr(code)
        for code in range(128, 0x110000)
        if {unicodedata.normalize("NFKC", chr(code)).lower(), chr(code).lower()} & set("abcdefghijklmnopqrstuvwxyz0-.")
    ]
    assert {"\N{KELVIN SIGN}", "\N{FULLWIDTH LATIN SMALL LETTER A}", "\N{FULLWIDTH FULL STOP}"} < set(looks_alike)
    for character in looks_alike:
        said = f"U+{ord(character):04X}" if unicodedata.is_normalized("NFC", character) else "NFC"
        assert said in refusal(f"ac{character}me.com")
        assert said in refusal(f"acme.co{character}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is needed"),
        (" ", "is needed"),
        (".", "is needed"),
        ("acme", "at least two"),
        ("localhost.", "at least two"),
        ("пример", "at least two"),
        (".acme.com", "empty parts"),
        ("acme..com", "empty parts"),
        ("acme.com..", "empty parts"),
        ("-acme.com", "hyphen"),
        ("acme-.com", "hyphen"),
        ("acme.-com", "hyphen"),
        ("acme.com-", "hyphen"),
        ("ab--cd.com", "IDNA 2008"),
        ("ac_me.com", "U+005F"),
        ("_dmarc.acme.com", "U+005F"),
        ("*.acme.com", "U+002A"),
        ("acme.com/path", "U+002F"),
        ("acme.com:25", "U+003A"),
        ("kim@acme.com", "U+0040"),
        ("https://acme.com", "U+003A"),
        ("BÜCHER.com", "U+00DC"),
        ("bu\u0308cher.com", "NFC"),
        ("acme。com", "U+3002"),
        ("ac\u200bme.com", "U+200B"),
        ("ac\u200dme.com", "IDNA 2008"),
        ("ac\u00adme.com", "U+00AD"),
        ("ac\ud800me.com", "U+D800"),
        ("☃.com", "U+2603"),
        ("1אבג.com", "IDNA 2008"),
        ("٠۱.com", "IDNA 2008"),
        ("acme.c", "top-level"),
        ("acme.123", "top-level"),
        ("acme.1a", "top-level"),
        ("192.0.2.7", "IP address"),
        ("192.0.2.7.", "IP address"),
        ("192.0.2.0x7", "IP address"),
        ("2001:db8::7", "U+003A"),
        ("[192.0.2.7]", "U+005B"),
    ],
)
def test_what_is_no_name_is_refused_with_a_sentence(text: str, said: str) -> None:
    assert said in refusal(text)
    with pytest.raises(ValueError, match=re.escape(said)):
        normal_form(text)


def test_a_name_leaves_room_for_the_longest_of_its_records() -> None:
    for length in range(MOST - 70, MOST + 1):
        name = of_length(length)
        assert (len(name), domain_name(name), domain_name(f"{name}.")) == (length, name, name)
        assert len(f"agentmail._domainkey.{name}") <= 253
    for length in (*range(MOST + 1, NAME_LENGTH + 3), 5000, 500_000):
        assert "at most 232 characters" in refusal(of_length(length))
    # Too long in its A-label form only.
    unicode_name = ".".join(["ü" * 52] * 4) + ".com"
    assert len(unicode_name) < MOST
    assert "at most 232 characters" in refusal(unicode_name)


def test_a_label_has_at_most_63_characters_in_its_ascii_form() -> None:
    for length in range(1, LABEL_LENGTH + 1):
        assert domain_name("a" * length + ".com") == "a" * length + ".com"
    longest = "a" * 55 + "ü"
    assert len(domain_name(f"{longest}.com")) == len(".com") + 63
    for label in ("a" * 64, "a" * 200, f"a{longest}", "ü" * 62):
        assert "at most 63" in refusal(f"{label}.com")


SCRIPTS = {
    "Latin": "é",
    "Cyrillic": "а",
    "Greek": "ο",
    "Armenian": "օ",
    "Georgian": "ა",
    "Devanagari": "अ",
    "Bengali": "৪",
    "Thai": "ก",
    "Cherokee": "Ꮃ",
    "Han": "漢",
    "Hiragana": "え",
    "Katakana": "ド",
    "Hangul": "한",
    "Bopomofo": "ㄅ",
}
TOGETHER = [{"Han", "Hiragana", "Katakana"}, {"Han", "Hangul"}, {"Han", "Bopomofo"}]


def test_a_label_is_in_one_script_or_in_those_that_one_language_writes_together() -> None:
    for one, first in SCRIPTS.items():
        assert domain_name(f"{first}-7.com").endswith(".com")
        for other, second in SCRIPTS.items():
            text = f"{first}{second}.com"
            if one == other or any({one, other} <= language for language in TOGETHER):
                assert domain_name(text) == idna.encode(text, strict=True).decode()
            else:
                said = refusal(text)
                assert one in said
                assert other in said
                # The same in its A-label form.
                assert refusal(idna.encode(text, strict=True).decode()) == said


@pytest.mark.parametrize("text", ["pаypal.com", "аpple.com", "gοοgle.com", "pay৪.com", "漢한え.com", "ニューabc.com"])
def test_a_label_of_mixed_scripts_is_refused(text: str) -> None:
    assert "could pass for another name" in refusal(text)


def test_labels_of_one_name_may_be_in_different_scripts() -> None:
    assert domain_name("mail.пример.com") == "mail.xn--e1afmkfd.com"


def test_every_public_suffix_is_refused_and_a_name_below_it_is_not() -> None:
    with open(PSLFILE, encoding="utf-8") as file:  # noqa: PTH123
        lines = [line.split()[0] for line in file if line.strip() and not line.startswith("//")]
    suffixes = [line for line in lines if "." in line and line[0] not in "*!"][::20]
    assert len(suffixes) > 400
    wildcards = {line.removeprefix("*.") for line in lines if line.startswith("*.")}
    for suffix in suffixes:
        kept = idna.encode(suffix, strict=True).decode()
        assert f"{kept} is a public suffix" in refusal(suffix.upper() if suffix.isascii() else suffix)
        assert normal_form(suffix) == kept
        if suffix not in wildcards and f"kindling-acme.{suffix}" not in lines:
            assert domain_name(f"kindling-acme.{suffix}") == f"kindling-acme.{kept}"


@pytest.mark.parametrize(
    "suffix", ["co.uk", "github.io", "com.au", "公司.cn", "xn--55qx5d.cn", "個人.hk", "acme.ck", "s3.amazonaws.com"]
)
def test_a_public_suffix_is_refused(suffix: str) -> None:
    assert "public suffix" in refusal(suffix)


@pytest.mark.parametrize("name", ["acme.co.uk", "acme.github.io", "www.ck", "acme.個人.hk", "acme.unknown-top-level"])
def test_a_name_below_a_public_suffix_is_taken(name: str) -> None:
    assert domain_name(name) == idna.encode(name, strict=True).decode()


RESERVED = {"test", "example", "invalid", "localhost", "local", "onion", "alt", "internal", "arpa"}
RESERVED |= {"example.com", "example.net", "example.org", "home.arpa"}


def test_reserved_names_and_all_below_them_are_known() -> None:
    for zone in RESERVED:
        for name in (zone, f"acme.{zone}", f"mail.acme.{zone}"):
            assert (why_reserved(name) or "").startswith(zone.removeprefix("home."))
        for name in (f"{zone}.acme.com", f"acme.{zone}.de", f"acme.a{zone}a"):
            assert why_reserved(name) is None, name
    for name in ("example.de", "myexample.com", "example-a.com"):
        assert why_reserved(name) is None, name


def test_any_text_at_all_is_kept_in_one_form_or_refused() -> None:
    dice = random.Random(7)  # noqa: S311
    pieces = [
        "a",
        "B",
        "9",
        "-",
        ".",
        ".com",
        "xn--",
        "--",
        "ü",
        "я",
        "漢",
        "え",
        "ß",
        " ",
        "\u200d",
        "\u0301",
        "_",
        "Ａ",
    ]
    pieces += [chr(dice.choice((dice.randrange(0x3000), dice.randrange(0x110000)))) for _ in range(400)]
    kept = 0
    for _ in range(6000):
        text = "".join(dice.choices(pieces[:18] if dice.random() < 0.7 else pieces, k=dice.randrange(1, 9)))
        text += dice.choice(["", ".com", ".de."])
        try:
            name = domain_name(text)
        except ValueError as error:
            assert type(error) is ValueError  # noqa: PT017
            assert len(str(error)) > 20  # noqa: PT017
        else:
            kept += 1
            assert KEPT.fullmatch(name)
            assert domain_name(name) == domain_name(idna.decode(name)) == name
    assert kept > 300
