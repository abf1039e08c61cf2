"""POST /api/email/accounts: provision an email account on a verified domain."""

from kindling.accounts import service
from kindling.accounts.model import CreateAccount
from kindling.entry.answers.accounts import AccountCreated
from kindling.entry.answers.operations import Accepted, made
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import AddressBurnt, AddressTaken, DomainNotVerified, LiveKeyRequired, NotFound, ProviderError
from kindling.keys.model import Scope


@route(
    "POST",
    "/api/email/accounts",
    scope=Scope.PROVISION,
    summary="Create an account",
    tag="accounts",
    counts=True,
    errors=(NotFound, DomainNotVerified, AddressTaken, AddressBurnt, LiveKeyRequired, ProviderError),
)
def lambda_handler(request: Request, body: CreateAccount) -> AccountCreated | Accepted:
    return made(service.create(request.caller, body, wait_seconds=request.wait_seconds), AccountCreated.of)
