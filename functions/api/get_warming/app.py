"""GET /v1/domains/{id}/warming: phase, limits, use and advancement blockers of a domain."""

from kindling.entry.answers.warming import WarmingAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.warming import service


@route(
    "GET",
    "/v1/domains/{domain_id}/warming",
    scope=Scope.READ,
    summary="Read warming",
    tag="warming",
    errors=(NotFound,),
)
def lambda_handler(request: Request) -> WarmingAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return WarmingAnswer.model_validate(service.show(request.caller, domain))
