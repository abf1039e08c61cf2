"""PUT /v1/domains/{id}: change what a domain is for."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.domains.model import UpdateSendingDomain
from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.put("/v1/domains/<domain_id>", summary="Change a domain", tags=["domains"])
def update_sending_domain(domain_id: str, command: Annotated[UpdateSendingDomain, Body()]) -> dict[str, Any]:
    return v1.show(service.update(caller(app), v1.find(caller(app), domain_id), command))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
