"""An address: whose it is, burnt before its inbox is deleted, and given to nobody else by any mistake."""

import uuid

import pytest

from kindling.accounts import claims, parts, removal
from kindling.accounts import saga as provisioning
from kindling.accounts.model import ProvisionAccount, mark
from kindling.cleanups.model import Cleanup, CleanupKind
from kindling.errors import AddressTaken, ProviderError, StaleStatus
from kindling.platform import table
from tests.conftest import Kindling

ADDRESS = "kim@acme.example"
UNCLEAR = {"Step": "CreateInbox", "Error": "ProviderUnavailable"}


def saga(kindling: Kindling, domain_id: str = "d") -> ProvisionAccount:
    """A provisioning of that address, by an account of its own."""
    names = {"domain_id": domain_id, "domain": "acme.example", "username": "kim"}
    return ProvisionAccount(**kindling._operation("kim"), account_id=str(uuid.uuid4()), **names)


def status() -> str | None:
    claim = claims.find(ADDRESS)
    return claim.status.value if claim else None


def waited(kindling: Kindling, caught: dict[str, str]) -> float:
    """How long the undo of an inbox looks for one that is not there, in seconds."""
    began = kindling.clock.at
    provisioning.delete_inbox(saga(kindling), caught)
    return (kindling.clock.at - began).total_seconds()


def test_an_account_burns_its_own_address_and_no_other(kindling: Kindling) -> None:
    mine, other = saga(kindling), saga(kindling)
    claims.burn(mine)
    assert status() is None
    claims.reserve(mine)
    claims.burn(other)
    assert status() == "reserved"
    claims.burn(mine)
    claims.burn(mine)
    assert status() == "burnt"


def test_a_reserved_address_is_reserved_again_and_released_by_its_own_account_alone(kindling: Kindling) -> None:
    mine, other = saga(kindling), saga(kindling)
    for _ in range(2):
        claims.reserve(mine)
    with pytest.raises(AddressTaken):
        claims.reserve(other)
    claims.release(ADDRESS, other.account_id)
    assert status() == "reserved"
    claims.release(ADDRESS, mine.account_id)
    assert status() is None


def test_an_account_is_saved_only_at_the_address_that_it_claimed(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    mine, other = saga(kindling, domain["id"]), saga(kindling, domain["id"])
    claims.reserve(other)
    tags = {"tag_id": "t", "warmup_tag_id": "w"}
    with pytest.raises(StaleStatus):
        provisioning.save_account(mine, tags, inbox_id=ADDRESS, warming=False)
    provisioning.save_account(other, tags, inbox_id=ADDRESS, warming=False)
    claim = claims.find(ADDRESS)
    assert claim
    assert (status(), claim.account_id) == ("in_use", other.account_id)


def test_an_address_is_burnt_before_its_inbox_is_deleted(kindling: Kindling) -> None:
    kindling.verified_domain()
    mine = saga(kindling)
    claims.reserve(mine)
    provisioning.create_inbox(mine)
    kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=503)
    with pytest.raises(ProviderError):
        provisioning.delete_inbox(mine, UNCLEAR)
    assert status() == "burnt"


def test_an_inbox_that_may_still_appear_is_waited_for_ten_seconds(kindling: Kindling) -> None:
    assert waited(kindling, UNCLEAR) == 10
    assert waited(kindling, {"Step": "CreateInbox", "Error": "States.Timeout"}) == 10


@pytest.mark.parametrize(
    "error",
    ["ProviderRefused", "ProviderMisconfigured", "KeyRefused", "AddressTaken", "AddressBurnt", "DomainNotVerified"],
)
def test_a_definite_no_is_undone_without_waiting_for_an_inbox(kindling: Kindling, error: str) -> None:
    assert waited(kindling, {"Step": "CreateInbox", "Error": error}) == 0
    assert waited(kindling, {"Step": "AssignTags", "Error": "ProviderUnavailable"}) == 0


def test_an_inbox_whose_address_is_in_use_is_no_orphan(kindling: Kindling) -> None:
    mine = saga(kindling)
    claims.reserve(mine)
    update = claims.GRAPH.update(claims.claim_key(ADDRESS), claims.IN_USE)
    table.update(update.pop("Key"), **update)
    with pytest.raises(table.TransactionFailed):
        table.transact(parts.inbox_orphaned(ADDRESS, mine.user_id, mine.account_id))
    assert status() == "in_use"


def test_a_cleanup_removes_the_inbox_of_its_account_and_no_other(kindling: Kindling) -> None:
    kindling.verified_domain()
    mine = saga(kindling)
    provisioning.create_inbox(mine)
    names = {"user_id": mine.user_id, "kind": CleanupKind.INBOX, "target": ADDRESS, "created_at": "2026-03-01"}
    removal.remove_inbox(Cleanup.model_validate({**names, "subject_id": "another"}))
    held = kindling.world.inventory()["agentmail"]["inboxes"]
    assert [inbox["client_id"] for inbox in held] == [mark(mine.account_id)]
    removal.remove_inbox(Cleanup.model_validate({**names, "subject_id": mine.account_id}))
    assert kindling.world.inventory()["agentmail"]["inboxes"] == []
