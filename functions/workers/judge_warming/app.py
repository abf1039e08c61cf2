"""Judge each warming domain that was queued: it climbs, advances, stays, steps back or is stopped."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.worker import work
from kindling.platform.observability import logger
from kindling.warming import review


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return work(event, context, review.judge)
