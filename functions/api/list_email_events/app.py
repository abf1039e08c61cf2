"""GET /v1/emails/{email_id}/events: what was reported about a message, oldest first."""

from kindling.entry.answers.messages import EmailEventsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.messages import service


@route(
    "GET",
    "/v1/emails/{email_id}/events",
    scope=Scope.READ,
    summary="List what was reported about a message",
    tag="messages",
    errors=(NotFound,),
)
def lambda_handler(request: Request) -> EmailEventsAnswer:
    return EmailEventsAnswer.of(service.get(request.caller, request.ids["email_id"]))
