"""Every five minutes: undo what sagas left that died without their own undo."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.operations import service
from kindling.platform.observability import logger


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    undone = service.reconcile()
    logger.info("operations reconciled", undone=undone)
    return {"undone": undone}
