"""Every 15 minutes: queue the judgement of each domain whose day has ended."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.poller import poller
from kindling.warming import judgement


@poller
def lambda_handler(context: LambdaContext) -> dict[str, Any]:
    return {"queued": judgement.dispatch()}
