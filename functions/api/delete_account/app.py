"""DELETE /api/email/accounts/{id}: the account, its warmup and its inbox; the address never comes back."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import service
from kindling.entry.route import caller, deleted, patience, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.delete("/api/email/accounts/<account_id>", summary="Delete an account", tags=["accounts"])
def delete_account(account_id: str) -> Response[Any]:
    return deleted(service.delete(caller(app), account_id, wait_seconds=patience(app)))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
