"""Requests that match no route: 405 when the path has other methods, otherwise 404."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.refusal import refuse


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return refuse(event, context)
