"""Undo of RegisterWarmupAccount: delete the account at the warmup provider and its login."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.remove_warmup_account(ProvisionAccount.model_validate(event["saga"]))
