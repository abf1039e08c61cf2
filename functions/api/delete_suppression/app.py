"""DELETE /v1/suppressions/{email}: allow an address again."""

from kindling.entry.answers import Success
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound
from kindling.keys.model import Scope
from kindling.suppressions import service


@route(
    "DELETE",
    "/v1/suppressions/{email}",
    scope=Scope.SEND,
    summary="Allow an address again",
    tag="suppressions",
    errors=(NotFound, LiveKeyRequired),
)
def lambda_handler(request: Request) -> Success:
    service.delete(request.caller, request.ids["email"])
    return Success()
