"""PATCH /api/email/accounts/{id}/retry-warmup: enable a warmup that did not start."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import retry
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.patch("/api/email/accounts/<account_id>/retry-warmup", summary="Retry a warmup", tags=["accounts"])
def retry_warmup(account_id: str) -> dict[str, Any]:
    return {"account": retry.retry_warmup(caller(app), account_id).wire()}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.PROVISION)
