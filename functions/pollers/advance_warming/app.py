"""Every 15 minutes: queue the judgement of each domain whose time in the new day has come."""

from typing import Any

from kindling.entry.poller import poller
from kindling.warming import dispatch


@poller
def lambda_handler() -> dict[str, Any]:
    return {"queued": dispatch.dispatch_due()}
