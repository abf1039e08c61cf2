"""Carry out each queued cleanup; reschedule it when the provider fails."""

from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.cleanups import service
from kindling.entry.removals import REMOVALS
from kindling.entry.worker import work
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return work(event, context, partial(service.attempt, REMOVALS))
