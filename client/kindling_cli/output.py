"""What a command prints: for people, for programs, or as the API answers."""

import json
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import click

Body = dict[str, Any]


class Format(StrEnum):
    """How an answer is printed. Without a flag: `pretty` on a terminal, `lines` elsewhere."""

    PRETTY = "pretty"
    LINES = "lines"
    JSON = "json"
    RAW = "raw"


def chosen(flag: str | None) -> Format:
    """The format that a flag names, or the one that fits where stdout leads."""
    return Format(flag) if flag else Format.PRETTY if sys.stdout.isatty() else Format.LINES


def show(pages: Iterable[Body], form: Format, columns: tuple[str, ...] = ()) -> None:
    """Print an answer, or the pages of a list."""
    if form is Format.RAW:
        for page in pages:
            click.echo(_line(page))
    elif form is Format.LINES:
        for page in pages:
            for row in rows(page) if columns else [content(page)]:
                click.echo(_line(row))
    elif form is Format.JSON:
        click.echo(_line(joined(pages)))
    else:
        from kindling_cli import pretty

        whole = joined(pages)
        if columns:
            pretty.table(list(rows(whole)), columns)
        else:
            pretty.fields(content(whole))


def joined(pages: Iterable[Body]) -> Body:
    """One answer of all pages: the lists one after the other, without a next page."""
    whole: Body = {}
    for page in pages:
        for name, value in page.items():
            if isinstance(value, list) and isinstance(whole.get(name), list):
                whole[name] += value
            elif isinstance(value, dict) and isinstance(whole.get(name), dict):
                whole[name] |= value
            else:
                whole[name] = value
    return {name: value for name, value in whole.items() if name != "next_cursor"}


def rows(page: Body) -> Iterator[Body]:
    """The rows of a page: its first list, or its first object of objects by their id."""
    found = next(value for value in page.values() if isinstance(value, list | dict))
    yield from ({"id": key, **row} for key, row in found.items()) if isinstance(found, dict) else found


def content(body: Body) -> Body:
    """What a body is about: the object that it wraps, or itself."""
    inner = [value for name, value in body.items() if name != "next_cursor"]
    return inner[0] if len(inner) == 1 and isinstance(inner[0], dict) else body


def tell(text: str) -> None:
    """Print a line for people, on stderr."""
    click.echo(text, err=True)


def _line(body: Body) -> str:
    return json.dumps(body, ensure_ascii=False)
