"""GET /api/operations/{id}: how far a saga is."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.operations import service

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/operations/<operation_id>", summary="Read an operation", tags=["operations"])
def get_operation(operation_id: str) -> dict[str, Any]:
    return {"operation": service.get(caller(app), operation_id).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
