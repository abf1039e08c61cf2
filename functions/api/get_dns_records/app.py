"""GET /api/email/domains/{id}/dns-records: what stands in the domain's zone."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/email/domains/<domain_id>/dns-records", summary="Read a domain's zone", tags=["domains"])
def get_dns_records(domain_id: str) -> dict[str, Any]:
    return service.read_zone(caller(app), domain_id)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
