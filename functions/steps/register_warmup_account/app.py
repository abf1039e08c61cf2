"""Register the account at the warmup provider, with a login to its inbox."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.register_warmup_account(ProvisionAccount.model_validate(event["saga"]))
