"""POST /v1/suppressions: suppress an address."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, created, serve
from kindling.keys.model import Scope
from kindling.suppressions import service
from kindling.suppressions.model import CreateSuppression, Suppression

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/v1/suppressions", summary="Suppress an address", tags=["suppressions"])
def create_suppression(command: Annotated[CreateSuppression, Body()]) -> Response[Any]:
    return created(service.create(caller(app), command), Suppression.wire)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.SEND)
