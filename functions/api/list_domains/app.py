"""GET /api/email/domains: the tenant's domains, newest first."""

from kindling.domains import service
from kindling.domains.model import ListDomains
from kindling.entry.answers.domains import DomainsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope


@route("GET", "/api/email/domains", scope=Scope.READ, summary="List domains", tag="domains")
def lambda_handler(request: Request, query: ListDomains) -> DomainsAnswer:
    return DomainsAnswer.of(*service.list_domains(request.caller, query))
