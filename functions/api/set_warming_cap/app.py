"""PUT /v1/domains/{id}/warming/cap: the daily limit that a domain has once it is warmed."""

from kindling.entry.answers.warming import CapAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import LiveKeyRequired, NotFound, StaleStatus
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.model import SetCap


@route(
    "PUT",
    "/v1/domains/{domain_id}/warming/cap",
    scope=Scope.ADMIN,
    summary="Cap a warmed domain",
    tag="warming",
    errors=(LiveKeyRequired, NotFound, StaleStatus),
)
def lambda_handler(request: Request, body: SetCap) -> CapAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return CapAnswer.model_validate(service.set_cap(request.caller, domain, body))
