"""Publish a domain's records in its zone, if the zone is bound to the tenant."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OnboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> dict[str, Any]:
    return saga.publish_dns(OnboardDomain.model_validate(event["saga"])).model_dump(exclude_none=True)
