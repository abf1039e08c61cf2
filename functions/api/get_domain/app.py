"""GET /api/email/domains/{id}: one sending domain."""

from kindling.domains import lookup
from kindling.entry.answers.domains import DomainAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.keys.model import Scope


@route(
    "GET",
    "/api/email/domains/{domain_id}",
    scope=Scope.READ,
    summary="Read a domain",
    tag="domains",
    errors=(NotFound,),
)
def lambda_handler(request: Request) -> DomainAnswer:
    return DomainAnswer.of(lookup.get(request.caller, request.ids["domain_id"]))
