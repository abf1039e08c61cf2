"""Two that change one domain at the same moment: what each of them writes, and what stands afterwards."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kindling import aws, clock
from kindling.domains import service, store
from kindling.domains.model import DnsSync, Domain, DomainStatus, OffboardDomain
from kindling.errors import DomainTaken
from kindling.providers import client as provider_client
from tests.unit.script import Script, answer

USER, RIVAL, NAME = "user-1", "user-2", "acme.example"

pytestmark = pytest.mark.usefixtures("cloud", "steady_clock")


def verifying(user_id: str = USER) -> Domain:
    """A row of a domain that is being verified."""
    now = clock.timestamp()
    domain = Domain(
        id=f"domain-of-{user_id}",
        user_id=user_id,
        domain=NAME,
        agentmail_domain_id=NAME,
        status=DomainStatus.VERIFYING,
        dns_sync=DnsSync(status="published"),
        verification_triggered_at=now,
        created_at=now,
        updated_at=now,
    )
    row = domain.model_dump(mode="json", exclude_none=True)
    aws.table().put_item(Item={**store.at(user_id, domain.id), "owner": f"{user_id}#domain", **row})
    return domain


def read(domain: Domain) -> Domain | None:
    return store.get(domain.user_id, domain.id)


def verify(domain: Domain) -> Domain:
    return store.verify(domain, put={"verified_at": clock.timestamp()}, drop=(), beginning=[])


def retire(domain: Domain) -> None:
    store.retire(OffboardDomain(operation_id="o", user_id=domain.user_id, domain_id=domain.id, domain=domain.domain))


def before_the_next_transaction(act: Callable[[], object]) -> None:
    events = aws.dynamodb().meta.client.meta.events

    def once(**_: Any) -> None:
        events.unregister("before-call.dynamodb.TransactWriteItems", once)
        act()

    events.register("before-call.dynamodb.TransactWriteItems", once)


def test_the_first_to_verify_a_name_has_it_and_the_second_is_told() -> None:
    first, second = verifying(), verifying(RIVAL)
    before_the_next_transaction(lambda: verify(second))
    with pytest.raises(DomainTaken):
        verify(first)
    assert [row and row.status for row in map(read, (first, second))] == ["verifying", "verified"]


def test_a_deleted_domain_gives_its_name_back() -> None:
    domain = verifying()
    verify(domain)
    retire(domain)
    store.refuse_taken(RIVAL, NAME)
    assert verify(verifying(RIVAL)).status == "verified"


def test_a_domain_whose_name_a_rival_verified_can_be_deleted_and_takes_nothing_from_the_rival() -> None:
    rival, domain = verify(verifying(RIVAL)), verifying()
    retire(domain)
    assert (read(domain), read(rival)) == (None, rival)
    with pytest.raises(DomainTaken):
        store.refuse_taken(USER, NAME)


def test_a_domain_that_is_verified_while_it_is_deleted_keeps_its_name_from_nobody() -> None:
    domain = verifying()
    before_the_next_transaction(lambda: verify(domain))
    retire(domain)
    if read(domain):
        # The deletion lost, and is tried again.
        retire(domain)
    assert read(domain) is None
    store.refuse_taken(RIVAL, NAME)


def test_a_domain_that_is_deleted_while_it_loses_its_name_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    verify(verifying(RIVAL))
    domain = verifying()
    key = store.at(USER, domain.id)
    script = Script(answer(200, {"domain_id": NAME, "status": "VERIFIED"}))
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(script.handle))
    before_the_next_transaction(lambda: aws.table().delete_item(Key=key))
    service.check(key)
    assert store.get(USER, domain.id) is None
