"""GET /api/email/accounts: the tenant's accounts, newest first."""

from kindling.accounts import lookup
from kindling.entry.answers.accounts import AccountsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.platform.paging import Paging


@route("GET", "/api/email/accounts", scope=Scope.READ, summary="List accounts", tag="accounts")
def lambda_handler(request: Request, query: Paging) -> AccountsAnswer:
    return AccountsAnswer.of(lookup.list_accounts(request.caller, query))
