"""GET /v1/suppressions/check: whether an address is suppressed."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.suppressions import service
from kindling.suppressions.model import Address

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/suppressions/check", summary="Check an address", tags=["suppressions"])
def check_suppression(email: Annotated[Address, Query()]) -> dict[str, Any]:
    return service.check(caller(app), email)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
