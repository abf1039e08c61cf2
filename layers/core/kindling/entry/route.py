"""What every route has in common: who calls, what a body may be, one shape of error, replayed answers."""

import base64
import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.errors import (
    InvalidRequest,
    KindlingError,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.platform.settings import settings

if TYPE_CHECKING:
    # Imported where they are used: a route without a key needs neither them nor the AWS SDK.
    from kindling.keys.model import Caller, Issued, Scope
    from kindling.operations.model import Operation

MAX_BODY_BYTES = 1_000_000
# A message with attachments, or a webhook about one. Lambda takes 6 MB, base64 and all.
MAX_MESSAGE_BYTES = 4_000_000
MAX_KEY_LENGTH = 255
REPLAYABLE = ("POST", "PATCH")

Answer = dict[str, Any]
T = TypeVar("T")


def serve(
    app: APIGatewayHttpResolver,
    event: dict[str, Any],
    context: LambdaContext,
    *,
    scope: "Scope | None",
    max_body_bytes: int = MAX_BODY_BYTES,
    secret: bool = False,
) -> Answer:
    """Answer one request with `app`, for a caller whose key has `scope`; None asks for no key.

    An answer that holds a `secret` is not kept to be replayed: its route sees to repeats itself.
    Every answer carries `X-Request-ID`; every error has the same shape; no error leaves as a traceback.
    """
    started = clock.monotonic()
    request_id = str(event["requestContext"].get("requestId") or context.aws_request_id)
    try:
        with clock.deadline(context.get_remaining_time_in_millis() / 1000):
            caller = _admit(event, scope) if scope else None
            _check_body(event, max_body_bytes)
            app.exception_handler(RequestValidationError)(_refuse_fields)
            app.append_context(caller=caller)  # type: ignore[no-untyped-call]
            answer = _resolve(app, event, context, caller, kept=not secret)
    except KindlingError as error:
        answer = error_answer(error)
    except Exception:  # noqa: BLE001
        logger.exception("request failed")
        answer = error_answer(KindlingError("Something went wrong on our side; the request id finds it in the logs."))
    answer = with_request_id(answer, request_id)
    logger.info(
        "request answered",
        route=event.get("routeKey"),
        status=answer["statusCode"],
        request_id=request_id,
        milliseconds=round((clock.monotonic() - started) * 1000),
    )
    return answer


def caller(app: APIGatewayHttpResolver) -> "Caller":
    """Whoever called the route that runs now."""
    who: Caller = app.context["caller"]
    return who


def counted(app: APIGatewayHttpResolver, run: Callable[..., Any]) -> Any:
    """A middleware for routes that create something: counts it, once the request is understood and really runs.

    Raises QuotaExceeded.
    """
    from kindling.keys import quota

    quota.admit_creation(caller(app))
    return run(app)


def patience(app: APIGatewayHttpResolver) -> float:
    """Seconds to wait for a saga: none for a caller that prefers an asynchronous answer (RFC 7240)."""
    preferences = (app.current_event.headers.get("prefer") or "").lower().split(",")
    return 0.0 if "respond-async" in [wish.strip() for wish in preferences] else settings().saga_wait_seconds


def idempotency_key(app: APIGatewayHttpResolver) -> str | None:
    """The key under which the request may be repeated, for what keeps such a key itself."""
    return app.current_event.headers.get("idempotency-key")


def raw(app: APIGatewayHttpResolver) -> tuple[dict[str, str], bytes]:
    """The headers, in lower case, and the body exactly as they were signed."""
    headers = {name.lower(): value for name, value in app.current_event.headers.items()}
    return headers, _body(app.current_event.raw_event)


def created(outcome: "T | Operation", show: Callable[[T], dict[str, Any]]) -> Response[Any]:
    """201 with the new row as `show` shows it, or what `accepted` answers."""
    from kindling.operations.model import Operation

    if isinstance(outcome, Operation):
        return accepted(outcome)
    return Response(HTTPStatus.CREATED, "application/json", json.dumps(show(outcome)))


def issued(outcome: "Issued") -> Response[Any]:
    """201 with a key and its text."""
    headers = {"Idempotent-Replayed": "true"} if outcome.repeated else {}
    return Response(HTTPStatus.CREATED, "application/json", json.dumps(outcome.wire()), headers=headers)


def accepted(operation: "Operation") -> Response[Any]:
    """202 with an operation that still runs, and where to ask for it."""
    headers = {"Location": f"/api/operations/{operation.operation_id}"}
    body = json.dumps({"operation": operation.wire()})
    return Response(HTTPStatus.ACCEPTED, "application/json", body, headers=headers)


def queued(answer: Answer) -> Response[Any]:
    """202 for what was handed on and is still on its way; with `Retry-After` where a part of it was not taken yet."""
    wait = answer.get("retry_after_seconds")
    headers = {"Retry-After": str(wait)} if wait else {}
    return Response(HTTPStatus.ACCEPTED, "application/json", json.dumps(answer), headers=headers)


def deleted(outcome: "Operation | None") -> Response[Any]:
    """200 once the row is gone, or what `accepted` answers."""
    return accepted(outcome) if outcome else Response(HTTPStatus.OK, "application/json", '{"success": true}')


def _admit(event: dict[str, Any], scope: "Scope") -> "Caller":
    from kindling.keys import authentication, quota

    address = event["requestContext"]["http"]["sourceIp"]
    caller = authentication.authenticate(_header(event, "authorization"), address)
    quota.admit_request(caller)
    caller.require(scope)
    return caller


def _resolve(
    app: APIGatewayHttpResolver, event: dict[str, Any], context: LambdaContext, who: "Caller | None", *, kept: bool
) -> Answer:
    key = _header(event, "idempotency-key")
    method = event["requestContext"]["http"]["method"]
    if key is None or who is None or method not in REPLAYABLE:
        return _run(app, event, context)
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        raise InvalidRequest(f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters.")
    if not kept:
        return _run(app, event, context)
    # Imported here: only requests that carry a key pay for it.
    from kindling.entry.replay import replayed
    from kindling.keys.model import environment

    digest = hashlib.sha256(_body(event)).hexdigest()
    request = {
        "user": who.user_id,
        "environment": environment(live=who.live),
        "route": f"{method} {event['rawPath']}",
        "key": key,
        "body": digest,
    }
    return replayed(lambda: _run(app, event, context), request, context)


def _run(app: APIGatewayHttpResolver, event: dict[str, Any], context: LambdaContext) -> Answer:
    try:
        return app.resolve(event, context)
    except KindlingError as error:
        return error_answer(error)


def _check_body(event: dict[str, Any], most: int) -> None:
    body = _body(event)
    if len(body) > most:
        raise PayloadTooLarge(f"A body may have at most {most} bytes.")
    media_type = (_header(event, "content-type") or "application/json").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise UnsupportedMediaType("A body has to be application/json.")
    if not body:
        # Clients say application/json even when they send nothing; that is no error.
        event["body"], event["isBase64Encoded"] = None, False
        return
    try:
        json.loads(body)
    except ValueError as error:
        raise InvalidRequest("The body is not valid JSON.", fields=[]) from error


def _body(event: dict[str, Any]) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()


def _header(event: dict[str, Any], name: str) -> str | None:
    headers: dict[str, str] = event.get("headers") or {}
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _refuse_fields(error: RequestValidationError) -> Response[Any]:
    answer = error_answer(InvalidRequest.of("request", error.errors()))
    return Response(answer["statusCode"], "application/json", answer["body"])


def error_answer(error: KindlingError) -> Answer:
    """The answer for an error, in the shape that every route shares."""
    body = {**error.extras, "error": error.code, "message": str(error)}
    headers = {"Content-Type": "application/json"}
    if "retry_after_seconds" in error.extras:
        headers["Retry-After"] = str(int(error.extras["retry_after_seconds"]))
    return {
        "statusCode": int(error.status),
        "headers": headers,
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def with_request_id(answer: Answer, request_id: str) -> Answer:
    """The answer with `X-Request-ID`, and an error also with `request_id` in its body."""
    answer = {**answer, "headers": {**answer.get("headers", {}), "X-Request-ID": request_id}}
    if answer["statusCode"] >= HTTPStatus.BAD_REQUEST:
        answer["body"] = json.dumps({**json.loads(answer["body"]), "request_id": request_id})
    return answer
