"""POST /api/email/domains: register a sending domain and publish its DNS."""

from kindling.domains import service
from kindling.domains.model import CreateDomain
from kindling.entry.answers.domains import DomainCreated
from kindling.entry.answers.operations import Accepted, made
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import DomainExists, DomainTaken, LiveKeyRequired, ProviderError
from kindling.keys.model import Scope


@route(
    "POST",
    "/api/email/domains",
    scope=Scope.PROVISION,
    summary="Register a sending domain",
    tag="domains",
    counts=True,
    errors=(DomainExists, DomainTaken, LiveKeyRequired, ProviderError),
)
def lambda_handler(request: Request, body: CreateDomain) -> DomainCreated | Accepted:
    return made(service.create(request.caller, body, wait_seconds=request.wait_seconds), DomainCreated.of)
