"""Access to the table: conflicts and throttling are retried, failed conditions are raised, the rest is unavailable."""

import itertools
import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from kindling.errors import StoreUnavailable
from kindling.platform import aws, clock, table
from kindling.platform.table import Attr, Key
from tests.conftest import Clock, Kindling
from tests.harness.template import FUNCTIONS

KEY = {"pk": "A", "sk": "B"}
CALLS: dict[str, Callable[[], object]] = {
    "GetItem": lambda: table.get(KEY),
    "PutItem": lambda: table.put(KEY),
    "UpdateItem": lambda: table.update(KEY, UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": 1}),
    "DeleteItem": lambda: table.delete(KEY),
    "Query": lambda: table.pages({"KeyConditionExpression": Key("pk").eq("A")}),
    "BatchGetItem": lambda: table.batch_get([KEY]),
    "TransactWriteItems": lambda: table.transact([{"Put": {"Item": KEY}}]),
}
CONFLICT, THROTTLE = "TransactionConflictException", "ProvisionedThroughputExceededException"
PASSING = [CONFLICT, THROTTLE, "ThrottlingException", "RequestLimitExceeded", "TransactionInProgressException"]


class Refusals:
    """Make calls to AWS fail within this process, and count all of them."""

    def __init__(self) -> None:
        self.calls = 0
        self._codes: Iterator[str] = iter(())

    def of(self, *codes: str) -> None:
        self._codes = iter(codes)

    def always(self, code: str) -> None:
        self._codes = itertools.repeat(code)

    def answer(self, **_: Any) -> Any:
        self.calls += 1
        code = next(self._codes, None)
        if code is None:
            return None
        reason, in_a_transaction = code.partition(" in a transaction")[:2]
        answer: dict[str, Any] = {"Error": {"Code": reason, "Message": "refused"}}
        if in_a_transaction:
            canceled = {"Code": "TransactionCanceledException", "Message": "refused"}
            answer = {"Error": canceled, "CancellationReasons": [{"Code": reason}]}
        return SimpleNamespace(status_code=400), answer


@pytest.fixture
def refusals(cloud: None, steady_clock: Clock) -> Iterator[Refusals]:
    found = Refusals()
    clients = [aws.dynamodb().meta.client, aws.table_without_retries().meta.client]
    for client in clients:
        client.meta.events.register("before-call.dynamodb", found.answer)
    yield found
    for client in clients:
        client.meta.events.unregister("before-call.dynamodb", found.answer)


@pytest.mark.parametrize(("operation", "code"), list(itertools.product(CALLS, PASSING)))
def test_what_is_in_the_way_is_waited_for(refusals: Refusals, operation: str, code: str) -> None:
    refusals.of(code, code, code)
    CALLS[operation]()
    assert refusals.calls == 4


@pytest.mark.parametrize("reason", ["TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"])
def test_a_transaction_that_gives_way_is_tried_again(refusals: Refusals, reason: str) -> None:
    refusals.of(f"{reason} in a transaction")
    table.transact([{"Put": {"Item": KEY}}])
    assert table.get(KEY) == KEY


@pytest.mark.parametrize("operation", CALLS)
def test_what_stays_in_the_way_is_unavailable_after_four_seconds(
    refusals: Refusals, steady_clock: Clock, operation: str
) -> None:
    refusals.always(THROTTLE)
    began = steady_clock.at
    with pytest.raises(StoreUnavailable) as refused:
        CALLS[operation]()
    waited = (steady_clock.at - began).total_seconds()
    assert 4.0 <= waited <= 5.0
    assert (int(refused.value.status), refused.value.extras["retry_after_seconds"]) == (503, 1)


@pytest.mark.parametrize(("seconds", "waits"), [(3.0, 2.0), (1.5, 0.5), (1.0, 0.0), (0.0, 0.0), (60.0, 4.0)])
def test_a_call_gives_up_a_second_before_its_caller_has_to_answer(
    refusals: Refusals, steady_clock: Clock, seconds: float, waits: float
) -> None:
    refusals.always(THROTTLE)
    began = steady_clock.at
    with clock.deadline(seconds), pytest.raises(StoreUnavailable):
        table.put(KEY)
    waited = (steady_clock.at - began).total_seconds()
    assert waits <= waited <= waits + table.LONGEST_PAUSE_SECONDS
    assert clock.left(100) == 100


@pytest.mark.parametrize("operation", CALLS)
def test_what_no_waiting_mends_is_unavailable_at_once(refusals: Refusals, steady_clock: Clock, operation: str) -> None:
    refusals.always("AccessDeniedException")
    began = steady_clock.at
    with pytest.raises(StoreUnavailable):
        CALLS[operation]()
    assert (refusals.calls, steady_clock.at) == (1, began)


def test_whoever_has_something_better_to_do_does_not_wait(refusals: Refusals) -> None:
    refusals.always(CONFLICT)
    with pytest.raises(StoreUnavailable):
        table.update(KEY, waits=False, UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": 1})
    assert refusals.calls == 1


def test_a_pause_is_any_time_up_to_one_that_doubles_from_40_ms_to_a_second(
    refusals: Refusals, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, float]] = []

    def longest(least: float, most: float) -> float:
        asked.append((least, most))
        return most

    monkeypatch.setattr(random, "uniform", longest)
    refusals.always(CONFLICT)
    with pytest.raises(StoreUnavailable):
        table.put(KEY)
    assert asked == [(0, most) for most in (0.04, 0.08, 0.16, 0.32, 0.64, 1, 1, 1)]


def test_a_condition_that_does_not_hold_is_told_with_what_stood_there(refusals: Refusals) -> None:
    table.put({**KEY, "x": 1})
    with pytest.raises(table.ConditionFailed) as lost:
        table.put(KEY, ConditionExpression=Attr("pk").not_exists(), ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert lost.value.item == {**KEY, "x": 1}
    calls = refusals.calls
    with pytest.raises(table.ConditionFailed):
        table.delete(KEY, ConditionExpression=Attr("x").eq(2))
    assert refusals.calls == calls + 1


def test_a_write_through_the_client_that_never_repeats_still_gives_way(refusals: Refusals) -> None:
    refusals.of(CONFLICT)
    table.update(KEY, once=True, UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": 1})
    assert table.get(KEY) == {**KEY, "x": 1}


ROUTES = [
    ("POST", "/api/email/domains", {"domain": "other.example"}),
    ("PATCH", "/api/email/domains/{id}", {"status": "failed"}),
    ("POST", "/api/keys", {"name": "a"}),
    ("PUT", "/v1/domains/{id}", {"type": "both"}),
    ("POST", "/v1/suppressions", {"email": "pat@example.com"}),
    ("PUT", "/v1/warming/schedules", {"preset": "tiered"}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_no_route_tells_of_a_conflict_that_passes(
    kindling: Kindling, refusals: Refusals, method: str, path: str, body: dict[str, Any]
) -> None:
    domain = kindling.verified_domain()
    refusals.of(*[CONFLICT] * 2)
    reply = kindling.api(method, path.replace("{id}", domain["id"]), body)
    assert reply.status < 300, reply.body


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_table_that_stays_away_is_503_in_the_contracts_shape(
    kindling: Kindling, refusals: Refusals, method: str, path: str, body: dict[str, Any]
) -> None:
    domain = kindling.verified_domain()
    refusals.always(THROTTLE)
    reply = kindling.api(method, path.replace("{id}", domain["id"]), body)
    assert (reply.status, reply.body["error"], reply.headers["Retry-After"]) == (503, "store_unavailable", "1")
    assert set(reply.body) == {"error", "message", "request_id", "retry_after_seconds"}
    assert "X-Request-ID" in reply.headers


def test_a_request_whose_time_is_over_waits_for_no_table(
    kindling: Kindling, refusals: Refusals, steady_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kindling.api("GET", "/api/keys")
    monkeypatch.setitem(FUNCTIONS["ListKeysFunction"], "Timeout", 1)
    refusals.always(THROTTLE)
    began = steady_clock.at
    assert kindling.api("GET", "/api/keys").status == 503
    assert (steady_clock.at - began).total_seconds() <= 2 * table.FIRST_PAUSE_SECONDS
