"""Every 15 minutes: queue the review of each tenant whose accounts are due."""

from typing import Any

from kindling.accounts import graduation
from kindling.entry.poller import poller


@poller
def lambda_handler() -> dict[str, Any]:
    return {"queued": graduation.dispatch()}
