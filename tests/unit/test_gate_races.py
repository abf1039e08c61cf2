"""Sends that run at the same time as a deletion or a takeover of their domain: each is counted or refused."""

from typing import Any

import pytest

from kindling.domains import claims, commits, store
from kindling.domains.model import Domain, DomainStatus
from kindling.errors import DomainNotSending, StaleStatus, StoreUnavailable
from kindling.metrics.model import GMAIL
from kindling.operations import store as operations
from kindling.platform import aws, table
from kindling.warming import admission
from kindling.warming import store as gates
from kindling.warming.gate import Windows
from kindling.warming.model import Limits, Phase, Warming, window_of_class
from tests.harness.rows import running
from tests.unit.test_domain_races import NAME, RIVAL, USER, before_the_next_transaction, retire, verify, verifying

pytestmark = pytest.mark.usefixtures("cloud", "steady_clock")

DAY, HOUR, MINUTE = "2026-03-01", "2026-03-01T09", "2026-03-01T09:00"
LIMITS = Limits(daily_limit=50, hourly_limit=10, per_minute_limit=10)


def gated(user_id: str = USER, domain_id: str = "", **fields: Any) -> Domain:
    """A domain that is being verified, and its warming."""
    domain = verifying(user_id, domain_id)
    table.transact([gates.created(Warming(user_id=user_id, domain_id=domain.id, **fields))])
    return domain


def sending(user_id: str = USER) -> tuple[Domain, Warming]:
    """A verified domain in its first phase, and its gate as a send has read it."""
    domain = verify(gated(user_id, phase=Phase.PHASE_1, limits=LIMITS, limits_on=DAY))
    return domain, gate(domain)


def gate(domain: Domain) -> Warming:
    warming = gates.kept(domain.user_id, domain.id)
    assert warming
    return warming


def all_windows(n: int) -> dict[str, int]:
    return {DAY: n, HOUR: n, MINUTE: n, window_of_class(DAY, GMAIL): n}


def with_a_send_before_each(monkeypatch: pytest.MonkeyPatch, seen: Warming) -> list[int]:
    """Let the domain send to one recipient before each transaction; the numbers of actions of these."""
    written, sizes = table.transact, list[int]()

    def transact(actions: table.Part) -> None:
        assert isinstance(admission.admit(seen, {GMAIL: 1}), Windows)
        sizes.append(len(actions))
        written(actions)

    monkeypatch.setattr(table, "transact", transact)
    return sizes


def test_a_send_that_was_counted_before_its_domain_was_deleted_stays_counted() -> None:
    domain, seen = sending()
    before_the_next_transaction(lambda: admission.admit(seen, {GMAIL: 3}))
    retire(domain)
    assert gate(domain).sent == all_windows(3)
    again = verify(gated(domain_id="again"))
    assert gate(again).sent == all_windows(3)


def test_a_send_that_was_decided_before_a_deletion_is_not_counted_after_it() -> None:
    domain, seen = sending()
    retire(domain)
    for warming in (seen, gate(domain)):
        with pytest.raises(DomainNotSending):
            admission.admit(warming, {GMAIL: 1})
    with pytest.raises(table.ConditionFailed):
        gates.count(seen, Windows(MINUTE), {GMAIL: 1})
    assert gate(domain).sent == {}


def test_a_send_while_its_name_is_taken_over_is_counted_for_who_takes_it() -> None:
    loser, seen = sending()
    rival = gated(RIVAL)
    before_the_next_transaction(lambda: admission.admit(seen, {GMAIL: 3}))
    verify(rival)
    assert gate(rival).sent == gate(loser).sent == all_windows(3)
    with pytest.raises(DomainNotSending):
        admission.admit(seen, {GMAIL: 1})
    assert isinstance(admission.admit(gate(rival), {GMAIL: 2}), Windows)
    assert gate(rival).sent == all_windows(5)
    assert not isinstance(admission.admit(gate(rival), {GMAIL: 1}), Windows)


def test_quota_given_back_while_a_name_is_taken_over_is_given_back_to_who_takes_it() -> None:
    loser, seen = sending()
    at = admission.admit(seen, {GMAIL: 5})
    assert isinstance(at, Windows)
    rival = gated(RIVAL)
    before_the_next_transaction(lambda: admission.give_back(USER, loser.id, at, {GMAIL: 2}))
    verify(rival)
    assert gate(rival).sent == all_windows(3)


def test_a_name_whose_domain_sends_all_the_time_is_taken_over_later(monkeypatch: pytest.MonkeyPatch) -> None:
    loser, seen = sending()
    rival = gated(RIVAL)
    with monkeypatch.context() as patch:
        sizes = with_a_send_before_each(patch, seen)
        with pytest.raises(StaleStatus):
            verify(rival)
    assert len(sizes) == commits.TRIES
    assert [row and row.status for row in (store.get(USER, loser.id), store.get(RIVAL, rival.id))] == [
        "verified",
        "verifying",
    ]
    assert (gate(loser).sent, gate(rival).phase) == (all_windows(5), Phase.NOT_STARTED)
    assert isinstance(admission.admit(seen, {GMAIL: 1}), Windows)
    verify(rival)
    assert gate(rival).sent == all_windows(6)


def test_a_new_domain_that_cannot_take_a_busy_name_yet_is_not_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, seen = sending()
    new = verifying(RIVAL).model_copy(update={"id": "new", "status": DomainStatus.VERIFIED})
    operations.put(running(RIVAL, "o"), {})
    claim = claims.taken(new, claims.verifier(NAME))
    with monkeypatch.context() as patch:
        with_a_send_before_each(patch, seen)
        with pytest.raises(StoreUnavailable):
            commits.save(new, "o", {}, claim=claim)
    assert store.get(RIVAL, "new") is None
    before_the_next_transaction(lambda: admission.admit(seen, {GMAIL: 1}))
    commits.save(new, "o", {}, claim=claim)
    assert gate(new).sent == all_windows(6)


def test_a_warming_that_is_started_by_hand_meanwhile_is_begun_from_the_name_all_the_same() -> None:
    domain, seen = sending()
    admission.admit(seen, {GMAIL: 4})
    retire(domain)
    again = gated(domain_id="again")

    def start() -> None:
        aws.table().update_item(
            Key={"pk": f"TENANT#{USER}", "sk": f"WARMING#{again.id}"},
            UpdateExpression="SET phase = :phase, revision = revision + :one",
            ExpressionAttributeValues={":phase": "phase_1", ":one": 1},
        )

    before_the_next_transaction(start)
    verify(again)
    assert (gate(again).sent, gate(again).revision) == (all_windows(4), 2)


def test_a_claim_made_on_an_older_deletion_takes_nothing() -> None:
    first = verify(gated())
    retire(first)
    rival = gated(RIVAL)
    seen = claims.verifier(NAME)

    def meanwhile() -> None:
        second = verifying().model_copy(update={"id": "second"})
        item = claims.taken(second, claims.verifier(NAME))
        table.transact(item)
        table.transact(claims.released(USER, NAME, "second"))

    before_the_next_transaction(meanwhile)
    with pytest.raises(StaleStatus):
        commits.verify(rival, put={}, drop=(), claim=claims.taken(rival, seen))
