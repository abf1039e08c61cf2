"""GET /v1/usage/summary: what became of the tenant's mail in a period, by domain, and its quotas."""

from kindling.domains import usage
from kindling.entry.answers.figures import UsageAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.metrics.model import UsageQuery


@route("GET", "/v1/usage/summary", scope=Scope.READ, summary="Read usage and quotas", tag="stats")
def lambda_handler(request: Request, query: UsageQuery) -> UsageAnswer:
    return UsageAnswer.model_validate(usage.summary(request.caller, query))
