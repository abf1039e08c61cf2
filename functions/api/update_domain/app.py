"""PATCH /api/email/domains/{id}: set the status that the row shows."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.domains.model import UpdateDomain
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.patch("/api/email/domains/<domain_id>", summary="Override a domain's status", tags=["domains"])
def update_domain(domain_id: str, command: Annotated[UpdateDomain, Body()]) -> dict[str, Any]:
    return {"domain": service.override_status(caller(app), domain_id, command).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
