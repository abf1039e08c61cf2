"""What every route has in common: its declaration, who calls, one shape of error, idempotent replay.

A route is declared once, where its handler is. The decorator turns the handler into the function of Lambda; the same
declaration makes the OpenAPI document (`kindling.entry.document`), which is imported only there.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from kindling.entry.answers import Answer
from kindling.entry.request import Request
from kindling.errors import NOT_KNOWN, InvalidRequest, KindlingError
from kindling.platform import clock, tenancy
from kindling.platform.observability import invocation, logger

if TYPE_CHECKING:
    from kindling.keys.model import Scope

MAX_BODY_BYTES = 1_000_000
# For messages with attachments and webhooks about them. Lambda's limit is 6 MB, with the body in base64.
MAX_MESSAGE_BYTES = 4_000_000
REPLAYABLE = ("POST", "PATCH")
# API Gateway ends a request 30 s after it came, a cold start and a wait for a free function included.
GATEWAY_SECONDS = 29.0

Reply = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """A route and its handler; called with an event of API Gateway, it answers it.

    `run` takes the request, and by name the `body` and `query` that it declares as pydantic models; its return
    annotation names its answers. `scope` is what the caller's key needs, None for a route without a key. `counts` is
    for routes that create something: each is counted against the quota of creations. `secret` is for answers that hold
    a secret: they are not kept for replay. `errors` are those of the use case, beyond the ones that every route has.
    `csv` names the body's list of rows that may also come as text/csv. `logged` is for routes whose use case keeps a
    log of its own that has key and request: the audit log leaves them out.
    """

    method: str
    path: str
    run: Callable[..., Answer]
    scope: "Scope | None"
    summary: str
    tag: str
    errors: tuple[type[KindlingError], ...] = ()
    max_body_bytes: int = MAX_BODY_BYTES
    counts: bool = False
    secret: bool = False
    csv: str = ""
    logged: bool = False

    @property
    def name(self) -> str:
        """The name of its function, such as `create_domain`."""
        return self.run.__module__.split(".")[-2]

    @property
    def placeholders(self) -> list[str]:
        """The names of the path's parameters."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def audited(self) -> bool:
        """Whether the audit log has its requests: they may change something, and no other log has them."""
        return self.method != "GET" and self.scope not in (None, "read") and not self.logged

    @property
    def body(self) -> type[BaseModel] | None:
        """The model of the body."""
        return self.run.__annotations__.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        """The model of the query parameters."""
        return self.run.__annotations__.get("query")

    @property
    def answers(self) -> tuple[type[Answer], ...]:
        """The models of what it answers when nothing is wrong."""
        returned = self.run.__annotations__["return"]
        return get_args(returned) if isinstance(returned, UnionType) else (returned,)

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> Reply:
        """Answer one request. Every answer has `X-Request-ID`, every error the same shape; nothing is raised."""
        request_id = request_id_of(event, context)
        with invocation(route=event.get("routeKey"), request_id=request_id):
            started = clock.monotonic()
            reply = with_request_id(_reply_of(lambda: self._serve(event, context, request_id)), request_id)
            milliseconds = round((clock.monotonic() - started) * 1000)
            logger.info("request answered", status=reply["statusCode"], milliseconds=milliseconds)
            return reply

    def _serve(self, event: dict[str, Any], context: LambdaContext, request_id: str) -> Reply:
        request = Request(event)
        left = min(context.get_remaining_time_in_millis() / 1000, GATEWAY_SECONDS - request.waited_seconds)
        with clock.deadline(left):
            request.match(self.path)
            if self.scope is None:
                return self._handle(request, context)
            request.caller = _authenticate(request, request_id)
            with tenancy.working_for(request.caller.user_id):
                return self._audit(request, context) if self.audited else self._handle(request, context)

    def _audit(self, request: Request, context: LambdaContext) -> Reply:
        """Handle a request between the two writes of its entry in the audit log."""
        from kindling.audit import service as audit

        entry = audit.begin(request.caller, self.method, self.path, request.ids)
        reply = _reply_of(lambda: self._handle(request, context))
        replayed = "Idempotent-Replayed" in reply["headers"]
        audit.complete(entry, reply["statusCode"], json.loads(reply["body"]), replayed=replayed)
        return reply

    def _handle(self, request: Request, context: LambdaContext) -> Reply:
        if self.scope:
            request.caller.require(self.scope)
        request.refuse_long_body(self.max_body_bytes)
        # A webhook reads its body itself, as it was signed.
        body = request.body(self.csv) if self.scope else {}
        key = request.idempotency_key if self.scope and self.method in REPLAYABLE else None
        if key is None or self.secret:
            return self._run(request, body)
        # Imported here: only requests that carry a key pay for it.
        from kindling.entry.replay import replay
        from kindling.keys.model import environment

        # A dry run and the real request differ in the query only.
        asked = request.raw_query.encode() + b"\n" + request.raw_body
        identity = {
            "user": request.caller.user_id,
            "environment": environment(live=request.caller.live),
            "route": f"{request.method} {request.path}",
            "key": key,
            "body": hashlib.sha256(asked).hexdigest(),
        }
        return replay(lambda: self._run(request, body), identity, context)

    def _run(self, request: Request, body: dict[str, Any]) -> Reply:
        try:
            parameters = self._parameters(request, body)
            if self.counts:
                from kindling.keys import quota

                quota.admit_creation(request.caller)
            answer = self.run(request, **parameters)
        except KindlingError as error:
            return error_reply(error)
        return _reply(answer)

    def _parameters(self, request: Request, body: dict[str, Any]) -> dict[str, BaseModel]:
        """The body and the query, validated. Raises InvalidRequest for what the route does not know, too."""
        problems: list[Any] = []
        parameters = {}
        for name, model, values in (("body", self.body, body), ("query", self.query, request.query)):
            if model is None:
                problems += [{"loc": [field], "msg": NOT_KNOWN} for field in values]
                continue
            try:
                parameters[name] = model.model_validate(values)
            except ValidationError as error:
                problems += error.errors()
        if problems:
            raise InvalidRequest.of("request", problems)
        return parameters


def route(
    method: str,
    path: str,
    *,
    scope: "Scope | None",
    summary: str,
    tag: str,
    errors: tuple[type[KindlingError], ...] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
    counts: bool = False,
    secret: bool = False,
    csv: str = "",
    logged: bool = False,
) -> Callable[[Callable[..., Answer]], Route]:
    """Declare the route of the decorated handler; see `Route`."""
    options = (scope, summary, tag, errors, max_body_bytes, counts, secret, csv, logged)
    return lambda run: Route(method, path, run, *options)


def error_reply(error: KindlingError) -> Reply:
    """The reply for an error, in the shape that every route shares."""
    headers = {"Content-Type": "application/json"}
    if "retry_after_seconds" in error.extras:
        headers["Retry-After"] = str(int(error.extras["retry_after_seconds"]))
    body = {**error.extras, "error": error.code, "message": str(error)}
    return {"statusCode": int(error.status), "headers": headers, "body": json.dumps(body), "isBase64Encoded": False}


def request_id_of(event: dict[str, Any], context: LambdaContext) -> str:
    """The gateway's id of a request, or Lambda's of the invocation."""
    return str(event["requestContext"].get("requestId") or context.aws_request_id)


def with_request_id(reply: Reply, request_id: str) -> Reply:
    """The reply with `X-Request-ID`, and an error also with `request_id` in its body."""
    reply = {**reply, "headers": {**reply.get("headers", {}), "X-Request-ID": request_id}}
    if reply["statusCode"] >= HTTPStatus.BAD_REQUEST:
        reply["body"] = json.dumps({**json.loads(reply["body"]), "request_id": request_id})
    return reply


def _authenticate(request: Request, request_id: str) -> Any:
    from kindling.keys import authentication, quota

    caller = authentication.authenticate(request.headers.get("authorization"), request.address, request_id)
    logger.append_keys(user_id=caller.user_id, key_id=caller.key_id)
    quota.admit_request(caller)
    return caller


def _reply_of(serve: Callable[[], Reply]) -> Reply:
    """The reply of `serve`, or that for the error which it raises."""
    try:
        return serve()
    except KindlingError as error:
        return error_reply(error)
    except Exception:  # noqa: BLE001
        logger.exception("request failed")
        return error_reply(KindlingError("Something went wrong on our side; the request id finds it in the logs."))


def _reply(answer: Answer) -> Reply:
    headers = {"Content-Type": answer.content_type} if answer.content_type else {}
    headers |= answer.headers()
    return {"statusCode": int(answer.http_status), "headers": headers, "body": answer.text(), "isBase64Encoded": False}
