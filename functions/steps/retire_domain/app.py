"""Delete a domain's row, release its name and schedule its cleanups."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OffboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.retire_domain(OffboardDomain.model_validate(event["saga"]))
