"""PUT /v1/domains/{id}: change a domain's type, catch-all or activity."""

from kindling.domains import service
from kindling.domains.model import UpdateSendingDomain
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import SendingDomainAnswer, find
from kindling.errors import LiveKeyRequired, NotFound
from kindling.keys.model import Scope


@route(
    "PUT",
    "/v1/domains/{domain_id}",
    scope=Scope.PROVISION,
    summary="Change a domain",
    tag="domains",
    errors=(NotFound, LiveKeyRequired),
)
def lambda_handler(request: Request, body: UpdateSendingDomain) -> SendingDomainAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return SendingDomainAnswer.of(service.update(request.caller, domain, body))
