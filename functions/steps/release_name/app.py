"""Undo of ClaimName: release the name and close the operation."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OnboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> dict[str, str]:
    return {"reason": saga.release_name(OnboardDomain.model_validate(event["saga"]), event["failure"])}
