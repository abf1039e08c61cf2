"""Methods and paths of every route, read from the OpenAPI document that `make openapi` makes of their declarations."""

import json
from functools import cache
from pathlib import Path

from kindling.entry.request import path_ids

DOCUMENT = Path(__file__).parent.parent / "openapi.json"


@cache
def routes() -> list[tuple[str, str]]:
    """The method and the path of each route."""
    paths = json.loads(DOCUMENT.read_text())["paths"]
    return [(method.upper(), path) for path, operations in paths.items() for method in operations]


def methods_of(path: str) -> list[str]:
    """The methods that are possible at a request's path; none for a path that no route has."""
    return sorted({method for method, pattern in routes() if path_ids(pattern, path) is not None})
