"""Every hour: queue the review of each tenant whose accounts are due."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import review
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    queued = review.dispatch()
    logger.info("reviews queued", count=queued)
    return {"queued": queued}
