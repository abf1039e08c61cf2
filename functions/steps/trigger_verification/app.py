"""Ask the mail provider to check a domain's records."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OnboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.trigger_verification(OnboardDomain.model_validate(event["saga"]))
