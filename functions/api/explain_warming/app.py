"""POST /v1/domains/{id}/warming/explain: whether so many recipients would be admitted now; if not, when, and why."""

from kindling.entry.answers.warming import ExplainAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.model import ExplainWarming


@route(
    "POST",
    "/v1/domains/{domain_id}/warming/explain",
    scope=Scope.READ,
    summary="Ask the gate without sending",
    tag="warming",
    errors=(NotFound,),
)
def lambda_handler(request: Request, body: ExplainWarming) -> ExplainAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return ExplainAnswer.model_validate(service.explain(request.caller, domain, body))
