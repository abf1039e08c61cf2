"""Send each queued event to its webhook; put it off when that fails."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.worker import work
from kindling.events import delivering
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return work(event, context, delivering.attempt)
