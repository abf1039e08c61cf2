"""GET /api/email/accounts/warmup-analytics: warmup figures, and the status changes that follow from them."""

from kindling.accounts import graduation
from kindling.entry.answers.accounts import AnalyticsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.platform.paging import Paging


@route("GET", "/api/email/accounts/warmup-analytics", scope=Scope.READ, summary="Read warmup figures", tag="accounts")
def lambda_handler(request: Request, query: Paging) -> AnalyticsAnswer:
    return AnalyticsAnswer.model_validate(graduation.analytics(request.caller, query))
