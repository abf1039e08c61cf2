"""GET /v1/domains/{id}/warming/history: a domain's phase changes, newest first."""

from kindling.entry.answers.warming import HistoryAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.model import ListHistory


@route(
    "GET",
    "/v1/domains/{domain_id}/warming/history",
    scope=Scope.READ,
    summary="Read the history of warming",
    tag="warming",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: ListHistory) -> HistoryAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return HistoryAnswer.model_validate(service.history(request.caller, domain, limit=query.limit, cursor=query.cursor))
