"""GET /api/keys: the caller's API keys, without their secrets."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys import service
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/keys", summary="List API keys", tags=["keys"])
def list_keys() -> dict[str, Any]:
    return {"keys": [key.wire() for key in service.list_keys(caller(app))]}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.ADMIN)
