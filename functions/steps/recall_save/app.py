"""Undo of both sagas' save: learn that it happened after all, or see to it that it never will."""

from typing import Any

from kindling.entry.step import step
from kindling.operations import service


@step
def lambda_handler(event: dict[str, Any]) -> dict[str, bool]:
    return {"saved": service.recall_save(event["saga"]["user_id"], event["saga"]["operation_id"])}
