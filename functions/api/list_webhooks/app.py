"""GET /v1/webhooks: list the tenant's webhooks."""

from kindling.entry.answers.events import WebhooksAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.events import service
from kindling.keys.model import Scope
from kindling.platform.paging import Paging


@route("GET", "/v1/webhooks", scope=Scope.READ, summary="List webhooks, newest first", tag="webhooks")
def lambda_handler(request: Request, query: Paging) -> WebhooksAnswer:
    return WebhooksAnswer.of(service.list_webhooks(request.caller, query))
