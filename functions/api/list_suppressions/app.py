"""GET /v1/suppressions: addresses that must not be written to."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.suppressions import service
from kindling.suppressions.model import Reason, Source

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/suppressions", summary="List suppressions", tags=["suppressions"])
def list_suppressions(
    query: Annotated[str | None, Query()] = None,
    reason: Annotated[Reason | None, Query()] = None,
    source: Annotated[Source | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    return service.list_suppressions(caller(app), query=query, reason=reason, source=source, limit=limit, offset=offset)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
