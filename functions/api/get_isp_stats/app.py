"""GET /v1/domains/{id}/stats/isp: a domain's figures by mailbox provider."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import figures
from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/domains/<domain_id>/stats/isp", summary="Read figures by mailbox provider", tags=["stats"])
def get_isp_stats(domain_id: str, days: Annotated[int, Query(ge=1, le=90)] = 7) -> dict[str, Any]:
    return figures.by_provider(v1.find(caller(app), domain_id), days=days)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
