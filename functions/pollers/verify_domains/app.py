"""Every minute: queue the check of each verifying domain that is due."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.domains import service
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    queued = service.dispatch_checks()
    logger.info("checks queued", count=queued)
    return {"queued": queued}
