"""POST /api/email/domains/{id}/verify: trigger the provider's check, or only read it."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/api/email/domains/<domain_id>/verify", summary="Verify a domain", tags=["domains"])
def verify_domain(domain_id: str, poll: Annotated[bool, Query()] = False) -> dict[str, Any]:
    return {"domain": service.verify(caller(app), domain_id, poll=poll).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
