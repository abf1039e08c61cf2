"""Every minute: queue the check of each domain that is due."""

from typing import Any

from kindling.domains import dispatch
from kindling.entry.poller import poller


@poller
def lambda_handler() -> dict[str, Any]:
    return {"queued": dispatch.dispatch_due()}
