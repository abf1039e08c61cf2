"""DELETE /api/email/accounts/{id}: delete an account; its address is burnt."""

from kindling.accounts import service
from kindling.entry.answers import Success
from kindling.entry.answers.operations import Accepted, deleted
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound, RowNotDeleted
from kindling.keys.model import Scope


@route(
    "DELETE",
    "/api/email/accounts/{account_id}",
    scope=Scope.PROVISION,
    summary="Delete an account",
    tag="accounts",
    errors=(NotFound, LiveKeyRequired, RowNotDeleted),
)
def lambda_handler(request: Request) -> Success | Accepted:
    return deleted(service.delete(request.caller, request.ids["account_id"], wait_seconds=request.wait_seconds))
