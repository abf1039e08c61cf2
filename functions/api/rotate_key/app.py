"""POST /api/keys/{id}/rotate: a key in the place of another, which ends after an overlap."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, idempotency_key, issued, serve
from kindling.keys import service
from kindling.keys.model import RotateKey, Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/api/keys/<key_id>/rotate", summary="Rotate an API key", tags=["keys"])
def rotate_key(key_id: str, command: Annotated[RotateKey | None, Body()] = None) -> Response[Any]:
    made = service.rotate(caller(app), key_id, command or RotateKey(), idempotency_key=idempotency_key(app))
    return issued(made)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.ADMIN, secret=True)
