"""Requests that match no route: 501, 405 or 404, each with a reason."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.refusal import refuse


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return refuse(event, context)
