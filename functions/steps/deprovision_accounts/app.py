"""Start the deprovisioning of every account of a domain; fails while any has a row."""

from typing import Any

from kindling.accounts import saga
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.deprovision_accounts(event["saga"]["user_id"], event["saga"]["domain_id"])
