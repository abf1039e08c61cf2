"""Backlogs of due work, on the model of `backlog`: drained within the hour, and an idle tick costs the same anyhow."""

from datetime import timedelta
from random import Random

import pytest

from kindling.platform import due
from tests.simulation.backlog import BEGIN, CLEANUP, REVIEW, VERIFICATION, WARMING, Cloud, Kind, drain, installed, tick

KINDS = (WARMING, VERIFICATION, CLEANUP, REVIEW)


@pytest.mark.parametrize("existing", [0, 10, 1000])
def test_an_idle_tick_costs_the_same_whatever_exists(existing: int) -> None:
    cloud = Cloud()
    for i in range(existing):
        cloud.put("warming", f"item-{i}", BEGIN + timedelta(milliseconds=1))
    with installed(cloud):
        assert tick(cloud, WARMING) == 0
    assert (dict(cloud.calls), cloud.read_units, cloud.write_units) == ({"Query": due.SHARDS}, due.SHARDS / 2, 0)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_backlog_is_handed_out_once_and_within_the_hour(kind: Kind) -> None:
    number = 5_000
    found = drain(kind, [timedelta(0)] * number)
    assert (found.ticks, found.twice) == (1, 0)
    assert found.cloud.calls["UpdateItem"] == number
    # A shard's quarter of them is more than a page, and less than two.
    assert found.cloud.calls["Query"] == 2 * due.SHARDS
    assert found.cloud.calls["SendMessageBatch"] == number / due.SQS_BATCH
    # A million at the same pace, with the time between the ticks' ends and beginnings.
    pace = number / found.handed_out
    worked = (kind.timeout - due.RESERVE_SECONDS - 1) / kind.every
    assert 1_000_000 / (pace * worked) < 3600


def test_a_backlog_that_takes_several_ticks_is_drained_without_an_item_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "RESERVE_SECONDS", VERIFICATION.timeout - 3.0)
    found = drain(VERIFICATION, [timedelta(0)] * 3_000)
    assert (found.ticks, found.twice) == (4, 0)
    assert found.cloud.calls["UpdateItem"] == 3_000


def test_judgements_that_fall_due_over_an_hour_hardly_wait() -> None:
    random = Random(1)  # noqa: S311
    found = drain(WARMING, [due.spread(f"domain-{random.random()}", timedelta(hours=1)) for _ in range(2_000)])
    assert (found.ticks, found.twice) == (5, 0)
    assert found.done < 3600 + 10
    assert found.deepest < 1000


def test_a_flood_of_one_kind_costs_another_nothing() -> None:
    quiet, flooded = Cloud(), Cloud()
    for i in range(3_000):
        flooded.put("warming", f"item-{i}", BEGIN)
    for cloud in (quiet, flooded):
        for i in range(7):
            cloud.put("verification", f"domain-{i}", BEGIN)
        with installed(cloud):
            assert tick(cloud, VERIFICATION) == 7
    assert (flooded.seconds, flooded.calls, flooded.dollars) == (quiet.seconds, quiet.calls, quiet.dollars)
    assert list(flooded.sent) == [VERIFICATION.queue]
