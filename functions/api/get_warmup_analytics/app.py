"""GET /api/email/accounts/warmup-analytics: warmup figures, and the transitions they call for."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import graduation
from kindling.entry.route import caller, serve
from kindling.keys.model import Scope

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/api/email/accounts/warmup-analytics", summary="Read warmup analytics", tags=["accounts"])
def get_warmup_analytics() -> dict[str, Any]:
    return graduation.analytics(caller(app))


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=Scope.READ)
