"""`make openapi`: the OpenAPI document and README's table of routes, from the routes' declarations."""

import importlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

from kindling.entry import document
from kindling.entry.route import Route
from kindling.entry.routes import DOCUMENT
from local.settings import ROOT

TABLE = re.compile(r"(?<=<!-- routes -->\n).*(?=<!-- /routes -->)", re.DOTALL)


def routes() -> Iterator[Route]:
    """Every route, from the file where its handler is."""
    for app in sorted((ROOT / "functions").glob("*/*/app.py")):
        module = ".".join(app.relative_to(ROOT).with_suffix("").parts)
        handler = importlib.import_module(module).lambda_handler
        if isinstance(handler, Route):
            yield handler


def examples() -> dict[str, Any]:
    """The bodies of the sample events, which the tests send."""
    samples = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events" / "api").glob("*.json")}
    return {name: json.loads(sample["body"]) for name, sample in samples.items() if sample.get("body")}


def text() -> str:
    """The document, as it is kept in the repository."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return json.dumps(document.build(routes(), version, examples()), indent=1, ensure_ascii=False) + "\n"


def table(readme: str) -> str:
    """README with its table of routes."""
    rows = [f"| `{one.method} {one.path}` | {one.summary} | {one.scope or ''} |\n" for one in _in_order()]
    if not TABLE.search(readme):
        raise ValueError("README.md has no place for the table of routes")
    return TABLE.sub("| route | | scope |\n| --- | --- | --- |\n" + "".join(rows), readme)


def _in_order() -> list[Route]:
    return sorted(routes(), key=lambda one: (not one.path.startswith("/api"), one.path, one.method))


def main() -> int:
    """Write the document and the table."""
    DOCUMENT.write_text(text())
    readme = ROOT / "README.md"
    readme.write_text(table(readme.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
