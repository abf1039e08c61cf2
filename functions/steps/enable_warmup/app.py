"""Switch the account's warmup on."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.enable_warmup(ProvisionAccount.model_validate(event["saga"]))
