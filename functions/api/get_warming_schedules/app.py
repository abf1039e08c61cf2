"""GET /v1/warming/schedules: the schedule followed, the tenant's own and the presets."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import caller, serve
from kindling.keys.model import Scope
from kindling.warming import service

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/v1/warming/schedules", summary="Read schedules", tags=["warming"])
def get_warming_schedules() -> dict[str, Any]:
    return service.show_schedules(caller(app))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
