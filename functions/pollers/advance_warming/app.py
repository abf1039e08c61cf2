"""Every 15 minutes: queue the verdict on each domain whose day has ended."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.platform.observability import logger
from kindling.warming import review


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    queued = review.dispatch()
    logger.info("verdicts queued", count=queued)
    return {"queued": queued}
