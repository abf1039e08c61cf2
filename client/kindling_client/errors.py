"""The errors of the client, in one tree.

KindlingError
├── Invalid           400, 405, 413, 415 and 422: the request is not valid, or misses a prerequisite
├── Unauthorized      401: the key is missing, malformed, unknown, revoked or expired
├── Forbidden         403: the key may not do this, or the domain or account may not send now
├── NotFound          404
├── Conflict          409
├── RateLimited       429, with `retry_after`
├── ServerError       5xx: Kindling, AWS or a provider
├── Unexpected        an answer that is not the API's
├── Unreachable       no answer: no connection, or none in time
├── OperationFailed   an operation that was waited for has failed, and is undone
└── StillRunning      an operation that was waited for has not ended in time
"""

import json
from collections.abc import Mapping
from http.client import responses
from typing import Any


class KindlingError(Exception):
    """The base class.

    `code` is for programs, `message` a sentence for people. `status` is the HTTP status, `request_id` names the request
    in the server's log, `retry_after` is in seconds; each is None where there is none. `extras` has the body's other
    fields.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: int | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.request_id, self.retry_after, self.extras = request_id, retry_after, dict(extras or {})


class Invalid(KindlingError):
    pass


class Unauthorized(KindlingError):
    pass


class Forbidden(KindlingError):
    pass


class NotFound(KindlingError):
    pass


class Conflict(KindlingError):
    pass


class RateLimited(KindlingError):
    pass


class ServerError(KindlingError):
    pass


class Unexpected(KindlingError):
    pass


class Unreachable(KindlingError):
    pass


class OperationFailed(KindlingError):
    pass


class StillRunning(KindlingError):
    pass


BY_STATUS: dict[int, type[KindlingError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def of_answer(status: int, headers: Mapping[str, str], content: bytes) -> KindlingError:
    """The error that an answer with a status of 400 or more tells, be it Kindling's own or a gateway's."""
    try:
        parsed = json.loads(content)
    except ValueError:
        parsed = None
    body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    kind = BY_STATUS.get(status, ServerError if status >= 500 else Invalid)
    phrase = responses.get(status, f"status {status}")
    announced = headers.get("retry-after") or str(body.get("retry_after_seconds", ""))
    return kind(
        str(body.get("error") or phrase.lower().replace(" ", "_")),
        str(body.get("message") or f"The API answered {status}."),
        status=status,
        request_id=body.get("request_id") or headers.get("x-request-id"),
        retry_after=int(announced) if announced.isdecimal() else None,
        extras={name: value for name, value in body.items() if name not in ("error", "message", "request_id")},
    )
