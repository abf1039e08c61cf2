"""POST /v1/domains/{id}/warming/start: start warming."""

from kindling.entry.answers.warming import StartedAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import AlreadyWarming, LiveKeyRequired, NotFound, PrerequisitesNotMet
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.model import StartWarming


@route(
    "POST",
    "/v1/domains/{domain_id}/warming/start",
    scope=Scope.PROVISION,
    summary="Start warming",
    tag="warming",
    errors=(
        NotFound,
        AlreadyWarming,
        LiveKeyRequired,
        PrerequisitesNotMet,
    ),
)
def lambda_handler(request: Request, body: StartWarming) -> StartedAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return StartedAnswer.model_validate(service.start(request.caller, domain, body))
