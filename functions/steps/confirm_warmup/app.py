"""Check that the warmup provider shows warmup as on; fails until it does."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.confirm_warmup(ProvisionAccount.model_validate(event["saga"]))
