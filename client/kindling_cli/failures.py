"""The exit code of an error of the client, and how it is told."""

from typing import Any

from kindling_cli.exits import AUTH, FAILED, NETWORK, NOT_FOUND, RATE_LIMITED, REFUSED, RUNNING, SERVER, USAGE, Failed
from kindling_client.errors import (
    Forbidden,
    Invalid,
    KindlingError,
    NotFound,
    OperationFailed,
    RateLimited,
    ServerError,
    StillRunning,
    Unauthorized,
    Unexpected,
    Unreachable,
)

# What a key may not do; the other codes of 403 say what a domain or an account may not.
OF_THE_KEY = {"forbidden", "live_key_required", "key_exceeds_maker"}
# What is wrong with the request itself; the other codes of 400 and 422 say what is missing elsewhere.
OF_THE_REQUEST = {"invalid_request", "payload_too_large", "unsupported_media_type", "method_not_allowed"}
BY_KIND: dict[type[KindlingError], int] = {
    Unauthorized: AUTH,
    NotFound: NOT_FOUND,
    RateLimited: RATE_LIMITED,
    ServerError: SERVER,
    Unexpected: SERVER,
    Unreachable: NETWORK,
    OperationFailed: FAILED,
    StillRunning: RUNNING,
}


def exit_code(error: KindlingError) -> int:
    """The exit code of an error of the client."""
    if isinstance(error, Forbidden):
        return AUTH if error.code in OF_THE_KEY else REFUSED
    if isinstance(error, Invalid):
        return USAGE if error.code in OF_THE_REQUEST else REFUSED
    return BY_KIND.get(type(error), REFUSED)


def failed(error: KindlingError) -> Failed:
    """The failure of a command by an error of the client: its sentence, and all that helps."""
    details = [f"{name}: {_text(value)}" for name, value in error.extras.items() if name != "fields"]
    about = [f"code: {error.code}", *([f"request: {error.request_id}"] if error.request_id else [])]
    again = [f"try again in {error.retry_after} s"] if error.retry_after else []
    return Failed(error.message, exit_code(error), [*about, *again, *details])


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
