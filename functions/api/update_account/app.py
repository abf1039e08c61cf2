"""PATCH /api/email/accounts/{id}: change signature or names, at the providers first."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import service
from kindling.accounts.model import UpdateAccount
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.patch("/api/email/accounts/<account_id>", summary="Change an account", tags=["accounts"])
def update_account(account_id: str, command: Annotated[UpdateAccount, Body()]) -> dict[str, Any]:
    return {"account": service.update(caller(app), account_id, command).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
