"""The gate's writes: one decides and counts, one gives back, and a decision from an older state is not carried out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kindling.errors import NotFound, StaleStatus
from kindling.metrics.model import GMAIL, OWN, YAHOO
from kindling.platform import aws, table
from kindling.warming import admission, changes, parts, store
from kindling.warming.gate import Refusal, Windows
from kindling.warming.model import (
    API,
    Limits,
    Phase,
    Warming,
    history_entry,
    history_partition,
    warming_key,
    window_of_class,
)
from tests.conftest import Clock

pytestmark = pytest.mark.usefixtures("cloud", "steady_clock")

AT = Windows("2026-03-01T09:00")
DAY, HOUR, MINUTE = AT.names
OF_GMAIL, OF_YAHOO = (window_of_class(DAY, name) for name in (GMAIL, YAHOO))
LIMITS = {"daily_limit": 50, "hourly_limit": 10, "per_minute_limit": 5}


def stand(**fields: Any) -> Warming:
    """A gate as it stands in the table."""
    known = {"user_id": "u", "domain_id": "d", "phase": Phase.PHASE_1, "limits": LIMITS}
    warming = Warming.model_validate(known | fields)
    table.transact([store.created(warming)])
    return warming


def standing() -> Warming:
    warming = store.get("u", "d")
    assert warming is not None
    return warming


@pytest.mark.parametrize(("window", "limit"), [(DAY, 50), (HOUR, 10), (MINUTE, 5)])
def test_each_window_is_filled_to_its_limit_and_not_one_further(window: str, limit: int) -> None:
    warming = stand(sent={window: limit - 2})
    with pytest.raises(table.ConditionFailed) as lost:
        store.count(warming, AT, {GMAIL: 3})
    assert standing() == warming == Warming.model_validate(lost.value.item)
    store.count(warming, AT, {GMAIL: 2})
    assert standing().sent[window] == limit


def test_a_window_that_nothing_was_counted_in_takes_its_whole_limit() -> None:
    store.count(stand(), AT, {GMAIL: 5})
    assert standing().sent == {DAY: 5, HOUR: 5, MINUTE: 5, OF_GMAIL: 5}
    assert standing().minute == MINUTE


def test_where_no_limits_are_everything_is_counted_all_the_same() -> None:
    warming = stand(phase=Phase.WARMED, limits=None)
    store.count(warming, AT, {GMAIL: 1_000_000})
    store.count(warming, AT, {GMAIL: 1})
    assert set(standing().sent.items()) == {(window, 1_000_001) for window in (DAY, HOUR, MINUTE, OF_GMAIL)}


def test_a_budget_is_filled_to_the_last_recipient_and_mail_to_others_goes_on() -> None:
    warming = stand(sent={OF_GMAIL: 18, OF_YAHOO: 30}, budgets={GMAIL: 20})
    with pytest.raises(table.ConditionFailed):
        store.count(warming, AT, {GMAIL: 3})
    store.count(warming, AT, {GMAIL: 2})
    with pytest.raises(table.ConditionFailed) as lost:
        store.count(warming, AT, {GMAIL: 1, YAHOO: 1})
    assert lost.value.item
    # All or nothing, and the others' mail is counted by class all the same.
    assert standing().sent == {DAY: 2, HOUR: 2, MINUTE: 2, OF_GMAIL: 20, OF_YAHOO: 30}
    store.count(warming, AT, {YAHOO: 2, OWN: 1})
    assert standing().by_provider(DAY) == {GMAIL: 20, YAHOO: 32, OWN: 1}
    assert standing().sent[DAY] == 5


def test_a_stale_view_of_a_budget_is_decided_again(steady_clock: Clock) -> None:
    seen = stand(budgets={GMAIL: 3})
    stand(revision=7, budgets={GMAIL: 2}, sent={OF_GMAIL: 1})
    assert admission.admit(seen, {GMAIL: 1, YAHOO: 1}) == AT
    refused = admission.admit(seen, {GMAIL: 1, YAHOO: 1})
    assert isinstance(refused, Refusal)
    assert refused.bound
    assert (refused.limit, refused.bound.mailbox_provider, refused.bound.used, refused.n) == (
        "mailbox_provider",
        GMAIL,
        2,
        1,
    )
    assert admission.admit(seen, {YAHOO: 1}) == AT
    assert standing().by_provider(DAY) == {GMAIL: 2, YAHOO: 2}


def test_a_decision_from_an_older_state_counts_nothing() -> None:
    stand(revision=3)
    for revision in (2, 4):
        with pytest.raises(table.ConditionFailed):
            store.count(Warming(user_id="u", domain_id="d", revision=revision), AT, {GMAIL: 1})
    assert standing().sent == {}


def test_nothing_is_counted_in_a_minute_that_was_left() -> None:
    warming = stand(minute="2026-03-01T09:00")
    with pytest.raises(table.ConditionFailed):
        store.count(warming, Windows("2026-03-01T08:59"), {GMAIL: 1})
    store.count(warming, AT, {GMAIL: 1})
    store.count(warming, Windows("2026-03-01T09:01"), {GMAIL: 1})
    assert standing().minute == "2026-03-01T09:01"


def test_a_stale_view_is_decided_again_from_what_stands_there(steady_clock: Clock) -> None:
    seen = stand()
    stand(revision=7, sent={MINUTE: 3})
    assert admission.admit(seen, {GMAIL: 2}) == AT
    assert standing().sent == {DAY: 2, HOUR: 2, MINUTE: 5, OF_GMAIL: 2}
    refused = admission.admit(seen, {GMAIL: 1})
    assert isinstance(refused, Refusal)
    assert refused.bound
    assert (refused.bound.limit_type, refused.bound.used) == ("per_minute", 5)


def test_what_is_given_back_is_free_again_to_the_last_recipient() -> None:
    stand(sent={DAY: 5, HOUR: 5, MINUTE: 5, OF_GMAIL: 3, OF_YAHOO: 2})
    admission.give_back("u", "d", AT, {GMAIL: 3, YAHOO: 2})
    nothing = dict.fromkeys((DAY, HOUR, MINUTE, OF_GMAIL, OF_YAHOO), 0)
    assert standing().sent == nothing
    admission.give_back("u", "d", AT, {GMAIL: 1})
    assert standing().sent == nothing
    aws.table().delete_item(Key=warming_key("u", "d"))
    admission.give_back("u", "d", AT, {GMAIL: 1})
    assert store.get("u", "d") is None


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        ((DAY, HOUR, OF_GMAIL), {DAY: 2, HOUR: 2, OF_GMAIL: 2}),
        ((DAY, HOUR), {DAY: 2, HOUR: 2}),
        ((DAY, OF_GMAIL), {DAY: 2, OF_GMAIL: 2}),
        ((DAY,), {DAY: 2}),
        ((), {}),
    ],
    ids=["minute gone", "minute and classes gone", "hour gone", "hour and classes gone", "day gone"],
)
def test_quota_is_given_back_in_the_windows_that_are_left(kept: tuple[str, ...], left: dict[str, int]) -> None:
    stand(sent=dict.fromkeys(kept, 5))
    admission.give_back("u", "d", AT, {GMAIL: 3})
    assert standing().sent == left
    # To the last recipient, and no further.
    for _ in range(2):
        admission.give_back("u", "d", AT, {GMAIL: 2})
        assert standing().sent == dict.fromkeys(kept, 0)


def test_quota_is_given_back_through_the_client_that_repeats_nothing() -> None:
    stand(sent={DAY: 5, HOUR: 5, MINUTE: 5, OF_GMAIL: 5})
    used: list[str] = []
    events = aws.table_without_retries().meta.client.meta.events
    events.register("before-call.dynamodb", lambda model, **_: used.append(model.name))
    admission.give_back("u", "d", AT, {GMAIL: 5})
    assert used == ["UpdateItem"]


def test_a_move_is_made_once_from_the_state_that_it_was_decided_on() -> None:
    warming = stand(revision=3)
    entry = history_entry(warming, Phase.PAUSED, reason="manual pause", triggered_by=API)
    put, drop = changes.stopped(warming, "manual pause", API)
    # From another revision it is not paused, though the phase would allow it and no entry stands in the way.
    stand(revision=5)
    with pytest.raises(StaleStatus):
        store.move(warming, entry, put=put, drop=drop)
    assert standing().phase == Phase.PHASE_1
    stand(revision=3)
    store.move(warming, entry, put=put, drop=drop)
    assert (standing().phase, standing().revision) == (Phase.PAUSED, 4)
    aws.table().delete_item(Key=warming_key("u", "d"))
    with pytest.raises(NotFound):
        store.move(warming, entry, put=put, drop=drop)


def test_no_entry_of_a_history_takes_the_place_of_another() -> None:
    # A domain that is verified when it is saved is created together with the entry of its start.
    table.transact(parts.created("u", "d", verified=True))
    for to in (Phase.PAUSED, Phase.PHASE_1, Phase.PAUSED):
        warming = standing()
        store.move(warming, history_entry(warming, to, reason="drill", triggered_by=API), put={})
    entries, _ = store.history("u", "d", 10, None)
    assert [entry.to_phase for entry in entries] == ["paused", "phase_1", "paused", "phase_1"]
    with pytest.raises(table.TransactionFailed):
        table.transact([store.recorded(warming, entries[0])])


def test_the_first_entry_of_a_domain_that_version_0_1_0_created_verified_is_kept() -> None:
    warming = stand()
    first = history_entry(warming, Phase.PHASE_1, reason="warming_started", triggered_by=API)
    aws.table().put_item(Item={"pk": history_partition("u", "d"), "sk": "0" * 10, **first.wire()})
    store.move(warming, history_entry(warming, Phase.PAUSED, reason="drill", triggered_by=API), put={})
    entries, _ = store.history("u", "d", 10, None)
    assert [entry.to_phase for entry in entries] == ["paused", "phase_1"]


def test_an_adjustment_is_written_once_and_makes_older_decisions_stale() -> None:
    warming = stand(revision=3)
    assert store.adjust(warming, put={"ramp_day": 1})
    assert (standing().ramp_day, standing().revision) == (1, 4)
    assert not store.adjust(warming, put={"ramp_day": 2})
    with pytest.raises(table.ConditionFailed):
        store.count(warming, AT, {GMAIL: 1})
    assert standing().ramp_day == 1


def test_limits_are_numbers_of_recipients_and_not_of_messages(steady_clock: Clock) -> None:
    steady_clock.at = datetime(2026, 3, 1, 9, 0, 59, 999_000, tzinfo=UTC)
    warming = stand(limits=Limits(daily_limit=2, hourly_limit=2, per_minute_limit=2))
    assert isinstance(admission.admit(warming, {GMAIL: 3}), Refusal)
    assert admission.admit(warming, {GMAIL: 2}) == AT
    assert isinstance(admission.admit(warming, {GMAIL: 1}), Refusal)
