"""Undo of CreateInbox: burn the address and delete the inbox, if it carries the account's mark."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.delete_inbox(ProvisionAccount.model_validate(event["saga"]), event["failure"])
