"""POST /v1/domains/{id}/warming/pause: pause warming: nothing is sent until it is resumed."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry import v1
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.model import PauseWarming

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/v1/domains/<domain_id>/warming/pause", summary="Pause warming", tags=["warming"])
def pause_warming(domain_id: str, command: Annotated[PauseWarming | None, Body()] = None) -> dict[str, Any]:
    return service.pause(caller(app), v1.find(caller(app), domain_id), command or PauseWarming())


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
