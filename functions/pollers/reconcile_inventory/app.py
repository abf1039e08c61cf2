"""Every day: compare the resources at the providers with rows and cleanups."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.poller import poller
from kindling.inventory import service


@poller
def lambda_handler(context: LambdaContext) -> dict[str, Any]:
    return service.reconcile(lambda: context.get_remaining_time_in_millis() / 1000)
