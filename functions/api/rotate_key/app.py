"""POST /api/keys/{id}/rotate: replace an API key by a new one."""

from kindling.entry.answers.keys import KeyIssued
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import Conflict, IdempotencyKeyReused, KeyExceedsMaker, NotFound
from kindling.keys import service
from kindling.keys.model import RotateKey, Scope


@route(
    "POST",
    "/api/keys/{key_id}/rotate",
    scope=Scope.ADMIN,
    summary="Rotate an API key",
    tag="keys",
    secret=True,
    errors=(NotFound, KeyExceedsMaker, IdempotencyKeyReused, Conflict),
)
def lambda_handler(request: Request, body: RotateKey) -> KeyIssued:
    key_id, idempotency_key = request.ids["key_id"], request.idempotency_key
    return KeyIssued.of(service.rotate(request.caller, key_id, body, idempotency_key=idempotency_key))
