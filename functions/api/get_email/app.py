"""GET /v1/emails/{email_id}: a message, and what became of each of its recipients."""

from kindling.entry.answers.messages import EmailAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.messages import service


@route(
    "GET", "/v1/emails/{email_id}", scope=Scope.READ, summary="Get a sent message", tag="messages", errors=(NotFound,)
)
def lambda_handler(request: Request) -> EmailAnswer:
    return EmailAnswer.of(service.get(request.caller, request.ids["email_id"]))
