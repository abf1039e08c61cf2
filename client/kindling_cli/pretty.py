"""Tables and fields for people. Colours only where a terminal shows them, and never more than the words say."""

import re
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

GOOD = dict.fromkeys(("verified", "active", "succeeded", "warmed", "published", "allowed"), "green")
WAITING = dict.fromkeys(("pending", "verifying", "warming", "running", "undoing", "paused", "waiting"), "yellow")
BAD = dict.fromkeys(("failed", "error", "banned", "suspended", "rejected"), "red")
STYLES = GOOD | WAITING | BAD
# A pipe has no width of its own.
WIDTH = 120
GAP = "  "
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")


def console() -> Console:
    """Where to print; a terminal's width, or what fits a page."""
    plain = not sys.stdout.isatty()
    return Console(file=sys.stdout, highlight=False, width=WIDTH if plain else None)


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """Print rows as a table of these columns, or one below the other where they are too wide for it.

    Columns in which no row has anything are left out. Nothing is cut or broken, so that it can be copied.
    """
    out = console()
    if not rows:
        out.print("Nothing to show.")
        return
    shown = [column for column in columns if any(row.get(column) not in (None, "", []) for row in rows)]
    cells = [
        [Text(column, "bold") for column in shown],
        *([_cell(row.get(column)) for column in shown] for row in rows),
    ]
    widths = [max(cell.cell_len for cell in column) for column in zip(*cells, strict=True)]
    if sum(widths) + len(GAP) * (len(widths) - 1) <= out.width:
        for line in cells:
            _print(out, line, widths)
        return
    for number, row in enumerate(rows):
        if number:
            out.print()
        _pairs(out, [(column, row.get(column)) for column in shown])


def fields(body: dict[str, Any]) -> None:
    """Print an object: a line for each field, and a table for each list of objects."""
    flat = _flat(body)
    lists = [(name, value) for name, value in flat if isinstance(value, list) and value and isinstance(value[0], dict)]
    out = console()
    _pairs(out, [pair for pair in flat if pair not in lists])
    for name, rows in lists:
        out.print(Text(f"\n{name}", "bold"))
        flat_rows = [dict(_flat(row)) for row in rows]
        table(flat_rows, tuple(dict.fromkeys(key for row in flat_rows for key in row)))


def _pairs(out: Console, pairs: list[tuple[str, Any]]) -> None:
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        # Sentences have a line each.
        parts = value if isinstance(value, list) and any(" " in str(part) for part in value) else [value]
        for number, part in enumerate(parts):
            _print(out, [Text("" if number else name, "bold"), _cell(part)], [width, 0])


def _print(out: Console, cells: list[Text], widths: list[int]) -> None:
    """Print a line that a terminal may wrap, without blanks at its end."""
    line = Text()
    for cell, width in zip(cells[:-1], widths, strict=False):
        line.append_text(cell).append(" " * (width - cell.cell_len) + GAP)
    out.print(line.append_text(cells[-1]), soft_wrap=True)


def _flat(body: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """The fields, those of objects within them by their path, such as `ownership.verified`."""
    found = []
    for name, value in body.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) and value else [(before + name, value)]
    return found


def _cell(value: Any) -> Text:
    if value is None or value in ([], {}):
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return Text(INSTANT.sub(r"\1 \2Z", text), STYLES.get(text, ""))
