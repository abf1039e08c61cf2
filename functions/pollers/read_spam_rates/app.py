"""Every day: read what Gmail's users report of each domain's mail, and queue the judgement of those with news."""

from typing import Any

from kindling.domains import reputation
from kindling.entry.poller import poller


@poller
def lambda_handler() -> dict[str, Any]:
    return reputation.read_all()
