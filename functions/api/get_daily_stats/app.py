"""GET /v1/domains/{id}/stats/daily: a domain's statistics by day."""

from kindling.domains import figures
from kindling.entry.answers.figures import DailyStatsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.metrics.model import DailyStatsQuery


@route(
    "GET",
    "/v1/domains/{domain_id}/stats/daily",
    scope=Scope.READ,
    summary="Read figures by day",
    tag="stats",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: DailyStatsQuery) -> DailyStatsAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return DailyStatsAnswer.model_validate(figures.daily(domain, days=query.days))
