"""GET /v1/domains/{id}/warming/history: a domain's changes of phase."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.warming import service

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/domains/<domain_id>/warming/history", summary="Read the history of warming", tags=["warming"])
def list_warming_history(
    domain_id: str,
    limit: Annotated[int, Query(ge=1)] = 50,
    cursor: Annotated[str | None, Query()] = None,
) -> dict[str, Any]:
    return service.history(caller(app), v1.find(caller(app), domain_id), limit=limit, cursor=cursor)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
