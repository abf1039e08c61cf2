"""Close the operation of a deletion; cleanups remove what is left at the providers."""

from typing import Any

from kindling.entry.step import step
from kindling.operations import service


@step
def lambda_handler(event: dict[str, Any]) -> None:
    service.finish(event["saga"]["user_id"], event["saga"]["operation_id"])
