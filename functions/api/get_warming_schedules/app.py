"""GET /v1/warming/schedules: the tenant's schedule, its latest own one and the presets."""

from kindling.entry.answers.warming import SchedulesAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.warming import service


@route("GET", "/v1/warming/schedules", scope=Scope.READ, summary="Read schedules", tag="warming")
def lambda_handler(request: Request) -> SchedulesAnswer:
    return SchedulesAnswer.model_validate(service.show_schedules(request.caller))
