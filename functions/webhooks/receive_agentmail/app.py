"""POST /webhooks/agentmail: AgentMail's signed events."""

from kindling.entry.answers.webhooks import Received
from kindling.entry.request import Request
from kindling.entry.route import MAX_MESSAGE_BYTES, route
from kindling.errors import Unauthorized
from kindling.webhooks import service
from kindling.webhooks.model import Sender


@route(
    "POST",
    "/webhooks/agentmail",
    scope=None,
    summary="Receive AgentMail's webhooks",
    tag="webhooks",
    max_body_bytes=MAX_MESSAGE_BYTES,
    errors=(Unauthorized,),
)
def lambda_handler(request: Request, query: Sender) -> Received:
    return Received.model_validate(service.receive(request.headers, request.raw_body, query.tenant))
