"""Carry out one cleanup of a deleted account or domain now."""

from typing import Any

from kindling.cleanups import service
from kindling.cleanups.model import CleanupKind
from kindling.entry.removals import REMOVALS
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    service.run(REMOVALS, event["saga"]["user_id"], CleanupKind(event["kind"]), event["subject_id"])
