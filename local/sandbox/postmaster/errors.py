"""The error body of Google's APIs (google.aip.dev/193)."""

from typing import Any

import httpx

from local.sandbox.wire import Refused

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def refusal(status: int, code: str | int | None, message: str | None) -> httpx.Response:
    """An error; `code` is the reason in its details."""
    name = STATUSES.get(status, "UNKNOWN")
    error: dict[str, Any] = {"code": status, "message": message or f"The request failed: {name}.", "status": name}
    if code is not None:
        error["details"] = [{"@type": ERROR_INFO, "reason": str(code), "domain": "googleapis.com"}]
    return httpx.Response(status, json={"error": error})


def problem(status: int, message: str, reason: str | None = None) -> Refused:
    return Refused(refusal(status, reason, message))
