"""POST /api/email/domains/{id}/verify: trigger the provider's check, or only refresh the status."""

from kindling.domains import service
from kindling.domains.model import VerifyDomain
from kindling.entry.answers.domains import DomainAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound, ProviderError
from kindling.keys.model import Scope


@route(
    "POST",
    "/api/email/domains/{domain_id}/verify",
    scope=Scope.PROVISION,
    summary="Verify a domain",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, ProviderError),
)
def lambda_handler(request: Request, query: VerifyDomain) -> DomainAnswer:
    return DomainAnswer.of(service.verify(request.caller, request.ids["domain_id"], poll=query.poll))
