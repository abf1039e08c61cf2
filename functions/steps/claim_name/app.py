"""Claim a domain name within its tenant."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OnboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.claim_name(OnboardDomain.model_validate(event["saga"]))
