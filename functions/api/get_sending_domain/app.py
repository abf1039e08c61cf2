"""GET /v1/domains/{id}: one domain, by id or name."""

from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import SendingDomainAnswer, find
from kindling.errors import NotFound
from kindling.keys.model import Scope


@route("GET", "/v1/domains/{domain_id}", scope=Scope.READ, summary="Read a domain", tag="domains", errors=(NotFound,))
def lambda_handler(request: Request) -> SendingDomainAnswer:
    return SendingDomainAnswer.of(find(request.caller, request.ids["domain_id"]))
