"""DELETE /v1/webhooks/{webhook_id}: send nothing to a webhook any more."""

from kindling.entry.answers import Success
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound
from kindling.events import service
from kindling.keys.model import Scope


@route(
    "DELETE",
    "/v1/webhooks/{webhook_id}",
    scope=Scope.ADMIN,
    summary="Delete a webhook",
    tag="webhooks",
    errors=(NotFound, LiveKeyRequired),
)
def lambda_handler(request: Request) -> Success:
    service.delete(request.caller, request.ids["webhook_id"])
    return Success()
