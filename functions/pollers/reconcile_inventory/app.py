"""Every day: compare what the providers hold with what rows and cleanups name."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.inventory import service
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    told = service.reconcile(lambda: context.get_remaining_time_in_millis() / 1000)
    logger.info("inventory reconciled", **told)
    return told
