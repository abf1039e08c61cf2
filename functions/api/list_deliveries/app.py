"""GET /v1/webhooks/{webhook_id}/deliveries: list what was sent to a webhook, and how it was answered."""

from kindling.entry.answers.events import DeliveriesAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.events import service
from kindling.events.model import ListDeliveries
from kindling.keys.model import Scope


@route(
    "GET",
    "/v1/webhooks/{webhook_id}/deliveries",
    scope=Scope.READ,
    summary="List the deliveries to a webhook, newest first",
    tag="webhooks",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: ListDeliveries) -> DeliveriesAnswer:
    return DeliveriesAnswer.of(service.list_deliveries(request.caller, request.ids["webhook_id"], query))
