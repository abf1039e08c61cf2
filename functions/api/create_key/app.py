"""POST /api/keys: make an API key; its text is shown once."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, idempotency_key, issued, serve
from kindling.keys import service
from kindling.keys.model import CreateKey, Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/api/keys", summary="Make an API key", tags=["keys"])
def create_key(command: Annotated[CreateKey, Body()]) -> Response[Any]:
    return issued(service.create(caller(app), command, idempotency_key=idempotency_key(app)))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.ADMIN, secret=True)
