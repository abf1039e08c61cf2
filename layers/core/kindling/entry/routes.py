"""What every route is and does, read from the OpenAPI document that `make openapi` makes of their declarations."""

import json
from functools import cache
from pathlib import Path

from kindling.entry.request import path_ids

DOCUMENT = Path(__file__).parent.parent / "openapi.json"


@cache
def summaries() -> dict[tuple[str, str], str]:
    """What each route does, in a few words, by its method and its path."""
    paths = json.loads(DOCUMENT.read_text())["paths"]
    return {(method.upper(), path): one["summary"] for path, found in paths.items() for method, one in found.items()}


def methods_of(path: str) -> list[str]:
    """The methods that are possible at a request's path; none for a path that no route has."""
    return sorted({method for method, pattern in summaries() if path_ids(pattern, path) is not None})
