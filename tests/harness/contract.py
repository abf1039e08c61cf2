"""Checks every response of the in-process tests against the OpenAPI document."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from kindling.entry.routes import DOCUMENT


@cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return loaded


@cache
def _responses(route: str) -> dict[str, Any]:
    method, _, path = route.partition(" ")
    responses: dict[str, Any] = document()["paths"][path][method.lower()]["responses"]
    return responses


@cache
def _validator(route: str, status: str) -> Draft202012Validator:
    (content,) = _responses(route)[status].get("content", {"": {"schema": {"type": "null"}}}).values()
    return Draft202012Validator({**content["schema"], "components": document()["components"]})


@cache
def _required_headers(route: str, status: str) -> set[str]:
    known = document()["components"]["headers"]
    headers = _responses(route)[status].get("headers", {})
    return {name for name, header in headers.items() if (known[name] if "$ref" in header else header)["required"]}


def check(route: str, status: int, headers: dict[str, str], body: Any) -> None:
    """Fail unless the document declares this response of the route."""
    promised = _responses(route)
    assert str(status) in promised, f"{route} answers {status}, which its declaration does not have: {body}"
    missing = _required_headers(route, str(status)) - headers.keys()
    assert not missing, f"{route} answers {status} without {missing}"
    wrong = [
        f"{'/'.join(map(str, error.path))}: {error.message}"
        for error in _validator(route, str(status)).iter_errors(body)
    ]
    assert not wrong, f"{route} answers {status} with another body than it declares: {wrong}"
