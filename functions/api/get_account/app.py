"""GET /api/email/accounts/{id}: one email account."""

from kindling.accounts import lookup
from kindling.entry.answers.accounts import AccountAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.keys.model import Scope


@route(
    "GET",
    "/api/email/accounts/{account_id}",
    scope=Scope.READ,
    summary="Read an account",
    tag="accounts",
    errors=(NotFound,),
)
def lambda_handler(request: Request) -> AccountAnswer:
    return AccountAnswer.of(lookup.get(request.caller, request.ids["account_id"]))
