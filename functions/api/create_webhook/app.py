"""POST /v1/webhooks: send events to a URL."""

from kindling.entry.answers.events import WebhookCreated
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import Conflict, IdempotencyKeyReused, LiveKeyRequired
from kindling.events import service
from kindling.events.model import CreateWebhook
from kindling.keys.model import Scope


@route(
    "POST",
    "/v1/webhooks",
    scope=Scope.ADMIN,
    summary="Send events to a URL",
    tag="webhooks",
    secret=True,
    errors=(Conflict, IdempotencyKeyReused, LiveKeyRequired),
)
def lambda_handler(request: Request, body: CreateWebhook) -> WebhookCreated:
    return WebhookCreated.of(service.create(request.caller, body, idempotency_key=request.idempotency_key))
