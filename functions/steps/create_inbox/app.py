"""Create an account's inbox at the mail provider."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> dict[str, str]:
    return {"inbox_id": saga.create_inbox(ProvisionAccount.model_validate(event["saga"]))}
