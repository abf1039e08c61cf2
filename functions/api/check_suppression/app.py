"""GET /v1/suppressions/check: whether an address is suppressed."""

from kindling.entry.answers.suppressions import SuppressionChecked
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.suppressions import service
from kindling.suppressions.model import CheckSuppression


@route("GET", "/v1/suppressions/check", scope=Scope.READ, summary="Check an address", tag="suppressions")
def lambda_handler(request: Request, query: CheckSuppression) -> SuppressionChecked:
    return SuppressionChecked.model_validate(service.check(request.caller, query.email))
