"""GET /v1/domains/{id}/stats/isp: a domain's statistics by mailbox provider."""

from kindling.domains import figures
from kindling.entry.answers.figures import IspStatsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.metrics.model import StatsQuery


@route(
    "GET",
    "/v1/domains/{domain_id}/stats/isp",
    scope=Scope.READ,
    summary="Read figures by mailbox provider",
    tag="stats",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: StatsQuery) -> IspStatsAnswer:
    domain = find(request.caller, request.ids["domain_id"])
    return IspStatsAnswer.model_validate(figures.by_provider(domain, days=query.days))
