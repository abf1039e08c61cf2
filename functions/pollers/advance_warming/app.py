"""Every 15 minutes: queue the judgement of each domain whose day has ended."""

from typing import Any

from kindling.entry.poller import poller
from kindling.warming import dispatch


@poller
def lambda_handler() -> dict[str, Any]:
    return {"queued": dispatch.dispatch_due()}
