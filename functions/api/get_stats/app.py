"""GET /v1/domains/{id}/stats: a domain's totals and rates."""

from kindling.domains import figures
from kindling.entry.answers.figures import StatsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.metrics.model import StatsQuery


@route(
    "GET",
    "/v1/domains/{domain_id}/stats",
    scope=Scope.READ,
    summary="Read figures",
    tag="stats",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: StatsQuery) -> StatsAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return StatsAnswer.model_validate(figures.summary(domain, days=query.days))
