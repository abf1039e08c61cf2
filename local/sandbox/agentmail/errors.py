"""AgentMail's two error formats: the gateway's plain message, and the application's envelope."""

from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from local.sandbox.wire import Call, Refused

Body = TypeVar("Body", bound=BaseModel)

NAMES = {"resource_taken": "IsTakenError"}
CODES = {
    400: "validation_error",
    404: "not_found",
    409: "conflict",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}
MESSAGES = {
    "limit_exceeded": "Limit exceeded",
    "not_found": "Not found",
    "rate_limit_exceeded": "Rate limit exceeded",
    "validation_error": "Request validation failed",
}
EXTRAS: dict[str, dict[str, Any]] = {
    "already_exists": {"suggestions": []},
    "resource_taken": {"suggestions": []},
    "limit_exceeded": {"resource": "inboxes", "limit": 3, "upgrade_url": "https://console.agentmail.to"},
    "validation_error": {"errors": []},
}
ISSUES = {
    "extra_forbidden": "unrecognized_keys",
    "literal_error": "invalid_value",
    "string_pattern_mismatch": "invalid_format",
    "string_too_short": "too_small",
    "too_short": "too_small",
    "string_too_long": "too_big",
    "too_long": "too_big",
    "value_error": "custom",
    "json_invalid": "custom",
}


def envelope(status: int, code: str, message: str, **extras: Any) -> httpx.Response:
    name = NAMES.get(code) or code.title().replace("_", "")
    name = name if name.endswith("Error") else f"{name}Error"
    return httpx.Response(status, json={"name": name, "code": code, "message": message, **extras})


def refusal(status: int, code: str | int | None, message: str | None) -> httpx.Response:
    """A refusal for a fault. Without a code, 401 and 403 have the gateway's format."""
    if code is None and status in (401, 403):
        gateway_message = "Unauthorized" if status == HTTPStatus.UNAUTHORIZED else "Forbidden"
        return httpx.Response(status, json={"message": message or gateway_message})
    code = str(code or CODES.get(status, "internal_error"))
    text = message or MESSAGES.get(code) or code.replace("_", " ").capitalize()
    return envelope(status, code, text, **EXTRAS.get(code, {}))


def refused(status: int, code: str, message: str, **extras: Any) -> Refused:
    return Refused(envelope(status, code, message, **extras))


def not_found(message: str) -> Refused:
    return refused(404, "not_found", message)


def invalid(path: list[str | int], message: str, issue: str = "custom") -> Refused:
    return _invalid([{"code": issue, "path": path, "message": message}])


def body_of(call: Call, model: type[Body]) -> Body:
    """The call's body. AgentMail treats a missing body as an empty object and ignores the content type."""
    try:
        return model.model_validate_json(call.content or b"{}")
    except ValidationError as error:
        raise _invalid(
            [
                {
                    "code": ISSUES.get(issue["type"], "invalid_type"),
                    "path": list(issue["loc"]),
                    "message": issue["msg"],
                }
                for issue in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from None


def _invalid(errors: list[dict[str, Any]]) -> Refused:
    return refused(400, "validation_error", MESSAGES["validation_error"], errors=errors)
