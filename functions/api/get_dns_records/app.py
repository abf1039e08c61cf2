"""GET /api/email/domains/{id}/dns-records: the records in the domain's zone."""

from kindling.domains import service
from kindling.entry.answers.domains import ZoneAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.keys.model import Scope


@route(
    "GET",
    "/api/email/domains/{domain_id}/dns-records",
    scope=Scope.READ,
    summary="Read a domain's zone",
    tag="domains",
    errors=(NotFound,),
)
def lambda_handler(request: Request) -> ZoneAnswer:
    return ZoneAnswer.model_validate(service.read_zone(request.caller, request.ids["domain_id"]))
