"""Delete an account's row, burn its address and schedule its cleanups."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import DeprovisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.retire_account(DeprovisionAccount.model_validate(event["saga"]))
