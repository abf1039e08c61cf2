"""GET /v1/emails: the log of the tenant's messages, newest first."""

from kindling.entry.answers.messages import EmailsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.messages import service
from kindling.messages.model import ListMessages


@route("GET", "/v1/emails", scope=Scope.READ, summary="List sent messages", tag="messages")
def lambda_handler(request: Request, query: ListMessages) -> EmailsAnswer:
    return EmailsAnswer.of(service.list_messages(request.caller, query))
