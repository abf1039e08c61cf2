"""GET and POST /console and all below it: the pages for operators."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.console.gateway import answer


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return answer(event, context)
