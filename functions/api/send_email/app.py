"""POST /v1/send: send a message, if its domain's limits admit it."""

from kindling.entry.answers.sending import Sent
from kindling.entry.request import Request
from kindling.entry.route import MAX_MESSAGE_BYTES, route
from kindling.keys.model import Scope
from kindling.sending import service
from kindling.sending.model import SendEmail


@route(
    "POST",
    "/v1/send",
    scope=Scope.SEND,
    summary="Send a message",
    tag="sending",
    max_body_bytes=MAX_MESSAGE_BYTES,
    logged=True,
    errors=service.REFUSALS,
)
def lambda_handler(request: Request, body: SendEmail) -> Sent:
    return Sent.model_validate(service.send(request.caller, body, idempotency_key=request.idempotency_key))
