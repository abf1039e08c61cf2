"""Undo of EnableWarmup: switch warmup off."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.disable_warmup(ProvisionAccount.model_validate(event["saga"]))
