"""PUT /v1/warming/schedules: follow a preset or a schedule of one's own."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.schedules import OwnSchedule

app = APIGatewayHttpResolver(enable_validation=True)


@app.put("/v1/warming/schedules", summary="Choose a schedule", tags=["warming"])
def set_warming_schedule(command: Annotated[OwnSchedule, Body()]) -> dict[str, Any]:
    return service.set_schedule(caller(app), command)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
