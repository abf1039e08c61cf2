"""Undo of PublishDns: remove the records that carry the domain's mark."""

from typing import Any

from kindling.domains import saga
from kindling.domains.model import OnboardDomain
from kindling.entry.step import step


@step
def lambda_handler(event: dict[str, Any]) -> None:
    saga.unpublish_dns(OnboardDomain.model_validate(event["saga"]))
