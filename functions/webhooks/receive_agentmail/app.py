"""POST /webhooks/agentmail: what AgentMail tells about messages and domains, signed."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import MAX_MESSAGE_BYTES, raw, serve
from kindling.webhooks import service

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/webhooks/agentmail", summary="Receive AgentMail's webhooks", tags=["webhooks"])
def receive_agentmail() -> dict[str, Any]:
    return service.receive(*raw(app))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=None, max_body_bytes=MAX_MESSAGE_BYTES)
