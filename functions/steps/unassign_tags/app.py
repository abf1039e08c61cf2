"""Undo of AssignTags: take the tags off, and away where nobody has them."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.steps import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.unassign_tags(ProvisionAccount.model_validate(event["saga"]))
