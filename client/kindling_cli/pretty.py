"""Tables and fields for people. Colours only where a terminal shows them, and never more than the words say."""

import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

GOOD = dict.fromkeys(("verified", "active", "succeeded", "warmed", "published", "allowed"), "green")
WAITING = dict.fromkeys(("pending", "verifying", "warming", "running", "undoing", "paused", "waiting"), "yellow")
BAD = dict.fromkeys(("failed", "error", "banned", "suspended", "rejected"), "red")
STYLES = GOOD | WAITING | BAD
# A pipe has no width of its own.
WIDTH = 120


def console() -> Console:
    """Where to print; a terminal's width, or what fits a page."""
    plain = not sys.stdout.isatty()
    return Console(file=sys.stdout, highlight=False, width=WIDTH if plain else None, soft_wrap=False)


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """Print rows as a table of these columns, without those in which no row has anything."""
    if not rows:
        console().print("Nothing to show.")
        return
    shown = [column for column in columns if any(row.get(column) not in (None, "", []) for row in rows)]
    grid = _grid()
    for column in shown:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(row.get(column)) for column in shown))
    console().print(grid)


def fields(body: dict[str, Any]) -> None:
    """Print an object: a line for each field, and a table for each list of objects."""
    plain, lists = Table.grid(padding=(0, 2)), []
    plain.add_column(no_wrap=True)
    plain.add_column(overflow="fold")
    for name, value in _flat(body):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lists.append((name, value))
        else:
            plain.add_row(Text(name, "bold"), _cell(value))
    out = console()
    if plain.row_count:
        out.print(plain)
    for name, rows in lists:
        out.print(Text(f"\n{name}", "bold"))
        flat = [dict(_flat(row)) for row in rows]
        table(flat, tuple(dict.fromkeys(key for row in flat for key in row)))


def _flat(body: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """The fields, those of objects within them by their path, such as `ownership.verified`."""
    found = []
    for name, value in body.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) and value else [(before + name, value)]
    return found


def _grid() -> Table:
    return Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))


def _cell(value: Any) -> Text:
    if value is None or value in ([], {}):
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return Text(text, STYLES.get(text, ""))
