"""Undo of both sagas' save: report whether the result was saved, and prevent a later save if not."""

from typing import Any

from kindling.entry.step import step
from kindling.operations import service


@step
def lambda_handler(event: dict[str, Any]) -> dict[str, bool]:
    return {"saved": service.recall_save(event["saga"]["user_id"], event["saga"]["operation_id"])}
