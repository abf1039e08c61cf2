"""DELETE /api/keys/{id}: revoke an API key."""

from kindling.entry.answers.keys import KeyAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import KeyExceedsMaker, LastAdminKey, NotFound
from kindling.keys import service
from kindling.keys.model import RevokeKey, Scope


@route(
    "DELETE",
    "/api/keys/{key_id}",
    scope=Scope.ADMIN,
    summary="Revoke an API key",
    tag="keys",
    errors=(NotFound, KeyExceedsMaker, LastAdminKey),
)
def lambda_handler(request: Request, query: RevokeKey) -> KeyAnswer:
    return KeyAnswer.of(service.revoke(request.caller, request.ids["key_id"], force=query.force))
