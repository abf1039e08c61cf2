"""A body of text/csv (RFC 4180): a line of names, then a line for each row."""

import csv
import io

from kindling.errors import InvalidRequest


def read_rows(body: bytes) -> list[dict[str, str]]:
    """The rows by the names of the first line, without empty cells. Raises InvalidRequest."""
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (ValueError, csv.Error) as error:
        raise InvalidRequest("The body is not valid CSV in UTF-8.", fields=[]) from error
    names, *rows = [[cell.strip() for cell in line] for line in lines if line] or [[]]
    if not all(names) or len(set(names)) < len(names):
        problem = {"field": "body", "message": "must begin with a line of different names"}
        raise InvalidRequest("The first line of the CSV must name the fields.", fields=[problem])
    problems = [
        {"field": f"line {number}", "message": f"has {len(row)} cells for {len(names)} names"}
        for number, row in enumerate(rows, start=2)
        if len(row) != len(names)
    ]
    if problems:
        raise InvalidRequest("Some lines of the CSV do not fit its first one.", fields=problems)
    return [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in rows]
