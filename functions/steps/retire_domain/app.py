"""Delete a domain's row, free its name and note what has to be removed."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OffboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.retire_domain(OffboardDomain.model_validate(event["saga"]))
