"""GET /v1/recipients/export: what is kept about an address."""

from kindling.entry.answers.recipients import RecipientExport
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.messages import service
from kindling.messages.model import ExportRecipient
from kindling.suppressions import service as suppressions


@route(
    "GET", "/v1/recipients/export", scope=Scope.ADMIN, summary="Export what is kept about an address", tag="messages"
)
def lambda_handler(request: Request, query: ExportRecipient) -> RecipientExport:
    entry = suppressions.check(request.caller, query.email)["entry"]
    return RecipientExport.of(query.email, entry, service.export(request.caller, query))
