"""Assign the tenant's tag and the warmup tag to the account."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> dict[str, str]:
    return saga.assign_tags(ProvisionAccount.model_validate(event["saga"]))
