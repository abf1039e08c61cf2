"""Provision one row of a batch by its own saga; fails until that has ended."""

from typing import Any

from kindling.accounts import batches
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    row = event["saga"]
    batches.provision_row(row["user_id"], row["operation_id"], row["number"])
