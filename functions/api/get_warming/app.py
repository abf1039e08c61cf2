"""GET /v1/domains/{id}/warming: where a domain stands in its warming."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.warming import service

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/domains/<domain_id>/warming", summary="Read warming", tags=["warming"])
def get_warming(domain_id: str) -> dict[str, Any]:
    return service.show(caller(app), v1.find(caller(app), domain_id))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
