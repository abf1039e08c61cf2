"""Every five minutes: queue each cleanup that is due."""

from typing import Any

from kindling.cleanups import service
from kindling.entry.poller import poller


@poller
def lambda_handler() -> dict[str, Any]:
    return {"queued": service.dispatch()}
