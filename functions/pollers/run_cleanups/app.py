"""Every five minutes: queue each cleanup that is due."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.cleanups import service
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    queued = service.dispatch()
    logger.info("cleanups queued", count=queued)
    return {"queued": queued}
