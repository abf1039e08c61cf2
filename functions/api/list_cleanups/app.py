"""GET /api/cleanups: what still has to be removed at the providers."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.cleanups import service
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/cleanups", summary="List cleanups", tags=["cleanups"])
def list_cleanups() -> dict[str, Any]:
    return {"cleanups": [cleanup.wire() for cleanup in service.list_cleanups(caller(app))]}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
