"""Cloudflare's response envelope, error codes and paging."""

from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from local.sandbox.wire import Call, Refused

Body = TypeVar("Body", bound=BaseModel)

CODES = {400: 1004, 401: 10000, 403: 10000, 404: 7003, 429: 971}
MESSAGES = {
    971: "Please wait and consider throttling your request speed",
    1004: "DNS Validation Error",
    7003: "Could not route to the resource, perhaps your object identifier is invalid?",
    9109: "Unauthorized to access requested resource",
    10000: "Authentication error",
    81044: "Record does not exist.",
    81053: "An A, AAAA, or CNAME record with that host already exists.",
    81054: "A CNAME record with that host already exists.",
    81056: "NS records with that host already exist.",
    81057: "Record already exists.",
    81058: "An identical record already exists.",
}
UNEXPECTED = 10001


def enveloped(result: Any, info: dict[str, int] | None = None) -> httpx.Response:
    body = {"success": True, "errors": [], "messages": [], "result": result}
    return httpx.Response(200, json=body if info is None else {**body, "result_info": info})


def refusal(status: int, code: str | int | None, message: str | None) -> httpx.Response:
    number = int(code) if code is not None else CODES.get(status, UNEXPECTED)
    return _failed(status, {"code": number, "message": message or MESSAGES.get(number, "Internal error")})


def problem(
    status: int, code: int, message: str | None = None, *, chain: list[tuple[int, str]] | None = None
) -> Refused:
    """A refusal with its code; `chain` has the causes."""
    error: dict[str, Any] = {"code": code, "message": message or MESSAGES[code]}
    if chain:
        error["error_chain"] = [{"code": number, "message": text} for number, text in chain]
    return Refused(_failed(status, error))


def invalid(code: int, message: str) -> Refused:
    return problem(400, 1004, chain=[(code, message)])


def misfit(error: ValidationError) -> Refused:
    """A refusal of a body that does not match its schema."""
    issue = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, issue["loc"])) or "the body"
    return invalid(9207, f"{where}: {issue['msg']}")


def body_of(call: Call, model: type[Body]) -> Body:
    try:
        return model.model_validate_json(call.content or b"{}")
    except ValidationError as error:
        raise misfit(error) from None


def authenticate(call: Call) -> None:
    if call.bearer is None:
        chain = [(6111, "Invalid format for Authorization header")]
        raise problem(400, 6003, "Invalid request headers", chain=chain)
    if not call.bearer.startswith("cf_"):
        raise problem(403, 10000)


def paged(call: Call, items: list[Any], *, default: int, largest: int) -> httpx.Response:
    """One page; past the last one the result is empty."""
    number = _count(call, "page", 1, 10**9)
    size = _count(call, "per_page", default, largest)
    shown = items[(number - 1) * size : number * size]
    info = {
        "page": number,
        "per_page": size,
        "count": len(shown),
        "total_count": len(items),
        "total_pages": -(-len(items) // size),
    }
    return enveloped(shown, info)


def ordered(call: Call, items: list[dict[str, Any]], fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """The items sorted by the query's `order` and `direction`; unsorted without them."""
    field = call.query.get("order")
    if field is None:
        return items
    if field not in fields:
        raise invalid(9207, f"order: one of {', '.join(fields)}")
    return sorted(items, key=lambda item: str(item[field]), reverse=call.query.get("direction") == "desc")


def _count(call: Call, name: str, default: int, largest: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= largest:
        raise invalid(9207, f"{name}: a number from 1 to {largest}")
    return int(text)


def _failed(status: int, error: dict[str, Any]) -> httpx.Response:
    return httpx.Response(status, json={"success": False, "errors": [error], "messages": [], "result": None})
