"""Enable the warmups of all queued accounts in one job, and settle those that are saved."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.accounts import enabling
from kindling.entry.worker import work_together
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return work_together(event, context, enabling.enable_together)
