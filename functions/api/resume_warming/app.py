"""POST /v1/domains/{id}/warming/resume: return to the phase before a pause."""

from kindling.entry.answers.warming import ResumedAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import LiveKeyRequired, NotFound, NotPaused, StaleStatus
from kindling.keys.model import Scope
from kindling.warming import service


@route(
    "POST",
    "/v1/domains/{domain_id}/warming/resume",
    scope=Scope.PROVISION,
    summary="Resume warming",
    tag="warming",
    errors=(
        NotFound,
        LiveKeyRequired,
        NotPaused,
        StaleStatus,
    ),
)
def lambda_handler(request: Request) -> ResumedAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return ResumedAnswer.model_validate(service.resume(request.caller, domain))
