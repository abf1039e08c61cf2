"""Claim an address for an account."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.reserve_address(ProvisionAccount.model_validate(event["saga"]))
