"""Every five minutes: undo what sagas left that ended without their own undo."""

from typing import Any

from kindling.entry.poller import poller
from kindling.operations import service


@poller
def lambda_handler() -> dict[str, Any]:
    return {"undone": service.reconcile()}
