"""POST /v1/recipients/erase: remove an address from the log of messages."""

from kindling.entry.answers.messages import Erased
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired
from kindling.keys.model import Scope
from kindling.messages import service
from kindling.messages.model import EraseRecipient


@route(
    "POST",
    "/v1/recipients/erase",
    scope=Scope.ADMIN,
    summary="Erase an address from the log of messages",
    tag="messages",
    errors=(LiveKeyRequired,),
)
def lambda_handler(request: Request, body: EraseRecipient) -> Erased:
    return Erased.model_validate(service.erase(request.caller, body.email))
