"""PATCH /api/email/accounts/{id}: signature, names, and whether the inbox is warmed up."""

from kindling.accounts import service
from kindling.accounts.model import UpdateAccount
from kindling.entry.answers.accounts import AccountAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound, ProviderError
from kindling.keys.model import Scope


@route(
    "PATCH",
    "/api/email/accounts/{account_id}",
    scope=Scope.PROVISION,
    summary="Change an account",
    tag="accounts",
    errors=(NotFound, LiveKeyRequired, ProviderError),
)
def lambda_handler(request: Request, body: UpdateAccount) -> AccountAnswer:
    return AccountAnswer.of(service.update(request.caller, request.ids["account_id"], body))
