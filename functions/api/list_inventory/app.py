"""GET /api/inventory: what the providers hold without a row, and rows whose resources are gone."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.inventory import findings
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/inventory", summary="List inventory findings", tags=["inventory"])
def list_inventory() -> dict[str, Any]:
    return findings.list_findings(caller(app))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
