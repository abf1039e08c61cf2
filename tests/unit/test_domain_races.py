"""Concurrent changes of one domain: what each of them writes, and the rows afterwards."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kindling.domains import claims, commits, store, verification
from kindling.domains.claims import Verifier
from kindling.domains.model import DnsSync, Domain, DomainStatus, OffboardDomain, domain_key
from kindling.domains.ownership import Ownership
from kindling.errors import StaleStatus
from kindling.platform import aws, clock
from kindling.providers import client as provider_client
from kindling.providers.model import TxtSurvey
from tests.unit.script import Script, answer

USER, RIVAL, NAME = "user-1", "user-2", "acme.example"

pytestmark = pytest.mark.usefixtures("cloud", "steady_clock")


def verifying(user_id: str = USER, domain_id: str = "") -> Domain:
    """A row of a domain that is being verified."""
    now = clock.timestamp()
    domain = Domain(
        id=domain_id or f"domain-of-{user_id}",
        user_id=user_id,
        domain=NAME,
        agentmail_domain_id=NAME,
        status=DomainStatus.VERIFYING,
        dns_sync=DnsSync(status="published"),
        ownership=Ownership(challenge=f"challenge-of-{user_id}"),
        verification_triggered_at=now,
        created_at=now,
        updated_at=now,
    )
    row = domain.model_dump(mode="json", exclude_none=True)
    aws.table().put_item(Item={**domain_key(user_id, domain.id), "owner": f"{user_id}#domain", **row})
    return domain


def read(domain: Domain) -> Domain | None:
    return store.get(domain.user_id, domain.id)


def verify(domain: Domain) -> Domain:
    """Verify with a claim that is computed before the write, so that another tenant can take the name in between."""
    claim = claims.taken(domain, claims.verifier(NAME))
    return commits.verify(domain, put={"verified_at": clock.timestamp()}, drop=(), claim=claim)


def retire(domain: Domain) -> None:
    commits.retire(OffboardDomain(operation_id="o", user_id=domain.user_id, domain_id=domain.id, domain=domain.domain))


def before_the_next_transaction(act: Callable[[], object]) -> None:
    events = aws.dynamodb().meta.client.meta.events

    def once(**_: Any) -> None:
        events.unregister("before-call.dynamodb.TransactWriteItems", once)
        act()

    events.register("before-call.dynamodb.TransactWriteItems", once)


def has(domain: Domain) -> bool:
    """Whether the domain is the one that verified its name last."""
    return claims.verifier(NAME) == Verifier(domain.user_id, domain.id)


def test_of_two_that_verify_a_name_at_once_one_has_it_and_the_other_looks_again() -> None:
    first, second = verifying(), verifying(RIVAL)
    before_the_next_transaction(lambda: verify(second))
    with pytest.raises(StaleStatus):
        verify(first)
    assert [row and row.status for row in map(read, (first, second))] == ["verifying", "verified"]
    assert has(second)


def test_a_name_that_its_last_tenant_verifies_again_meanwhile_is_not_taken_over() -> None:
    gone = verify(verifying())
    retire(gone)
    again, rival = verifying(), verifying(RIVAL)
    before_the_next_transaction(lambda: verify(again))
    with pytest.raises(StaleStatus):
        verify(rival)
    assert has(again)


def test_a_deleted_domain_gives_its_name_back_and_who_had_it_stays_known() -> None:
    domain = verifying()
    verify(domain)
    retire(domain)
    assert claims.verifier(NAME) == Verifier(USER, "", domain.id)
    assert (claims.losses(USER, NAME), claims.losses(RIVAL, NAME)) == (0, 0)
    rival = verify(verifying(RIVAL))
    assert (rival.status, has(rival)) == ("verified", True)
    assert (claims.losses(USER, NAME), claims.losses(RIVAL, NAME)) == (1, 0)


def test_a_domain_verified_again_by_its_tenant_has_lost_nothing() -> None:
    for _ in range(3):
        verify(verifying())
    assert claims.losses(USER, NAME) == 0


def test_a_domain_whose_name_a_rival_verified_can_be_deleted_and_takes_nothing_from_the_rival() -> None:
    rival, domain = verify(verifying(RIVAL)), verifying()
    retire(domain)
    assert (read(domain), read(rival)) == (None, rival)
    assert has(rival)


def test_a_domain_that_is_verified_while_it_is_deleted_keeps_its_name_from_nobody() -> None:
    domain = verifying()
    before_the_next_transaction(lambda: verify(domain))
    retire(domain)
    assert read(domain) is None
    assert claims.verifier(NAME) == Verifier(USER, "", domain.id)


def test_a_domain_is_not_verified_by_a_challenge_that_is_no_longer_its_own() -> None:
    domain = verifying()
    renewed = {"ownership": Ownership(challenge="another").model_dump(exclude_none=True)}
    before_the_next_transaction(lambda: store.update(domain, put=renewed, drop=()))
    with pytest.raises(StaleStatus):
        verify(domain)
    assert claims.verifier(NAME) is None


def test_whoever_loses_his_row_to_a_rival_keeps_it_waiting_with_another_challenge() -> None:
    loser, rival = verify(verifying()), verifying(RIVAL)
    proof = Ownership(challenge="renewed")
    set_back = loser.model_copy(update={"ownership": proof, "status_reason": "why"})
    claim = [*claims.taken(rival, claims.verifier(NAME)), store.lost(set_back)]
    commits.verify(rival, put={"verified_at": clock.timestamp()}, drop=(), claim=claim)
    waiting = read(loser)
    assert waiting
    assert (waiting.status, waiting.ownership, waiting.status_reason) == ("pending", proof, "why")
    assert (waiting.verified_at, waiting.due_at) == (None, None)
    assert has(rival)


def test_a_row_that_changed_meanwhile_loses_its_name_to_nobody() -> None:
    loser, rival = verify(verifying()), verifying(RIVAL)
    claim = [*claims.taken(rival, claims.verifier(NAME)), store.lost(loser)]
    store.move(loser, DomainStatus.FAILED, put={}, drop=())
    with pytest.raises(StaleStatus):
        commits.verify(rival, put={"verified_at": clock.timestamp()}, drop=(), claim=claim)
    assert has(loser)


def test_a_domain_that_is_deleted_while_it_is_looked_at_stays_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = verifying()
    key = domain_key(USER, domain.id)
    script = Script(answer(200, {"domain_id": NAME, "status": "VERIFIED"}))
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(script.handle))
    monkeypatch.setattr(verification, "survey", lambda _: TxtSurvey((frozenset({domain.ownership.challenge}),)))
    before_the_next_transaction(lambda: aws.table().delete_item(Key=key))
    verification.check(key)
    assert store.get(USER, domain.id) is None
