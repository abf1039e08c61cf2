"""Undo of RegisterDomain: remove the registration, if no other domain needs it."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OnboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.deregister_domain(OnboardDomain.model_validate(event["saga"]))
