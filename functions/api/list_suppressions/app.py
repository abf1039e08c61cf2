"""GET /v1/suppressions: the tenant's suppressed addresses, newest first."""

from kindling.entry.answers.suppressions import SuppressionsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.suppressions import service
from kindling.suppressions.model import ListSuppressions


@route("GET", "/v1/suppressions", scope=Scope.READ, summary="List suppressions", tag="suppressions")
def lambda_handler(request: Request, query: ListSuppressions) -> SuppressionsAnswer:
    return SuppressionsAnswer.of(*service.list_suppressions(request.caller, query), query)
