"""POST /api/keys: make an API key."""

from kindling.entry.answers.keys import KeyIssued
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import Conflict, IdempotencyKeyReused, KeyExceedsMaker
from kindling.keys import service
from kindling.keys.model import CreateKey, Scope


@route(
    "POST",
    "/api/keys",
    scope=Scope.ADMIN,
    summary="Make an API key",
    tag="keys",
    secret=True,
    errors=(KeyExceedsMaker, IdempotencyKeyReused, Conflict),
)
def lambda_handler(request: Request, body: CreateKey) -> KeyIssued:
    return KeyIssued.of(service.create(request.caller, body, idempotency_key=request.idempotency_key))
