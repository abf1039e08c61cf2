"""DELETE /v1/suppressions/{id}: allow an address again."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.suppressions import service

app = APIGatewayHttpResolver(enable_validation=True)


@app.delete("/v1/suppressions/<email>", summary="Allow an address again", tags=["suppressions"])
def delete_suppression(email: str) -> dict[str, Any]:
    return service.delete(caller(app), email)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.SEND)
