"""POST /api/email/accounts/batch: provision up to a thousand accounts."""

from kindling.accounts import batches
from kindling.accounts.model import CreateAccounts
from kindling.entry.answers.operations import Accepted
from kindling.entry.request import Request
from kindling.entry.route import MAX_MESSAGE_BYTES, route
from kindling.errors import LiveKeyRequired
from kindling.keys.model import Scope


@route(
    "POST",
    "/api/email/accounts/batch",
    scope=Scope.PROVISION,
    summary="Create many accounts",
    tag="accounts",
    max_body_bytes=MAX_MESSAGE_BYTES,
    csv="accounts",
    errors=(LiveKeyRequired,),
)
def lambda_handler(request: Request, body: CreateAccounts) -> Accepted:
    return Accepted.of(batches.create(request.caller, body))
