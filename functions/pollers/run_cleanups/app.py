"""Every five minutes: queue each cleanup that is due."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.cleanups import service
from kindling.entry.poller import poller


@poller
def lambda_handler(context: LambdaContext) -> dict[str, Any]:
    return {"queued": service.dispatch()}
