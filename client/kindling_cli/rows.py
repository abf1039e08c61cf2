"""The rows that a command takes from a file."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

from kindling_cli.exits import USAGE, Failed


def read(path: str) -> list[dict[str, Any]]:
    """The objects of a file, or of stdin for `-`: a JSON list, JSON lines, or CSV with names in its first line.

    Cells that are empty are left out. Raises Failed.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{path} cannot be read: {error}.", USAGE) from None
    try:
        found = _json(text) if text.lstrip()[:1] in ("[", "{") else _csv(text)
    except (ValueError, csv.Error) as error:
        raise Failed(f"{path} has neither JSON nor CSV: {error}.", USAGE) from None
    if not all(isinstance(row, dict) for row in found):
        raise Failed(f"{path} has rows that are no objects.", USAGE)
    return found


def _json(text: str) -> list[dict[str, Any]]:
    if text.lstrip().startswith("["):
        whole: list[dict[str, Any]] = json.loads(text)
        return whole
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _csv(text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found = []
    for row in reader:
        if None in row:
            raise ValueError(f"line {reader.line_num} has more cells than the first")
        found.append({name: cell for name, cell in row.items() if cell})
    return found
