"""The gate's decision: windows, limits, refusals, and the size of the item."""

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, get_args

import pytest

from kindling.errors import NotFound, RateLimitExceeded, StoreUnavailable, WarmingPaused
from kindling.metrics.model import GMAIL, MAILBOX_PROVIDERS, OWN
from kindling.platform import table
from kindling.warming import admission, gate, store
from kindling.warming.gate import Refusal, Windows
from kindling.warming.model import (
    DAY,
    HOUR,
    LETTERS,
    MINUTE,
    OF_CLASS,
    UNLIMITED,
    Limits,
    MailboxProvider,
    Phase,
    Warming,
    warming_key,
    window_of_class,
)
from kindling.warming.schedules import PRESETS

NOW = datetime(2026, 3, 1, 9, 0, 12, tzinfo=UTC)
LIMITS = Limits(daily_limit=50, hourly_limit=10, per_minute_limit=5)
# Bytes of one write unit: docs.aws.amazon.com, DynamoDB read/write capacity.
WRITE_UNIT = 1024

IDENTITY = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
# What adds to the item of a domain after a bad day, one that took a name over, and one that was stopped.
SLOWED = {"limit": 99_999, "on": "2026-02-26"}
HELD = {"held_at": 199_999, "held_on": "2026-02-26", "slowed": {"microsoft": SLOWED, "yahoo": SLOWED}}
STEPPED_BACK = {"moved_from": "2026-02-26"}
TAKEN_OVER = {"former": f"{IDENTITY}/{IDENTITY}", "former_until": "2026-02-26"}
STOPPED = {
    "phase": Phase.SUSPENDED,
    "phase_before": Phase.PHASE_4,
    "stopped_because": "x" * 120,
    "stopped_by": "system",
}


def warming(**fields: Any) -> Warming:
    known = {"user_id": "u", "domain_id": "d", "phase": Phase.PHASE_1, "limits": LIMITS}
    return Warming.model_validate(known | fields)


def row(**fields: Any) -> dict[str, Any]:
    return {**warming_key("u", "d"), **warming(**fields).item()}


def refused(standing: Warming, n: int, **others: int) -> dict[str, Any]:
    refusal = gate.refusal(standing, {GMAIL: n, **others}, NOW)
    assert refusal is not None
    return refusal.error(NOW).extras


def test_a_window_is_named_by_the_beginning_of_its_instants() -> None:
    local = NOW.astimezone(datetime.fromisoformat("2026-03-01T00:00:00+05:30").tzinfo)
    at = gate.windows(warming(), local)
    assert at.names == ("2026-03-01", "2026-03-01T09", "2026-03-01T09:00")


def test_a_clock_that_is_behind_counts_into_the_newest_window() -> None:
    ahead = warming(minute="2026-03-01T09:07")
    assert gate.windows(ahead, NOW).minute == "2026-03-01T09:07"
    assert gate.windows(ahead, NOW + timedelta(minutes=8)).minute == "2026-03-01T09:08"


def test_a_clock_that_is_behind_midnight_does_not_give_the_old_day_the_new_days_limits() -> None:
    late = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    raised = warming(limits_on="2026-03-01", minute="2026-02-28T23:58", sent={"2026-02-28": 50})
    assert gate.windows(raised, late).names == ("2026-03-01", "2026-03-01T00", "2026-03-01T00:00")
    assert gate.windows(warming(limits_on="2026-02-27"), late).day == "2026-02-28"


def test_what_fits_into_all_three_windows_is_let_through() -> None:
    assert gate.refusal(warming(), {GMAIL: 5}, NOW) is None
    assert gate.refusal(warming(sent={"2026-03-01T09:00": 3}), {GMAIL: 2}, NOW) is None
    assert gate.refusal(warming(sent={"2026-03-01T08:59": 5, "2026-03-01T08": 10}), {GMAIL: 5}, NOW) is None


@pytest.mark.parametrize(
    ("sent", "limit_type", "limit", "used", "seconds"),
    [
        ({"2026-03-01T09:00": 4}, "per_minute", 5, 4, 48),
        ({"2026-03-01T09:00": 4, "2026-03-01T09": 9}, "hourly", 10, 9, 3588),
        ({"2026-03-01T09:00": 4, "2026-03-01T09": 9, "2026-03-01": 49}, "daily", 50, 49, 53988),
        ({"2026-03-01": 50}, "daily", 50, 50, 53988),
    ],
)
def test_of_several_limits_the_one_that_lasts_longest_is_told(
    sent: dict[str, int], limit_type: str, limit: int, used: int, seconds: int
) -> None:
    assert refused(warming(sent=sent), 2) == {
        "limit_type": limit_type,
        "limit": limit,
        "used": used,
        "retry_after_seconds": seconds,
        "warming_phase": "phase_1",
    }


@pytest.mark.parametrize(
    ("sent", "limit_type"),
    [
        ({"2026-03-01": 48, "260301g": 19}, "daily"),
        ({"260301g": 19, "2026-03-01T09": 9}, "mailbox_provider"),
        ({"260301g": 18, "260301y": 30, "2026-03-01T09": 9}, "mailbox_provider"),
        ({"260301g": 18, "2026-03-01T09": 9}, "hourly"),
    ],
)
def test_a_budget_comes_after_the_day_and_before_the_hour(sent: dict[str, int], limit_type: str) -> None:
    budgeted = warming(sent=sent, budgets={"gmail": 20, "yahoo": 30})
    assert refused(budgeted, 2, yahoo=1)["limit_type"] == limit_type


def test_a_full_budget_is_named_with_its_numbers_and_refuses_nobody_else() -> None:
    full = warming(sent={"260301g": 20, "2026-03-01": 30}, budgets={"gmail": 20, "yahoo": 3})
    refusal = gate.refusal(full, {"gmail": 1, "yahoo": 1}, NOW)
    assert refusal
    error = refusal.error(NOW)
    assert str(error) == "daily gmail sending limit exceeded"
    assert error.extras == {
        "limit_type": "mailbox_provider",
        "mailbox_provider": "gmail",
        "limit": 20,
        "used": 20,
        "retry_after_seconds": 53988,
        "warming_phase": "phase_1",
    }
    assert gate.refusal(full, {"yahoo": 3, "microsoft": 1, "own": 1}, NOW) is None
    assert refused(full, 0, yahoo=4)["mailbox_provider"] == "yahoo"


def test_a_budget_is_of_its_day_and_more_than_a_whole_one_waits_for_another_days() -> None:
    yesterday = warming(sent={"260228g": 2}, budgets={"gmail": 2}, counted_on="2026-03-01")
    assert gate.refusal(yesterday, {"gmail": 2}, NOW) is None
    refusal = gate.refusal(yesterday, {"gmail": 3}, NOW)
    assert refusal
    assert str(refusal.error(NOW)).endswith(
        ": 3 recipients are more than the whole daily gmail limit of 2: send to fewer at once"
    )
    waiting = warming(budgets={"gmail": 2}, counted_on="2026-02-28")
    assert refused(waiting, 3)["retry_after_seconds"] == 3588


def test_a_stopped_domain_has_no_room_in_its_budgets() -> None:
    (budget,) = gate.budgets(warming(phase=Phase.PAUSED, budgets={"gmail": 20}), NOW)
    assert (budget.limit, budget.room) == (0, 0)


def test_the_documented_words_are_used() -> None:
    refusal = gate.refusal(warming(sent={"2026-03-01": 50}), {GMAIL: 1}, NOW)
    assert refusal
    error = refusal.error(NOW)
    assert (type(error), str(error)) == (RateLimitExceeded, "daily sending limit exceeded")


def test_what_is_more_than_a_whole_limit_has_to_wait_for_another_days_limits() -> None:
    judged = warming(counted_on="2026-03-01")
    assert refused(judged, 6)["limit_type"] == "per_minute"
    assert refused(judged, 6)["retry_after_seconds"] == 53988
    refusal = gate.refusal(warming(), {GMAIL: 6}, NOW)
    assert refusal
    assert str(refusal.error(NOW)).endswith(
        "6 recipients are more than the whole per-minute limit of 5: send to fewer at once"
    )


def test_a_day_that_is_not_judged_yet_may_have_other_limits_in_an_hour() -> None:
    waiting = refused(warming(counted_on="2026-02-28"), 6)
    assert (waiting["limit_type"], waiting["retry_after_seconds"]) == ("per_minute", 3588)


def test_what_fits_into_an_empty_window_waits_for_one_and_no_longer() -> None:
    whole = refused(warming(sent={"2026-03-01T09:00": 1}), 5)
    assert (whole["limit_type"], whole["retry_after_seconds"]) == ("per_minute", 48)
    hourly = gate.refusal(warming(sent={"2026-03-01T09": 10}), {GMAIL: 1}, NOW + timedelta(minutes=7))
    assert hourly
    assert hourly.until == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_nobody_is_told_to_come_back_before_a_window_has_ended() -> None:
    waits = {0.0: 1, -3.0: 1, 0.001: 1, 1.0: 1, 1.001: 2, 1.4: 2, 1.5: 2, 59.999: 60, 60.0: 60}
    assert {ahead: gate.seconds_until(NOW + timedelta(seconds=ahead), NOW) for ahead in waits} == waits


def test_a_limit_that_was_lowered_below_what_was_sent_has_no_room_and_no_debt() -> None:
    day, hour, minute = gate.bounds(warming(sent={"2026-03-01T09:00": 9, "2026-03-01": 51}), NOW)
    assert (day.room, hour.room, minute.room) == (0, 10, 0)


def test_a_warmed_domain_has_no_limit_and_a_stopped_one_no_room() -> None:
    assert gate.refusal(warming(phase=Phase.WARMED, limits=None), {GMAIL: 10_000_000}, NOW) is None
    day, hour, minute = gate.bounds(warming(phase=Phase.WARMED, limits=None, sent={"2026-03-01": 7}), NOW)
    assert (day.room, hour.room, minute.room) == (UNLIMITED - 7, UNLIMITED, UNLIMITED)
    paused = warming(phase=Phase.PAUSED)
    assert [bound.room for bound in gate.bounds(paused, NOW)] == [0, 0, 0]
    refusal = gate.refusal(paused, {GMAIL: 1}, NOW)
    assert refusal
    assert isinstance(refusal.error(NOW), WarmingPaused)


def test_only_windows_that_nobody_reads_are_forgotten() -> None:
    days = {f"2026-02-{day:02}": 1 for day in range(15, 29)}
    hours = {f"2026-03-01T{hour:02}": 1 for hour in (1, 3, 4, 6, 9)}
    counted = {**days, **hours, "2026-03-01": 9, "2026-03-01T08:59": 1}
    standing = warming(sent={**counted, "2026-03-01T09:00": 3})
    gone = set(gate.outdated(standing, Windows("2026-03-01T09:00")))
    kept = set(standing.sent) - gone
    assert {"2026-03-01", "2026-03-01T09", "2026-03-01T09:00"} <= kept
    assert {name for name in kept if len(name) == 10} == {"2026-02-27", "2026-02-28", "2026-03-01"}
    assert not gone & {"2026-03-01T09:00", "2026-03-01T09"}
    assert {name[11:] for name in kept if len(name) == 13} == {"03", "04", "06", "09"}
    # The next hour is one of the four, too.
    assert {"2026-03-01T03", "2026-03-01T09:00"} <= {*gate.outdated(standing, Windows("2026-03-01T10:00"))}


@pytest.mark.parametrize(
    ("counted_on", "now", "kept"),
    [
        ("2026-03-01", "2026-03-01", ["260301g"]),
        ("2026-02-28", "2026-03-01", ["260228g", "260228t", "260301g"]),
        ("2026-02-25", "2026-03-01", ["260227o", "260228g", "260228t", "260301g"]),
        ("2026-02-25", "2026-03-02", ["260228g", "260228t", "260301g"]),
        ("2026-03-02", "2026-03-02", []),
        ("2026-03-02", "2026-03-01", ["260301g"]),
    ],
)
def test_mailbox_providers_are_kept_until_the_judgement_and_no_longer_than_three_days(
    counted_on: str, now: str, kept: list[str]
) -> None:
    sent = dict.fromkeys(("260226m", "260227o", "260228g", "260228t", "260301g"), 1)
    standing = warming(sent=sent, counted_on=counted_on)
    assert sorted(set(sent) - {*gate.outdated(standing, Windows(f"{now}T09:00"))}) == kept


def test_what_was_counted_is_told_by_day_hour_and_mailbox_provider() -> None:
    at = Windows("2026-03-01T09:00")
    told = warming(sent=at.counts({"gmail": 3, "own": 2, "yahoo": 0}) | {"260228a": 4})
    assert (told.days, told.hours) == ({"2026-03-01": 5}, {"2026-03-01T09": 5})
    assert told.by_provider("2026-03-01") == {"gmail": 3, "own": 2}
    assert (told.by_provider("2026-02-28"), told.by_provider("2026-02-27")) == ({"apple": 4}, {})


def test_every_class_of_recipients_has_a_window_of_its_own() -> None:
    assert get_args(MailboxProvider) == MAILBOX_PROVIDERS
    assert set(LETTERS) == {*MAILBOX_PROVIDERS, OWN}
    assert len(set(LETTERS.values())) == len(LETTERS)
    lengths = {len(window_of_class("2026-03-01", name)) for name in LETTERS}
    assert lengths == {OF_CLASS}
    assert len({DAY, HOUR, MINUTE, OF_CLASS}) == 4


@pytest.mark.parametrize(
    ("days", "more", "units"),
    [
        (1, HELD, 1),
        # Between midnight and the judgement.
        (2, HELD, 1),
        (2, TAKEN_OVER, 1),
        (1, HELD | STEPPED_BACK, 1),
        (2, STEPPED_BACK, 1),
        # All of it at once, a judgement that is days late, and a stopped domain, of which no send is counted.
        (2, HELD | TAKEN_OVER, 2),
        (2, HELD | STEPPED_BACK, 2),
        (3, HELD, 2),
        (3, STOPPED, 2),
    ],
)
def test_a_gates_item_stays_within_one_write_unit(days: int, more: dict[str, Any], units: int) -> None:
    newest = [f"2026-02-{day}" for day in (26, 27, 28)]
    sent = {
        **dict.fromkeys(newest, 199_999),
        **{window_of_class(day, name): 133_333 for day in newest[-days:] for name in LETTERS},
        **{f"2026-02-28T0{hour}": 19_999 for hour in range(4)},
        "2026-02-28T03:00": 666,
    }
    usual = {
        "user_id": IDENTITY,
        "domain_id": IDENTITY,
        "phase": Phase.PHASE_4,
        "revision": 12_345,
        "schedule_version": 999,
        "limits": PRESETS["standard"].limits(Phase.PHASE_4, 13),
        "limits_on": "2026-02-28",
        "followed_on": "2026-02-28",
        "ramp_day": 13,
        "phase_days": 14,
        "mailed_days": 14,
        "mailed": 1_999_999,
        "counted_on": "2026-02-26",
        "judged_from": "2026-02-26",
        "strikes": 2,
        "minute": "2026-02-28T03:00",
        "sent": sent,
        "budgets": dict.fromkeys(MAILBOX_PROVIDERS, 99_999),
        "cap": 199_999,
        "warming_started_at": "2026-01-01T09:00:00.000Z",
        "phase_started_at": "2026-02-01T09:00:00.000Z",
        "updated_at": "2026-02-28T00:30:00.000Z",
    }
    fullest = warming(**usual | more)
    due = {"due_shard": "warming#3", "due_at": "2026-03-01T00:00:00.000Z"}
    row = {**warming_key(IDENTITY, IDENTITY), **fullest.item(), **due, "v": 1}
    assert ceil(_size(row) / WRITE_UNIT) == units, _size(row)
    assert Warming.model_validate(row) == fullest


def _size(value: Any, *, inner: bool = False) -> int:
    """The size in bytes as DynamoDB computes it.

    Names and text in UTF-8; a number has a byte for two digits and one more, a map three and one for each entry.
    """
    match value:
        case dict():
            entries = sum(len(name) + inner + _size(part, inner=True) for name, part in value.items())
            return 3 * inner + entries
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case _:
            return ceil(len(str(value)) / 2) + 1


def test_a_gate_that_is_gone_or_never_stands_still_gives_no_decision(
    monkeypatch: pytest.MonkeyPatch, steady_clock: object
) -> None:
    def found(item: dict[str, Any] | None) -> None:
        def count(*_: object) -> None:
            raise table.ConditionFailed(item)

        monkeypatch.setattr(store, "count", count)

    found(None)
    with pytest.raises(NotFound):
        admission.admit(warming(), {GMAIL: 1})
    found(row(revision=1))
    with pytest.raises(StoreUnavailable):
        admission.admit(warming(), {GMAIL: 1})
    found(row(phase=Phase.PAUSED))
    assert admission.admit(warming(), {GMAIL: 1}) == Refusal(Phase.PAUSED)
