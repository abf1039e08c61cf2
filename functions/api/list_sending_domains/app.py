"""GET /v1/domains: the tenant's domains, newest first."""

from kindling.domains import lookup
from kindling.domains.model import ListSendingDomains
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import SendingDomainsAnswer
from kindling.keys.model import Scope


@route("GET", "/v1/domains", scope=Scope.READ, summary="List domains", tag="domains")
def lambda_handler(request: Request, query: ListSendingDomains) -> SendingDomainsAnswer:
    return SendingDomainsAnswer.of(lookup.page_of(request.caller, query, skip=query.offset), query)
