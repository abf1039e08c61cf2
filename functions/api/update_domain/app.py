"""PATCH /api/email/domains/{id}: override the status of a domain's row."""

from kindling.domains import service
from kindling.domains.model import UpdateDomain
from kindling.entry.answers.domains import DomainAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound, StaleStatus
from kindling.keys.model import Scope


@route(
    "PATCH",
    "/api/email/domains/{domain_id}",
    scope=Scope.PROVISION,
    summary="Override a domain's status",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, StaleStatus),
)
def lambda_handler(request: Request, body: UpdateDomain) -> DomainAnswer:
    return DomainAnswer.of(service.override_status(request.caller, request.ids["domain_id"], body))
