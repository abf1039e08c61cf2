"""DELETE /v1/domains/{id}: delete a domain and all that hangs on it."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.entry import v1
from kindling.entry.route import caller, deleted, patience, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.delete("/v1/domains/<domain_id>", summary="Delete a domain", tags=["domains"])
def delete_sending_domain(domain_id: str) -> Response[Any]:
    return deleted(service.delete(caller(app), v1.identify(caller(app), domain_id), wait_seconds=patience(app)))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
