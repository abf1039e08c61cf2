"""Instantly's error body, the messages of its schema validation, and its paging."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from local.sandbox.wire import Call, Refused
from local.sandbox.world import Row

Body = TypeVar("Body", bound=BaseModel)
AnyRow = TypeVar("AnyRow", bound=Row)

PHRASES = {int(status): status.phrase for status in HTTPStatus}
MESSAGES = {
    401: "Invalid API key",
    402: "An active paid plan is required",
    403: "The API key lacks a required scope",
    404: "Not found",
    429: "Rate limit exceeded, retry later",
    500: "Something went wrong",
}
WANTED = {
    "bool_type": "must be boolean",
    "dict_type": "must be object",
    "float_type": "must be number",
    "int_type": "must be integer",
    "list_type": "must be array",
    "literal_error": "must be equal to one of the allowed values",
    "model_type": "must be object",
    "string_too_short": "must NOT have fewer than 1 characters",
    "string_type": "must be string",
    "too_long": "must NOT have more than 100 items",
    "too_short": "must NOT have fewer than 1 items",
}


def refusal(status: int, code: str | int | None, message: str | None) -> httpx.Response:
    """A refusal for a fault. Instantly's errors have no code, so a code is used as the message when there is none."""
    phrase = PHRASES.get(status, "Error")
    text = message or (str(code) if code else MESSAGES.get(status, phrase))
    return httpx.Response(status, json={"statusCode": status, "error": phrase, "message": text})


def refused(status: int, message: str) -> Refused:
    return Refused(refusal(status, None, message))


def body_of(call: Call, model: type[Body]) -> Body:
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if call.content and content_type != "application/json":
        raise refused(415, f"Unsupported Media Type: {content_type or 'undefined'}")
    if not call.content and content_type == "application/json":
        raise refused(400, "Body cannot be empty when content-type is set to 'application/json'")
    if not call.content:
        raise refused(400, "body must be object")
    try:
        return model.model_validate_json(call.content)
    except ValidationError as error:
        raise refused(400, _sentence(error)) from None


def refuse_a_body(call: Call) -> None:
    """Refuse a body or a JSON content type: some endpoints accept neither."""
    announced = "json" in call.headers.get("content-type", "").lower()
    if announced or call.content:
        raise refused(400, "body must be null")


def _sentence(error: ValidationError) -> str:
    issues = error.errors(include_url=False, include_context=False, include_input=False)
    kinds = {issue["type"]: issue for issue in reversed(issues)}
    issue = kinds.get("missing") or kinds.get("extra_forbidden") or issues[0]
    *parents, last = issue["loc"] or ("",)
    where = "/".join(["body", *map(str, parents)])
    if issue["type"] == "json_invalid":
        return "Body is not valid JSON but content-type is set to 'application/json'"
    if issue["type"] == "missing":
        return f"{where} must have required property '{last}'"
    if issue["type"] == "extra_forbidden":
        return f"{where} must NOT have additional properties"
    at = f"{where}/{last}" if last != "" else where
    return f"{at} {WANTED.get(issue['type'], 'is invalid')}"


def comma_list(call: Call, name: str) -> list[str]:
    return [item for item in call.query.get(name, "").split(",") if item]


def limit_of(call: Call) -> int:
    text = call.query.get("limit", "10")
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise refused(400, "querystring/limit must be a number from 1 to 100")
    return int(text)


def page(
    call: Call,
    rows: Iterable[AnyRow],
    show: Callable[[AnyRow], dict[str, Any]],
    key: Callable[[AnyRow], str] = lambda row: f"{row.number:09}",
) -> httpx.Response:
    """Rows newest first after `starting_after`. A full page has a cursor even if it is the last."""
    limit = limit_of(call)
    after = call.query.get("starting_after")
    by_cursor = {f"{row.created_at}&{key(row)}": row for row in rows}
    cursors = sorted((cursor for cursor in by_cursor if not after or cursor < after), reverse=True)[:limit]
    answer: dict[str, Any] = {"items": [show(by_cursor[cursor]) for cursor in cursors]}
    if len(cursors) == limit:
        answer["next_starting_after"] = cursors[-1]
    return httpx.Response(200, json=answer)
