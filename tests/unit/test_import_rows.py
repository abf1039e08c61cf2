"""The rows of an import: what is read of them, and what is wrong with the others."""

from typing import Any

import pytest

from kindling.errors import InvalidRequest
from kindling.suppressions.model import Reason
from kindling.suppressions.rows import MOST_IGNORED, MOST_ROWS, Checked, check_csv, check_rows

NEEDED = "email: is needed"


def told(checked: Checked) -> list[tuple[int, str, str]]:
    return [(one.number, one.kind.value, one.message) for one in checked.problems]


def test_addresses_are_normalised_as_suppressions_are_and_have_a_reason_each() -> None:
    checked = check_csv("Email,Reason\n Pat@Example.com , Complaint \nlee@example.com,\n", None)
    assert checked.valid == {"pat@example.com": Reason.COMPLAINT, "lee@example.com": Reason.MANUAL}
    assert (checked.total, told(checked), checked.ignored) == (2, [], [])
    rows: list[dict[str, Any]] = [
        {"email": "Pat@Example.com", "reason": "complaint"},
        {"email": "lee@example.com", "reason": None},
    ]
    assert check_rows(rows, None).valid == checked.valid


def test_every_row_that_suppresses_nothing_is_told_with_its_number() -> None:
    lines = ["email,reason", "nobody,", "", "pat@example.com,", "PAT@example.com,complaint", ",manual"]
    checked = check_csv("\n".join([*lines, "lee@example.com,dislike", "a,b,c", "max@example.com"]), None)
    assert checked.valid == {"pat@example.com": Reason.MANUAL}
    assert told(checked) == [
        (2, "invalid", "email: must be one address such as kim@example.com"),
        # The empty line has a number, as in a spreadsheet.
        (5, "duplicate", "is the same address as in row 4"),
        (6, "invalid", NEEDED),
        (7, "invalid", "reason: must be one of hard_bounce, complaint, manual, unsubscribe"),
        (8, "invalid", "has 3 cells, but the first line names 2 columns"),
        (9, "invalid", "has 1 cells, but the first line names 2 columns"),
    ]
    rows: list[dict[str, Any]] = [{}, {"email": 7}, {"email": ["pat@example.com"]}, {"email": ""}, {"email": None}]
    not_text = "email: must be a text"
    messages = [NEEDED, not_text, not_text, NEEDED, NEEDED]
    assert told(check_rows(rows, None)) == [(i, "invalid", said) for i, said in enumerate(messages, start=1)]


def test_one_reason_for_all_rows_takes_the_place_of_their_own() -> None:
    # As one product exports its bounces: the column has what the server said.
    text = "status,reason,email,created\n5.1.1,550 no such user,pat@example.com,1600000000\n"
    checked = check_csv(text, Reason.HARD_BOUNCE)
    assert checked.valid == {"pat@example.com": Reason.HARD_BOUNCE}
    assert checked.ignored == ["status", "reason", "created"]
    assert told(check_csv(text, None)) != []


@pytest.mark.parametrize(
    "name", ["email", "EMAIL", "email_address", "Email Address", "EmailAddress", "address", "recipient"]
)
def test_the_column_of_the_address_has_the_names_that_products_give_it(name: str) -> None:
    assert list(check_csv(f"{name}\npat@example.com\n", None).valid) == ["pat@example.com"]
    assert list(check_rows([{name: "pat@example.com"}], None).valid) == ["pat@example.com"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffemail,note\r\npat@example.com,\r\n",
        "email,note\rpat@example.com,\r",
        'email,note\n"pat@example.com","two\nlines, and ""quotes"""\n',
        "email,note,,\npat@example.com,,,\n,,,\n",
        "\n\nemail\npat@example.com",
    ],
    ids=["byte order mark and CRLF", "CR", "quoted line break", "empty columns", "empty lines before"],
)
def test_a_csv_may_come_from_any_program(text: str) -> None:
    checked = check_csv(text, None)
    assert (list(checked.valid), told(checked)) == (["pat@example.com"], [])


@pytest.mark.parametrize(
    "email",
    [
        "\x00pat@example.com",
        "pat\r\n@example.com",
        "\ud800@example.com",
        "pat@exa\x1bmple.com",
        "=HYPERLINK(1)@example.com",
        "@SUM(1+1)",
        "pat@example.com,lee@example.com",
        "x" * 100_000,
        "é" * 100_000,
        "pat@" + "a." * 50_000,
    ],
    ids=range(10),
)
def test_hostile_addresses_are_problems_of_their_rows_alone(email: str) -> None:
    quoted = email.replace('"', '""')
    for checked in (
        check_csv(f'email\n"{quoted}"\nlee@example.com\n', None),
        check_rows([{"email": email}, {"email": "lee@example.com"}], None),
    ):
        assert list(checked.valid) == ["lee@example.com"]
        ((_, kind, message),) = told(checked)
        assert kind == "invalid"
        # What is kept can be written as UTF-8 and does not grow with what was sent.
        assert len(message.encode()) < 1_000


def test_a_formula_that_is_an_address_is_kept_as_one() -> None:
    assert list(check_csv("email\n=1+1@example.com\n", None).valid) == ["=1+1@example.com"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "name the columns"),
        ("," * 3_000_000, "name the columns"),
        ("\n" * 100_000, "name the columns"),
        ("name,reason\nPat,manual\n", "name the columns"),
        ("email,email\na@example.com,b@example.com\n", "name the columns"),
        ("pat@example.com\nlee@example.com\n", "name the columns"),
        ("email\n", "no rows"),
        ('email\n"pat@example.com\nlee@example.com\n', "cannot be read from line 3"),
        ('email\n"pat"@example.com\n', "cannot be read from line 2"),
        (f"email\n{'x' * 140_000}\n", "cannot be read from line 2"),
    ],
)  # fmt: skip
def test_a_csv_that_cannot_be_read_is_refused_as_a_whole(text: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        check_csv(text, None)


def test_ten_thousand_rows_are_an_import_and_one_more_is_not() -> None:
    rows: list[Any] = [{"email": f"p{number}@example.com"} for number in range(MOST_ROWS)]
    assert len(check_rows(rows, None).valid) == MOST_ROWS == 10_000
    with pytest.raises(InvalidRequest, match="at most 10000 rows"):
        check_rows([*rows, {}], None)
    with pytest.raises(InvalidRequest, match="no rows"):
        check_rows([], None)


def test_columns_that_are_not_read_are_told_but_not_all_of_many() -> None:
    row = {"email": "pat@example.com", "\ud800": 1, **{f"x{number}": 1 for number in range(100)}}
    ignored = check_rows([row, row], None).ignored
    assert len(ignored) == MOST_IGNORED
    assert ignored[:2] == ["?", "x0"]
    assert check_rows([{"email": "pat@example.com", "x" * 10_000: 1}], None).ignored == ["x" * 300]
