"""POST /v1/domains/{id}/warming/start: start warming."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.model import StartWarming

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/v1/domains/<domain_id>/warming/start", summary="Start warming", tags=["warming"])
def start_warming(domain_id: str, command: Annotated[StartWarming | None, Body()] = None) -> dict[str, Any]:
    return service.start(caller(app), v1.find(caller(app), domain_id), command or StartWarming())


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
