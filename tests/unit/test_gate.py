"""The gate's decision: windows, limits, refusals, and the size of the item."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kindling.errors import NotFound, RateLimitExceeded, StoreUnavailable, WarmingPaused
from kindling.platform import table
from kindling.warming import admission, changes, gate, store
from kindling.warming.gate import Refusal, Windows
from kindling.warming.model import API, RAMPED, SENDING, UNLIMITED, Limits, Phase, Warming, warming_key
from kindling.warming.schedules import PRESETS

NOW = datetime(2026, 3, 1, 9, 0, 12, tzinfo=UTC)
LIMITS = Limits(daily_limit=50, hourly_limit=10, per_minute_limit=5)
# Bytes of one write unit: docs.aws.amazon.com, DynamoDB read/write capacity.
WRITE_UNIT = 1024


def warming(**fields: Any) -> Warming:
    known = {"user_id": "u", "domain_id": "d", "domain": "acme.example", "phase": Phase.PHASE_1, "limits": LIMITS}
    return Warming.model_validate(known | fields)


def refused(standing: Warming, n: int) -> dict[str, Any]:
    refusal = gate.refusal(standing, n, NOW)
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
    assert gate.refusal(warming(), 5, NOW) is None
    assert gate.refusal(warming(sent={"2026-03-01T09:00": 3}), 2, NOW) is None
    assert gate.refusal(warming(sent={"2026-03-01T08:59": 5, "2026-03-01T08": 10}), 5, NOW) is None


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


def test_the_documented_words_are_used() -> None:
    refusal = gate.refusal(warming(sent={"2026-03-01": 50}), 1, NOW)
    assert refusal
    error = refusal.error(NOW)
    assert (type(error), str(error)) == (RateLimitExceeded, "daily sending limit exceeded")


def test_what_is_more_than_a_whole_limit_has_to_wait_for_another_days_limits() -> None:
    judged = warming(counted_on="2026-03-01")
    assert refused(judged, 6)["limit_type"] == "per_minute"
    assert refused(judged, 6)["retry_after_seconds"] == 53988
    refusal = gate.refusal(warming(), 6, NOW)
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
    hourly = gate.refusal(warming(sent={"2026-03-01T09": 10}), 1, NOW + timedelta(minutes=7))
    assert hourly
    assert hourly.until == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_nobody_is_told_to_come_back_before_a_window_has_ended() -> None:
    waits = {0.0: 1, -3.0: 1, 0.001: 1, 1.0: 1, 1.001: 2, 1.4: 2, 1.5: 2, 59.999: 60, 60.0: 60}
    assert {ahead: gate.seconds_until(NOW + timedelta(seconds=ahead), NOW) for ahead in waits} == waits


def test_a_limit_that_was_lowered_below_what_was_sent_has_no_room_and_no_debt() -> None:
    day, hour, minute = gate.bounds(warming(sent={"2026-03-01T09:00": 9, "2026-03-01": 51}), NOW)
    assert (day.room, hour.room, minute.room) == (0, 10, 0)


def test_a_pause_keeps_the_phase_that_it_ends_in(steady_clock: object) -> None:
    back = [changes.stopped(warming(phase=phase), "manual pause", API)[0]["phase_before"] for phase in SENDING]
    assert back == [*RAMPED, Phase.PHASE_4]


def test_a_warmed_domain_has_no_limit_and_a_stopped_one_no_room() -> None:
    assert gate.refusal(warming(phase=Phase.WARMED, limits=None), 10_000_000, NOW) is None
    day, hour, minute = gate.bounds(warming(phase=Phase.WARMED, limits=None, sent={"2026-03-01": 7}), NOW)
    assert (day.room, hour.room, minute.room) == (UNLIMITED - 7, UNLIMITED, UNLIMITED)
    paused = warming(phase=Phase.PAUSED)
    assert [bound.room for bound in gate.bounds(paused, NOW)] == [0, 0, 0]
    refusal = gate.refusal(paused, 1, NOW)
    assert refusal
    assert isinstance(refusal.error(NOW), WarmingPaused)


def test_only_windows_that_nobody_reads_are_forgotten() -> None:
    days = {f"2026-02-{day:02}": 1 for day in range(15, 29)}
    counted = {**days, "2026-03-01": 9, "2026-03-01T08": 5, "2026-03-01T09": 4, "2026-03-01T08:59": 1}
    standing = warming(sent={**counted, "2026-03-01T09:00": 3})
    gone = set(gate.outdated(standing, Windows("2026-03-01T09:00")))
    kept = set(standing.sent) - gone
    assert {"2026-03-01", "2026-03-01T09", "2026-03-01T09:00"} <= kept
    assert {name for name in kept if len(name) == 10} == {f"2026-02-{day}" for day in range(22, 29)} | {"2026-03-01"}
    assert not gone & {"2026-03-01T09:00", "2026-03-01T09"}


def test_a_gates_item_stays_within_one_write_unit() -> None:
    identity = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
    fullest = warming(
        user_id=identity,
        domain_id=identity,
        domain="a-rather-long-name-of-a-mail-subdomain.of-some-company.example",
        schedule_version=999,
        limits=PRESETS["standard"].limits(Phase.PHASE_4, 13),
        limits_on="2026-03-01",
        counted_on="2026-03-01",
        judged_from="2026-03-01",
        judged_less={"sent": 200000, "delivered": 190000, "bounced": 10000, "complained": 100},
        minute="2026-03-01T09:00",
        sent={**{f"2026-02-{day}": 200000 for day in range(21, 29)}, "2026-03-01T09": 20000, "2026-03-01T09:00": 666},
        warming_started_at="2026-01-01T09:00:00.000Z",
        phase_started_at="2026-02-01T09:00:00.000Z",
        updated_at="2026-03-01T09:00:00.000Z",
    )
    item = {**warming_key(identity, identity), **fullest.item(), "due_shard": "warming#3", "due_at": "2026-03-02T00:00"}
    assert _size(item) < WRITE_UNIT


def _size(value: Any) -> int:
    """The size in bytes as DynamoDB computes it: names and text in UTF-8, two digits per byte, three for a map."""
    match value:
        case dict():
            return 3 + sum(len(name) + 1 + _size(part) for name, part in value.items())
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case _:
            return len(str(value)) // 2 + 2


def test_a_gate_that_is_gone_or_never_stands_still_gives_no_decision(
    monkeypatch: pytest.MonkeyPatch, steady_clock: object
) -> None:
    def found(item: dict[str, Any] | None) -> None:
        def count(*_: object) -> None:
            raise table.ConditionFailed(item)

        monkeypatch.setattr(store, "count", count)

    found(None)
    with pytest.raises(NotFound):
        admission.admit(warming(), 1)
    found(warming(revision=1).item())
    with pytest.raises(StoreUnavailable):
        admission.admit(warming(), 1)
    found(warming(phase=Phase.PAUSED).item())
    assert admission.admit(warming(), 1) == Refusal(Phase.PAUSED)


def test_limits_that_hold_today_are_only_ever_lowered(steady_clock: object) -> None:
    schedule = PRESETS["standard"]
    today = warming(limits_on=changes.today())
    put, drop = changes.limited(today, schedule, schedule.limits(Phase.PHASE_2, 5))
    assert (put["limits"], drop) == (LIMITS.model_dump(), ())
    put, _ = changes.limited(warming(limits_on="2026-02-28"), schedule, schedule.limits(Phase.PHASE_2, 5))
    assert put["limits"] == {"daily_limit": 5000, "hourly_limit": 500, "per_minute_limit": 20}
    put, drop = changes.limited(today, schedule, None)
    assert ("limits" in put, set(drop)) == (False, {"limits", "limits_on"})
