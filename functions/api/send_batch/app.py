"""POST /v1/send/batch: send up to a hundred messages."""

from kindling.entry.answers.sending import BatchSent
from kindling.entry.request import Request
from kindling.entry.route import MAX_MESSAGE_BYTES, route
from kindling.keys.model import Scope
from kindling.sending import service
from kindling.sending.model import SendBatch


@route(
    "POST",
    "/v1/send/batch",
    scope=Scope.SEND,
    summary="Send messages",
    tag="sending",
    max_body_bytes=MAX_MESSAGE_BYTES,
    logged=True,
)
def lambda_handler(request: Request, body: SendBatch) -> BatchSent:
    return BatchSent.model_validate(service.send_batch(request.caller, body, idempotency_key=request.idempotency_key))
