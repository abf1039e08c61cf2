"""GET /healthz: the front door is open."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import serve

app = APIGatewayHttpResolver(enable_validation=True)


@app.get("/healthz", summary="Check that the API answers", tags=["health"])
def get_health() -> dict[str, Any]:
    return {"status": "ok"}


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return serve(app, event, context, scope=None)
