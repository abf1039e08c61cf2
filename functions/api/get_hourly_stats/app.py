"""GET /v1/domains/{id}/stats/hourly: a domain's statistics by hour."""

from kindling.domains import figures
from kindling.entry.answers.figures import HourlyStatsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.metrics.model import HourlyStatsQuery


@route(
    "GET",
    "/v1/domains/{domain_id}/stats/hourly",
    scope=Scope.READ,
    summary="Read figures by hour",
    tag="stats",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: HourlyStatsQuery) -> HourlyStatsAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return HourlyStatsAnswer.model_validate(figures.hourly(domain, hours=query.hours))
