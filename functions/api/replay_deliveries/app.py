"""POST /v1/webhooks/{webhook_id}/replay: enable a webhook and send what was not delivered again."""

from kindling.entry.answers.events import Replayed
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound
from kindling.events import service
from kindling.events.model import Replay
from kindling.keys.model import Scope


@route(
    "POST",
    "/v1/webhooks/{webhook_id}/replay",
    scope=Scope.ADMIN,
    summary="Enable a webhook and send again what was not delivered",
    tag="webhooks",
    errors=(NotFound, LiveKeyRequired),
)
def lambda_handler(request: Request, body: Replay) -> Replayed:
    return Replayed.of(service.replay(request.caller, request.ids["webhook_id"], body))
