"""DELETE /api/email/domains/{id}: delete a domain, its records, its accounts and its registration."""

from kindling.domains import service
from kindling.entry.answers import Success
from kindling.entry.answers.operations import Accepted, deleted
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound, RowNotDeleted
from kindling.keys.model import Scope


@route(
    "DELETE",
    "/api/email/domains/{domain_id}",
    scope=Scope.PROVISION,
    summary="Delete a domain",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, RowNotDeleted),
)
def lambda_handler(request: Request) -> Success | Accepted:
    return deleted(service.delete(request.caller, request.ids["domain_id"], wait_seconds=request.wait_seconds))
