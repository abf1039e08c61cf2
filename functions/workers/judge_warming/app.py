"""Judge each queued domain: change its limits or its phase, or stop it."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.worker import work
from kindling.platform.observability import logger
from kindling.warming import judgement


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return work(event, context, judgement.judge)
