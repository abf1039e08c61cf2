"""POST /v1/domains/{id}/verify: trigger the provider's check of a domain."""

from kindling.domains import service
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import Verification, find
from kindling.errors import LiveKeyRequired, NotFound, ProviderError
from kindling.keys.model import Scope


@route(
    "POST",
    "/v1/domains/{domain_id}/verify",
    scope=Scope.PROVISION,
    summary="Verify a domain",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, ProviderError),
)
def lambda_handler(request: Request) -> Verification:
    domain = find(request.caller, request.ids["domain_id"])
    return Verification.of(service.verify(request.caller, domain.id, poll=False))
