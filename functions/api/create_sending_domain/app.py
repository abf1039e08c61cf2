"""POST /v1/domains: register a sending domain."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.domains.model import CreateSendingDomain
from kindling.entry import v1
from kindling.entry.route import caller, counted, created, patience, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/v1/domains", summary="Register a domain", tags=["domains"], middlewares=[counted])
def create_sending_domain(command: Annotated[CreateSendingDomain, Body()]) -> Response[Any]:
    return created(service.create(caller(app), command, wait_seconds=patience(app)), v1.show)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
