"""POST /v1/send/batch: send up to a hundred messages, each through the gate on its own."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import MAX_MESSAGE_BYTES, caller, idempotency_key, queued, serve
from kindling.keys.model import Scope
from kindling.sending import service
from kindling.sending.model import SendBatch

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/v1/send/batch", summary="Send messages", tags=["sending"])
def send_batch(command: Annotated[SendBatch, Body()]) -> Response[Any]:
    return queued(service.send_batch(caller(app), command, idempotency_key=idempotency_key(app)))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.SEND, max_body_bytes=MAX_MESSAGE_BYTES)
