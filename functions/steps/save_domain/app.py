"""Write a domain's row and close its operation: the saga's commit."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OnboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.save_domain(OnboardDomain.model_validate(event["saga"]), event["dns_sync"], triggered=event["triggered"])
