"""POST /v1/domains/{id}/verify: trigger the provider's check of a domain."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/v1/domains/<domain_id>/verify", summary="Verify a domain", tags=["domains"])
def verify_sending_domain(domain_id: str) -> dict[str, Any]:
    return v1.show_verification(service.verify(caller(app), v1.identify(caller(app), domain_id), poll=False))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
