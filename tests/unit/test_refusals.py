"""Refusals are counted in memory and written seldom, each once, on the day on which they were."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kindling.metrics import refusals, service
from kindling.metrics.model import DAYS_KEPT, day_sort_key, metrics_partition
from kindling.platform import aws, clock, table
from tests.conftest import Clock

TODAY = "2026-03-01"

pytestmark = pytest.mark.usefixtures("cloud")


def refuse(recipients: int = 1, *, user: str = "u", domain: str = "d") -> None:
    """What a request does whose message is refused."""
    refusals.note(user, domain, clock.today().isoformat(), recipients)
    refusals.write(user)


def shown(user: str = "u", domain: str = "d") -> list[tuple[int, int]]:
    """Recipients and messages of yesterday and today."""
    return [(day.refused, day.refused_messages) for day in service.last_days(user, domain, 2)]


def item(user: str = "u", domain: str = "d", day: str = TODAY) -> dict[str, Any]:
    return table.get({"pk": metrics_partition(user, domain), "sk": day_sort_key(day)}) or {}


@contextmanager
def writes(error: str = "") -> Iterator[list[str]]:
    """The domains of the writes that are tried in the block; with an error, all fail by it."""
    tried: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        tried.append(params["Key"]["pk"].rpartition("#")[2])
        if error:
            raise ClientError({"Error": {"Code": error, "Message": "no"}}, "UpdateItem")

    events = aws.table_without_retries().meta.client.meta.events
    events.register("provide-client-params.dynamodb.UpdateItem", note)
    try:
        yield tried
    finally:
        events.unregister("provide-client-params.dynamodb.UpdateItem", note)


def test_the_first_refusal_of_a_day_is_written_at_once_and_the_next_ones_together_after_ten_seconds(
    steady_clock: Clock,
) -> None:
    refuse(3)
    assert shown() == [(0, 0), (3, 1)]
    refuse(4)
    steady_clock.advance(seconds=9.999)
    refuse(5)
    assert shown() == [(0, 0), (3, 1)]
    steady_clock.advance(seconds=0.001)
    refusals.write("u")
    assert shown() == [(0, 0), (12, 3)]
    # Nothing is left to write.
    steady_clock.advance(seconds=10)
    with writes() as tried:
        refusals.write("u")
    assert tried == []


def test_a_loop_that_heeds_no_refusal_costs_a_write_in_ten_seconds(steady_clock: Clock) -> None:
    with writes() as tried:
        for _ in range(301):
            refuse()
            steady_clock.advance(seconds=0.1)
    assert tried == ["d"] * 4
    assert shown() == [(0, 0), (301, 301)]


@pytest.mark.parametrize("code", ["TransactionConflictException", "ThrottlingException", "InternalServerError"])
def test_a_write_that_fails_is_not_repeated_since_it_may_have_been_made(steady_clock: Clock, code: str) -> None:
    before = steady_clock.at
    with writes(code) as tried:
        refuse(3)
        refuse(4)
        steady_clock.advance(seconds=9.999)
        refuse(5)
        assert tried == ["d"]
        steady_clock.advance(seconds=0.001)
        refuse(6)
        assert tried == ["d"] * 2
    # Nobody was made to wait.
    assert (steady_clock.at - before).total_seconds() == 10
    assert shown() == [(0, 0), (0, 0)]
    steady_clock.advance(seconds=10)
    refuse(7)
    assert shown() == [(0, 0), (7, 1)]


def test_what_is_left_of_a_day_is_added_to_that_day_and_the_new_day_begins_at_once(steady_clock: Clock) -> None:
    steady_clock.at = datetime(2026, 3, 1, 23, 59, 55, tzinfo=UTC)
    refuse(1)
    refuse(2)
    steady_clock.advance(seconds=5)
    refuse(4)
    assert shown() == [(1, 1), (4, 1)]
    steady_clock.advance(seconds=5)
    refuse(8)
    assert shown() == [(3, 2), (4, 1)]
    steady_clock.advance(seconds=5)
    refusals.write("u")
    assert shown() == [(3, 2), (12, 2)]


def test_tenants_and_domains_are_counted_apart(steady_clock: Clock) -> None:
    for user, domain, recipients in (("u", "d", 1), ("u", "other", 2), ("v", "d", 4)):
        for _ in range(2):
            refuse(recipients, user=user, domain=domain)
    steady_clock.advance(seconds=10)
    with writes() as tried:
        refusals.write("u")
    assert tried == ["d", "other"]
    assert [shown("u")[1], shown("u", "other")[1], shown("v")[1]] == [(2, 2), (4, 2), (4, 1)]


def test_a_request_writes_for_few_domains_and_first_for_those_that_have_waited_longest(steady_clock: Clock) -> None:
    names = [f"d{number}" for number in range(refusals.MOST_WRITES)]
    for name in reversed(names):
        refuse(domain=name)
        steady_clock.advance(seconds=0.1)
    for name in names:
        refusals.note("u", name, TODAY, 1)
    steady_clock.advance(seconds=10)
    with writes() as tried:
        refuse(domain="new")
        assert tried == ["new", *names[:0:-1]]
        refusals.write("u")
    assert tried == ["new", *names[::-1]]


def test_after_a_write_that_failed_a_request_tries_no_other(steady_clock: Clock) -> None:
    refusals.note("u", "d", TODAY, 1)
    refusals.note("u", "other", TODAY, 1)
    with writes("ThrottlingException") as tried:
        refusals.write("u")
    assert tried == ["d"]
    refusals.write("u")
    assert shown("u", "other")[1] == (1, 1)


def test_a_request_without_time_for_a_write_leaves_it_to_the_next(steady_clock: Clock) -> None:
    refusals.note("u", "d", TODAY, 1)
    with clock.within(refusals.LONGEST_WRITE_SECONDS - 0.001):
        refusals.write("u")
    assert shown()[1] == (0, 0)
    with clock.within(refusals.LONGEST_WRITE_SECONDS):
        refusals.write("u")
    assert shown()[1] == (1, 1)


def test_no_more_days_of_domains_are_remembered_than_fit(steady_clock: Clock) -> None:
    for number in range(refusals.MOST_DAYS):
        refusals.note("u", f"d{number}", TODAY, 1)
    refusals.note("u", "d0", TODAY, 1)
    assert len(refusals._gathered) == refusals.MOST_DAYS
    refusals.note("u", "one more", TODAY, 1)
    assert len(refusals._gathered) == refusals.MOST_DAYS
    assert ("u", "d0", TODAY) not in refusals._gathered
    assert ("u", "d1", TODAY) in refusals._gathered


def test_a_days_refusals_end_with_its_metrics_and_leave_the_other_counts_alone(steady_clock: Clock) -> None:
    service.keep_admitted("u", "d", TODAY, {"gmail": 7}, 50)
    before = item()
    refuse(3)
    assert item() == before | {"refused": 3, "refused_messages": 1}
    assert before["expires_at"] == int((datetime(2026, 3, 1, tzinfo=UTC) + DAYS_KEPT).timestamp())
    service.keep_admitted("u", "d", TODAY, {"gmail": 8}, 50)
    assert (shown()[1], service.last_days("u", "d", 1)[0].total.admitted) == ((3, 1), 8)
