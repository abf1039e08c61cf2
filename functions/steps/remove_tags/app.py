"""Undo of AssignTags: delete the tags that no other account has."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.remove_tags(ProvisionAccount.model_validate(event["saga"]))
