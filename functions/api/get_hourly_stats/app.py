"""GET /v1/domains/{id}/stats/hourly: a domain's figures by hour."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import figures
from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/domains/<domain_id>/stats/hourly", summary="Read figures by hour", tags=["stats"])
def get_hourly_stats(domain_id: str, hours: Annotated[int, Query(ge=1, le=720)] = 24) -> dict[str, Any]:
    return figures.hourly(v1.find(caller(app), domain_id), hours=hours)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
