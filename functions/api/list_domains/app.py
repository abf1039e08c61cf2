"""GET /api/email/domains: the caller's domains, newest first."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/email/domains", summary="List domains", tags=["domains"])
def list_domains(skip_sync: Annotated[bool, Query()] = False) -> dict[str, Any]:
    return {"domains": [domain.wire() for domain in service.list_domains(caller(app), skip_sync=skip_sync)]}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
