"""Undo of ReserveAddress: release the address unless it is burnt, and close the operation."""

from typing import Any

from kindling.accounts import saga
from kindling.accounts.model import ProvisionAccount
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> dict[str, str]:
    return {"reason": saga.release_address(ProvisionAccount.model_validate(event["saga"]), event["failure"])}
