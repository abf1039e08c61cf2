"""POST /v1/domains: register a sending domain."""

from kindling.domains import service
from kindling.domains.model import CreateSendingDomain
from kindling.entry.answers.operations import Accepted, made
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import SendingDomainCreated
from kindling.errors import DomainExists, DomainTaken, LiveKeyRequired, ProviderError
from kindling.keys.model import Scope


@route(
    "POST",
    "/v1/domains",
    scope=Scope.PROVISION,
    summary="Register a domain",
    tag="domains",
    counts=True,
    errors=(DomainExists, DomainTaken, LiveKeyRequired, ProviderError),
)
def lambda_handler(request: Request, body: CreateSendingDomain) -> SendingDomainCreated | Accepted:
    return made(service.create(request.caller, body, wait_seconds=request.wait_seconds), SendingDomainCreated.of)
