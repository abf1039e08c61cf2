"""GET /api/email/accounts: the caller's accounts, newest first."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import lookup
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/email/accounts", summary="List accounts", tags=["accounts"])
def list_accounts() -> dict[str, Any]:
    return {"accounts": [account.wire() for account in lookup.list_accounts(caller(app))]}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
