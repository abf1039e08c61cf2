"""Every five minutes: undo the sagas whose execution ended without its own undo."""

from typing import Any

from kindling.entry.poller import poller
from kindling.operations import service


@poller
def lambda_handler() -> dict[str, Any]:
    return {"undone": service.reconcile()}
