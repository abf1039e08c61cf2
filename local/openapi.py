"""`make openapi`: what is made of the routes' declarations.

That is the OpenAPI document, the table of routes in docs/api.md, and each route's sample event but for what its request
says. The document's examples are those requests and what tests were answered (`tests/functions/test_examples.py`).
"""

import importlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kindling.entry import document
from kindling.entry.route import Route
from kindling.entry.routes import DOCUMENT
from local.settings import ROOT

EVENTS = ROOT / "events"
ANSWERS = ROOT / "docs/examples.json"
GUIDE = ROOT / "docs/api.md"
TABLE = re.compile(r"(?<=<!-- routes -->\n).*(?=<!-- /routes -->)", re.DOTALL)
# Of a sample that did not exist before.
IDS = {"email": "max@example.com", "key_id": "retiredexample00"}
ANY_ID = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
KEY = "Bearer kd_live_exampleexample00_EXAMPLE-SECRET-EXAMPLE-SECRET-EXAMPLE-SECRET"

Event = dict[str, Any]


def routes() -> Iterator[Route]:
    """Every route, from the file where its handler is."""
    for app in sorted((ROOT / "functions").glob("*/*/app.py")):
        module = ".".join(app.relative_to(ROOT).with_suffix("").parts)
        handler = importlib.import_module(module).lambda_handler
        if isinstance(handler, Route):
            yield handler


def sample(route: Route) -> Path:
    """The file of the route's sample event."""
    return EVENTS / route.run.__module__.split(".")[-3] / f"{route.name}.json"


def event(route: Route) -> Event:
    """The sample event of a route: what is in its file, with all that the declaration says."""
    file = sample(route)
    known: Event = json.loads(file.read_text()) if file.exists() else _blank(route)
    ids = {name: known.get("pathParameters", {}).get(name, IDS.get(name, ANY_ID)) for name in route.placeholders}
    key, path = f"{route.method} {route.path}", route.path.format(**ids)
    derived = ("authorization", "content-length")
    headers = {name: value for name, value in known["headers"].items() if name not in derived}
    if route.scope:
        headers["authorization"] = KEY
    if "body" in known:
        headers |= {"content-length": str(len(known["body"].encode()))}
    context = known["requestContext"]
    made = known | {
        "routeKey": key,
        "rawPath": path,
        "headers": dict(sorted(headers.items())),
        "requestContext": context | {"routeKey": key, "http": context["http"] | {"method": route.method, "path": path}},
    }
    made.pop("pathParameters", None)
    ending = {name: made.pop(name) for name in ("body", "isBase64Encoded") if name in made}
    return made | ({"pathParameters": ids} if ids else {}) | ending


def _blank(route: Route) -> Event:
    """The event of another request without a body, with the one that the route's model gives as its example."""
    blank: Event = json.loads(min((EVENTS / "api").glob("get_*.json")).read_text())
    if route.body:
        (example,) = route.body.model_json_schema().get("examples", [{}])
        blank["headers"] |= {"content-type": "application/json"}
        blank["body"] = json.dumps(example)
    return blank


def event_text(route: Route) -> str:
    """The sample event, as it is kept in the repository."""
    return json.dumps(event(route), indent=2, ensure_ascii=False) + "\n"


def examples() -> document.Examples:
    """The bodies of the sample events, and what tests were answered."""
    bodies = {route.name: json.loads(body) for route in routes() if route.body and (body := event(route).get("body"))}
    answers = json.loads(ANSWERS.read_text())
    return document.Examples(requests=bodies, answers=answers["answers"], errors=answers["errors"])


def text() -> str:
    """The document, as it is kept in the repository."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return json.dumps(document.build(routes(), version, examples()), indent=1, ensure_ascii=False) + "\n"


def table(guide: str) -> str:
    """The guide to the API with its table of routes."""
    rows = [f"| `{one.method} {one.path}` | {one.summary} | {one.scope or ''} |\n" for one in _in_order()]
    if not TABLE.search(guide):
        raise ValueError("docs/api.md has no place for the table of routes")
    return TABLE.sub("| route | | scope |\n| --- | --- | --- |\n" + "".join(rows), guide)


def _in_order() -> list[Route]:
    return sorted(routes(), key=lambda one: (not one.path.startswith("/api"), one.path, one.method))


def main() -> int:
    """Write the sample events, the document and the table."""
    for route in routes():
        sample(route).write_text(event_text(route))
    DOCUMENT.write_text(text())
    GUIDE.write_text(table(GUIDE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
