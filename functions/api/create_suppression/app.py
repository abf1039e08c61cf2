"""POST /v1/suppressions: suppress an address."""

from kindling.entry.answers.suppressions import SuppressionCreated
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired
from kindling.keys.model import Scope
from kindling.suppressions import service
from kindling.suppressions.model import CreateSuppression


@route(
    "POST",
    "/v1/suppressions",
    scope=Scope.SEND,
    summary="Suppress an address",
    tag="suppressions",
    errors=(LiveKeyRequired,),
)
def lambda_handler(request: Request, body: CreateSuppression) -> SuppressionCreated:
    return SuppressionCreated.of(service.create(request.caller, body))
