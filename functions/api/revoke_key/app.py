"""DELETE /api/keys/{id}: end an API key for good."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys import service
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.delete("/api/keys/<key_id>", summary="Revoke an API key", tags=["keys"])
def revoke_key(key_id: str, force: Annotated[bool, Query()] = False) -> dict[str, Any]:
    return {"key": service.revoke(caller(app), key_id, force=force).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.ADMIN)
