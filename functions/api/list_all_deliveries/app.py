"""GET /v1/webhook-deliveries: list what was sent to all webhooks, and how it was answered."""

from kindling.entry.answers.events import DeliveriesAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.events import service
from kindling.events.model import ListDeliveries
from kindling.keys.model import Scope


@route(
    "GET",
    "/v1/webhook-deliveries",
    scope=Scope.READ,
    summary="List the deliveries to all webhooks, newest first",
    tag="webhooks",
)
def lambda_handler(request: Request, query: ListDeliveries) -> DeliveriesAnswer:
    return DeliveriesAnswer.of(service.list_all_deliveries(request.caller, query))
