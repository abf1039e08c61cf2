"""DELETE /v1/domains/{id}: delete a domain, its records, its accounts and its registration."""

from kindling.domains import service
from kindling.entry.answers import Success
from kindling.entry.answers.operations import Accepted, deleted
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import identify
from kindling.errors import LiveKeyRequired, NotFound, RowNotDeleted
from kindling.keys.model import Scope


@route(
    "DELETE",
    "/v1/domains/{domain_id}",
    scope=Scope.PROVISION,
    summary="Delete a domain",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, RowNotDeleted),
)
def lambda_handler(request: Request) -> Success | Accepted:
    domain_id = identify(request.caller, request.ids["domain_id"])
    return deleted(service.delete(request.caller, domain_id, wait_seconds=request.wait_seconds))
