"""GET /v1/domains/{id}/dns: the records that a domain needs."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/domains/<domain_id>/dns", summary="Read a domain's records", tags=["domains"])
def get_sending_domain_dns(domain_id: str) -> dict[str, Any]:
    return v1.show_dns(v1.find(caller(app), domain_id))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
