"""POST /v1/webhooks/{webhook_id}/rotate: replace the signing secret of a webhook, with an overlap."""

from kindling.entry.answers.events import WebhookWithSecret
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound, StaleStatus
from kindling.events import service
from kindling.events.model import RotateSecret
from kindling.keys.model import Scope


@route(
    "POST",
    "/v1/webhooks/{webhook_id}/rotate",
    scope=Scope.ADMIN,
    summary="Replace the signing secret of a webhook",
    tag="webhooks",
    secret=True,
    errors=(NotFound, StaleStatus, LiveKeyRequired),
)
def lambda_handler(request: Request, body: RotateSecret) -> WebhookWithSecret:
    rotated = service.rotate(request.caller, request.ids["webhook_id"], body, idempotency_key=request.idempotency_key)
    return WebhookWithSecret.of(rotated)
