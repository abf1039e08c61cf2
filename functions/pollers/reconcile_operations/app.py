"""Every five minutes: undo the sagas that ended without their undo, and go on with imports that were not finished."""

from typing import Any

from kindling.entry.poller import poller
from kindling.operations import service
from kindling.suppressions import importing


@poller
def lambda_handler() -> dict[str, Any]:
    return {"undone": service.reconcile(), "imported": importing.resume()}
