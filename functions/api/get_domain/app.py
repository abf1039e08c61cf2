"""GET /api/email/domains/{id}: one sending domain."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import lookup
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/email/domains/<domain_id>", summary="Read a domain", tags=["domains"])
def get_domain(domain_id: str) -> dict[str, Any]:
    return {"domain": lookup.get(caller(app), domain_id).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
