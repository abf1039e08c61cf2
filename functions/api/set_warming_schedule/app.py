"""PUT /v1/warming/schedules: choose a preset or a schedule of the tenant."""

from kindling.entry.answers.warming import ScheduleAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, StaleStatus
from kindling.keys.model import Scope
from kindling.warming import service
from kindling.warming.schedules import OwnSchedule


@route(
    "PUT",
    "/v1/warming/schedules",
    scope=Scope.PROVISION,
    summary="Choose a schedule",
    tag="warming",
    errors=(LiveKeyRequired, StaleStatus),
)
def lambda_handler(request: Request, body: OwnSchedule) -> ScheduleAnswer:
    return ScheduleAnswer.model_validate(service.set_schedule(request.caller, body))
