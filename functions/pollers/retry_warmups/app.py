"""Every minute: queue the warmup of each account whose warmup has not started."""

from typing import Any

from kindling.accounts import enabling
from kindling.entry.poller import poller


@poller
def lambda_handler() -> dict[str, Any]:
    return {"queued": enabling.dispatch()}
