"""The rows of an import: which addresses they suppress, and what is wrong with the others. Pure.

They come as a CSV (RFC 4180), whose first line names its columns, or as JSON objects; both are checked alike. Columns
and fields other than the address and the reason are not read, so that what other products export can be sent as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kindling.errors import MOST_CHARACTERS, InvalidRequest
from kindling.platform.addresses import address
from kindling.suppressions.model import Reason

# More is another import: its addresses are compared with the tenant's list in one request.
MOST_ROWS = 10_000
# What products call the column of the address, in lower case.
ADDRESS_COLUMNS = ("email", "email_address", "email address", "emailaddress", "address", "recipient")
REASON_COLUMN = "reason"
# How many columns that are not read are told.
MOST_IGNORED = 20

REASONS = ", ".join(Reason)
CELLS = "has {cells} cells, but the first line names {names} columns"

# A row's number, and its cells by their columns, or what is wrong with it.
Numbered = tuple[int, dict[str, Any] | str]


class ProblemKind(StrEnum):
    """Why a row suppresses nothing: it says nothing usable, or the same as a row before it."""

    INVALID = "invalid"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Problem:
    """Why the row of that number suppresses nothing, as a sentence."""

    number: int
    kind: ProblemKind
    message: str


@dataclass
class Checked:
    """The reasons by the addresses of valid rows, the other rows, and the columns that were not read."""

    total: int = 0
    valid: dict[str, Reason] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def count(self, kind: ProblemKind) -> int:
        """How many rows have a problem of the kind."""
        return sum(problem.kind == kind for problem in self.problems)


def check_csv(text: str, reason: Reason | None) -> Checked:
    """Check the lines of a CSV. The first line is row 1, as in a spreadsheet. Raises InvalidRequest."""
    import csv
    import io

    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        numbered = ((number, line) for number, line in enumerate(lines, start=1) if any(map(str.strip, line)))
        names = [_column(name) for name in next(numbered, (0, [""]))[1]]
        _refuse_names(names)
        return _check((_by_name(number, names, line) for number, line in numbered), reason)
    except csv.Error as error:
        problem = {"field": "csv", "message": f"cannot be read from line {lines.line_num} on: {error}"}
        raise InvalidRequest(f"The CSV cannot be read from line {lines.line_num} on.", fields=[problem]) from error


def check_rows(rows: list[dict[str, Any]], reason: Reason | None) -> Checked:
    """Check rows of JSON, counted from 1. Raises InvalidRequest."""
    named = ({_column(name): value for name, value in row.items()} for row in rows)
    return _check(enumerate(named, start=1), reason)


def _check(rows: Iterable[Numbered], reason: Reason | None) -> Checked:
    """What the rows say; with a `reason`, it is that of all of them."""
    checked = Checked()
    first: dict[str, int] = {}
    ignored: dict[str, None] = {}
    for number, row in rows:
        checked.total += 1
        if checked.total > MOST_ROWS:
            raise InvalidRequest(f"An import may have at most {MOST_ROWS} rows; send the others in another.", fields=[])
        if isinstance(row, str):
            checked.problems.append(Problem(number, ProblemKind.INVALID, row))
            continue
        try:
            email, why = _entry(row, reason, ignored)
        except ValueError as error:
            checked.problems.append(Problem(number, ProblemKind.INVALID, _shown(str(error))))
            continue
        if email in first:
            again = f"is the same address as in row {first[email]}"
            checked.problems.append(Problem(number, ProblemKind.DUPLICATE, again))
        else:
            first[email] = number
            checked.valid[email] = why
    if not checked.total:
        raise InvalidRequest("There are no rows to import.", fields=[])
    checked.ignored = list(ignored)
    return checked


def _entry(row: dict[str, Any], reason: Reason | None, ignored: dict[str, None]) -> tuple[str, Reason]:
    """The address of a row and its reason; notes the columns that are not read. Raises ValueError with a sentence."""
    column = next((name for name in ADDRESS_COLUMNS if name in row), ADDRESS_COLUMNS[0])
    read = {column} if reason else {column, REASON_COLUMN}
    for name in row:
        if name and name not in read and len(ignored) < MOST_IGNORED:
            ignored[_shown(name)] = None
    return _address(row.get(column)), reason or _reason(row.get(REASON_COLUMN))


def _address(value: Any) -> str:
    if not (value and isinstance(value, str)):
        raise ValueError("email: must be a text" if value else "email: is needed")
    try:
        return address(value)
    except ValueError as error:
        raise ValueError(f"email: {error}") from error


def _reason(value: Any) -> Reason:
    if value is None or (isinstance(value, str) and not value.strip()):
        return Reason.MANUAL
    try:
        return Reason(str(value).strip().lower())
    except ValueError as error:
        raise ValueError(f"reason: must be one of {REASONS}") from error


def _by_name(number: int, names: list[str], line: list[str]) -> Numbered:
    if len(line) != len(names):
        return number, CELLS.format(cells=len(line), names=len(names))
    return number, dict(zip(names, line, strict=True))


def _refuse_names(names: list[str]) -> None:
    """Raises InvalidRequest unless the columns are told apart and one of them has the addresses."""
    named = [name for name in names if name]
    if len(set(named)) < len(named) or not set(named) & set(ADDRESS_COLUMNS):
        problem = {"field": "csv", "message": "must begin with a line of different names, one of them email"}
        raise InvalidRequest("The first line of the CSV must name the columns, one of them email.", fields=[problem])


def _column(name: str) -> str:
    return name.strip().lower()


def _shown(text: str) -> str:
    """A text that the table can hold and an answer has room for."""
    return text[:MOST_CHARACTERS].encode(errors="replace").decode()
