"""GET /api/email/accounts/{id}: one email account."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import lookup
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/email/accounts/<account_id>", summary="Read an account", tags=["accounts"])
def get_account(account_id: str) -> dict[str, Any]:
    return {"account": lookup.get(caller(app), account_id).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
