"""Whatever no other route takes: 404 for an unknown path, 405 for a known one with another method."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.refusal import refuse


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return refuse(event, context)
