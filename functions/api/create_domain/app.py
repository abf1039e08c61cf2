"""POST /api/email/domains: register a sending domain and publish its DNS."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.domains.model import CreateDomain
from kindling.entry.route import caller, counted, created, patience, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/api/email/domains", summary="Register a sending domain", tags=["domains"], middlewares=[counted])
def create_domain(command: Annotated[CreateDomain, Body()]) -> Response[Any]:
    return created(service.create(caller(app), command, wait_seconds=patience(app)), lambda row: {"domain": row.wire()})


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
