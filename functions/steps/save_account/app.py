"""Write an account's row and close its operation: the saga's commit."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    account = ProvisionAccount.model_validate(event["saga"])
    saga.save_account(account, event["tags"], inbox_id=event["inbox_id"], warming=event["warming"])
