"""A deployment while sagas are in flight: each ends by the version that it began with, failures included."""

from collections.abc import Iterator
from typing import Any

import pytest

from kindling.errors import ProviderRefused
from kindling.platform import aws
from tests.conftest import Kindling
from tests.harness import machines
from tests.harness.lambdas import Handler, Reply


@pytest.fixture
def deployment(kindling: Kindling) -> Iterator[Any]:
    """A function that deploys version 2 of the saga that makes accounts, as a call to a step passes."""

    def deploy(version: int) -> None:
        text = machines.definition("ProvisionAccount", version)
        aws.stepfunctions().update_state_machine(stateMachineArn=kindling.arns["ProvisionAccount"], definition=text)

    def deploys_first(real: Handler, event: Any) -> Any:
        deploy(2)
        return real(event, None)

    yield deploys_first
    deploy(1)


def create(kindling: Kindling, username: str, domain: dict[str, Any]) -> Reply:
    return kindling.api.post("/api/email/accounts", {"domain_id": domain["id"], "username": username})


def versions(kindling: Kindling) -> set[int]:
    """The versions of the functions that were called since the last time."""
    found = {version for _, version in kindling.lambdas.called}
    kindling.lambdas.called.clear()
    return found


def test_an_account_in_the_making_is_made_by_the_version_that_it_began_with(
    kindling: Kindling, deployment: Any
) -> None:
    domain = kindling.verified_domain()
    kindling.lambdas.called.clear()
    kindling.lambdas.overrides["CreateInboxFunction"] = deployment
    assert create(kindling, "kim", domain).status == 201
    called = [name for name, _ in kindling.lambdas.called]
    assert called.index("CreateInboxFunction") < called.index("SaveAccountFunction")
    assert versions(kindling) == {1}
    del kindling.lambdas.overrides["CreateInboxFunction"]
    assert create(kindling, "lee", domain).status == 201
    assert versions(kindling) == {2}


def test_a_saga_that_fails_after_a_deployment_is_undone_by_the_version_that_did_its_steps(
    kindling: Kindling, deployment: Any
) -> None:
    domain = kindling.verified_domain()
    kindling.lambdas.called.clear()
    kindling.lambdas.overrides["CreateInboxFunction"] = deployment
    kindling.lambdas.overrides["SaveAccountFunction"] = machines.fails(ProviderRefused("no"))
    assert create(kindling, "kim", domain).status == 502
    assert {"DeleteInboxFunction", "ReleaseAddressFunction"} <= {name for name, _ in kindling.lambdas.called}
    assert versions(kindling) == {1}
    assert kindling.world.inventory()["agentmail"]["inboxes"] == []
