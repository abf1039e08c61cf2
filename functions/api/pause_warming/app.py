"""POST /v1/domains/{id}/warming/pause: stop all sending of a domain."""

from kindling.entry.answers.warming import PausedAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import LiveKeyRequired, NotFound, NotWarming, StaleStatus
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.model import PauseWarming


@route(
    "POST",
    "/v1/domains/{domain_id}/warming/pause",
    scope=Scope.PROVISION,
    summary="Pause warming",
    tag="warming",
    errors=(
        NotFound,
        LiveKeyRequired,
        NotWarming,
        StaleStatus,
    ),
)
def lambda_handler(request: Request, body: PauseWarming) -> PausedAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return PausedAnswer.model_validate(service.pause(request.caller, domain, body))
