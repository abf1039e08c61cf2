"""Due work: claimed once, again when its lease ends, not read before it is due, and left to the next tick in time."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from kindling.errors import StoreUnavailable
from kindling.platform import aws, clock, due
from kindling.platform.settings import settings
from tests.conftest import Clock

LEASE = timedelta(minutes=5)
KIND = "verification"

pytestmark = pytest.mark.usefixtures("cloud", "steady_clock")


def put(*names: str, kind: str = KIND, minutes: float = 0) -> None:
    """Write items that are due in the given minutes."""
    for name in names:
        at = clock.now() + timedelta(minutes=minutes)
        aws.table().put_item(Item={"pk": "TENANT#u", "sk": name, **due.fields(kind, name, at)})


def item(name: str) -> dict[str, Any]:
    return aws.table().get_item(Key={"pk": "TENANT#u", "sk": name})["Item"]


def claimed(kind: str = KIND) -> list[str]:
    return sorted(key["sk"] for key in due.claim(kind, LEASE))


def numbered(count: int) -> list[str]:
    return [f"item-{number:03}" for number in range(count)]


def messages() -> list[list[dict[str, str]]]:
    """The messages in the queue, by send."""
    found = []
    url = settings().verifications_queue_url
    while batch := aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found.append([json.loads(message["Body"]) for message in batch])
        for message in batch:
            aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@pytest.fixture
def asked() -> Iterator[list[tuple[str, Any]]]:
    """The name and answer of every call to DynamoDB and SQS."""
    seen: list[tuple[str, Any]] = []

    def note(model: Any, parsed: Any, **_: Any) -> None:
        seen.append((model.name, parsed))

    emitters = [aws.table().meta.client.meta.events, aws.sqs().meta.events]
    for events in emitters:
        events.register("after-call", note)
    yield seen
    for events in emitters:
        events.unregister("after-call", note)


def once_before(call: str, act: Callable[[], object]) -> None:
    """Run `act` right before the next DynamoDB call of that name."""
    events = aws.table().meta.client.meta.events

    def run(**_: Any) -> None:
        events.unregister(f"before-call.dynamodb.{call}", run)
        act()

    events.register(f"before-call.dynamodb.{call}", run)


def test_what_is_due_is_handed_out_once() -> None:
    put(*numbered(7))
    assert claimed() == numbered(7)
    assert claimed() == []


def test_the_shards_share_the_work() -> None:
    shards = [due.fields(KIND, name, clock.now())["due_shard"] for name in numbered(200)]
    assert set(shards) == {f"{KIND}#{number}" for number in range(due.SHARDS)}
    assert all(shards.count(shard) > 25 for shard in set(shards))


def test_an_item_stays_in_its_shard() -> None:
    first, again = (due.fields(KIND, "item", clock.now() + timedelta(days=days)) for days in (0, 9))
    assert first["due_shard"] == again["due_shard"]
    assert set(first) == set(due.FIELDS)


def test_work_is_due_from_its_very_moment_on(steady_clock: Clock) -> None:
    put("a", minutes=1)
    steady_clock.advance(seconds=59.999)
    assert claimed() == []
    steady_clock.advance(seconds=0.001)
    assert claimed() == ["a"]


def test_a_lease_that_ends_hands_the_item_out_again(steady_clock: Clock) -> None:
    put("a")
    assert claimed() == ["a"]
    steady_clock.advance(seconds=LEASE.total_seconds() - 1)
    assert claimed() == []
    steady_clock.advance(seconds=1)
    assert claimed() == ["a"]


def test_an_item_that_is_finished_is_never_handed_out_again(steady_clock: Clock) -> None:
    put("a")
    claimed()
    aws.table().update_item(Key={"pk": "TENANT#u", "sk": "a"}, UpdateExpression="REMOVE due_at, due_shard")
    steady_clock.advance(days=1)
    assert claimed() == []


def test_a_kind_is_handed_out_for_itself() -> None:
    put("a")
    put("b", kind="operation")
    assert claimed("operation") == ["b"]
    assert claimed() == ["a"]


def test_of_two_claims_at_once_each_item_goes_to_one() -> None:
    put(*numbered(12))
    other: list[str] = []
    # The other poller reads and claims everything between the first one's read and its first claim.
    once_before("UpdateItem", lambda: other.extend(claimed()))
    mine = claimed()
    assert sorted([*mine, *other]) == numbered(12)
    assert other


def test_two_claims_that_take_turns_share_the_items() -> None:
    put(*numbered(12))
    claims = [due.claim(KIND, LEASE), due.claim(KIND, LEASE)]
    taken: list[list[str]] = [[], []]
    running = [0, 1]
    while running:
        for turn in list(running):
            key = next(claims[turn], None)
            if key is None:
                running.remove(turn)
            else:
                taken[turn].append(key["sk"])
    assert sorted(taken[0] + taken[1]) == numbered(12)
    assert all(taken)


def test_an_item_that_was_put_off_meanwhile_is_not_handed_out(steady_clock: Clock) -> None:
    put("a")
    once_before("UpdateItem", lambda: put("a", minutes=60))
    assert claimed() == []
    assert item("a")["due_at"] == clock.timestamp(clock.now() + timedelta(minutes=60))


def test_an_item_that_was_deleted_meanwhile_is_not_made_again() -> None:
    put("a")
    once_before("UpdateItem", lambda: aws.table().delete_item(Key={"pk": "TENANT#u", "sk": "a"}))
    assert claimed() == []
    assert "Item" not in aws.table().get_item(Key={"pk": "TENANT#u", "sk": "a"})


def test_a_claim_changes_nothing_but_when_the_item_is_due() -> None:
    aws.table().put_item(
        Item={"pk": "TENANT#u", "sk": "a", "status": "verifying", **due.fields(KIND, "a", clock.now())}
    )
    before = item("a")
    claimed()
    assert item("a") == before | {"due_at": clock.timestamp(clock.now() + LEASE)}


def test_what_is_not_due_is_not_read(asked: list[tuple[str, Any]]) -> None:
    put(*numbered(30), minutes=1)
    put("now")
    asked.clear()
    assert claimed() == ["now"]
    queries = [answer for name, answer in asked if name == "Query"]
    assert sum(answer["ScannedCount"] for answer in queries) == 1
    assert [name for name, _ in asked if name != "Query"] == ["UpdateItem"]


def test_more_than_a_page_is_read_page_by_page(asked: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "PAGE", 3)
    put(*numbered(25))
    asked.clear()
    assert claimed() == numbered(25)
    assert all(len(answer["Items"]) <= 3 for name, answer in asked if name == "Query")


def test_keys_are_sent_in_batches_of_ten(asked: list[tuple[str, Any]]) -> None:
    put(*numbered(23))
    asked.clear()
    assert due.dispatch(KIND, settings().verifications_queue_url) == 23
    sends = [answer["Successful"] for name, answer in asked if name == "SendMessageBatch"]
    assert [len(sent) for sent in sends] == [10, 10, 3]
    sent = [key for batch in messages() for key in batch]
    assert sorted(key["sk"] for key in sent) == numbered(23)
    assert all(set(key) == {"pk", "sk"} for key in sent)


def test_nothing_due_is_nothing_sent(asked: list[tuple[str, Any]]) -> None:
    put(*numbered(3), minutes=1)
    asked.clear()
    assert due.dispatch(KIND, settings().verifications_queue_url) == 0
    assert {name for name, _ in asked} == {"Query"}


def test_exactly_ten_are_one_send(asked: list[tuple[str, Any]]) -> None:
    put(*numbered(10))
    asked.clear()
    assert due.dispatch(KIND, settings().verifications_queue_url) == 10
    assert [name for name, _ in asked].count("SendMessageBatch") == 1


def test_work_that_does_not_fall_due_again_is_refused_when_the_queue_does_not_take_it() -> None:
    url = settings().verifications_queue_url
    due.send(url, [{"pk": str(number), "sk": "x"} for number in range(12)])
    taken = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    assert len(taken) == 10
    events = aws.sqs().meta.events

    def lose_one(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Successful"] = parsed["Successful"][1:]

    events.register("after-call.sqs.SendMessageBatch", lose_one)
    try:
        with pytest.raises(StoreUnavailable):
            due.send(url, [{"pk": "1", "sk": "x"}])
    finally:
        events.unregister("after-call.sqs.SendMessageBatch", lose_one)


def test_what_the_queue_does_not_take_is_due_again_at_once() -> None:
    put(*numbered(23), minutes=-1)
    before = {name: item(name) for name in numbered(23)}
    with pytest.raises(StoreUnavailable):
        due.dispatch(KIND, settings().verifications_queue_url + "-gone")
    assert {name: item(name) for name in numbered(23)} == before
    assert due.dispatch(KIND, settings().verifications_queue_url) == 23


def test_of_a_batch_only_what_the_queue_does_not_take_is_due_again() -> None:
    put(*numbered(5))
    events = aws.sqs().meta.events

    def lose_one(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Successful"] = parsed["Successful"][1:]

    events.register("after-call.sqs.SendMessageBatch", lose_one)
    try:
        assert due.dispatch(KIND, settings().verifications_queue_url) == 4
    finally:
        events.unregister("after-call.sqs.SendMessageBatch", lose_one)
    assert due.dispatch(KIND, settings().verifications_queue_url) == 1


def test_a_tick_begins_nothing_when_too_little_time_is_left_for_it() -> None:
    put(*numbered(23))
    url = settings().verifications_queue_url
    # A second of the caller's time is kept for its answer.
    with clock.deadline(20.999):
        assert (due.dispatch(KIND, url), claimed()) == (0, [])
    with clock.deadline(21):
        assert due.dispatch(KIND, url) == 23


def test_a_tick_stops_in_the_middle_of_a_page_and_the_next_one_goes_on(steady_clock: Clock) -> None:
    put(*numbered(40))
    events = aws.table().meta.client.meta.events

    def pass_time(**_: Any) -> None:
        steady_clock.advance(seconds=1)

    events.register("before-call.dynamodb.UpdateItem", pass_time)
    try:
        with clock.deadline(21 + 16.5):
            assert due.dispatch(KIND, settings().verifications_queue_url) == 17
        with clock.deadline(21 + 4.5):
            assert len(claimed()) == 5
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", pass_time)
    assert due.dispatch(KIND, settings().verifications_queue_url) == 18
    sent = sorted(key["sk"] for batch in messages() for key in batch)
    assert len(sent) == len(set(sent)) == 35


def test_shards_take_turns_so_that_none_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "PAGE", 2)
    put(*numbered(60))
    shards = [due.fields(KIND, key["sk"], clock.now())["due_shard"] for key in due.claim(KIND, LEASE)]
    assert len(shards) == 60
    in_turn = [f"{KIND}#{number}" for number in range(due.SHARDS) for _ in range(2)]
    assert shards[:16] == [*in_turn, *in_turn]


def test_an_item_is_leased_when_it_is_asked_for_and_not_before(asked: list[tuple[str, Any]]) -> None:
    put(*numbered(9))
    asked.clear()
    claims = due.claim(KIND, LEASE)
    assert asked == []
    next(claims)
    assert [name for name, _ in asked].count("UpdateItem") == 1
    claims.close()  # type: ignore[attr-defined]
    assert len(claimed()) == 8


def test_scheduled_items_are_listed_page_by_page(asked: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "PAGE", 3)
    put(*numbered(25), minutes=60)
    asked.clear()
    found = due.every(KIND)
    next(found)
    assert len(asked) == 1
    assert len([*found]) == 24


def test_an_item_that_is_put_off_is_due_after_the_pause_and_an_unscheduled_one_never(steady_clock: Clock) -> None:
    put("a")
    assert due.put_off({"pk": "TENANT#u", "sk": "a"}, timedelta(minutes=1))
    steady_clock.advance(seconds=59.999)
    assert claimed() == []
    steady_clock.advance(seconds=0.001)
    assert claimed() == ["a"]
    assert due.put_off({"pk": "TENANT#u", "sk": "a"})
    assert claimed() == ["a"]
    assert not due.put_off({"pk": "TENANT#u", "sk": "b"})
    assert "Item" not in aws.table().get_item(Key={"pk": "TENANT#u", "sk": "b"})


def test_moments_are_spread_evenly_over_a_span_in_every_shard_and_always_the_same() -> None:
    hour = timedelta(hours=1)
    moments = {name: due.spread(name, hour) for name in numbered(960)}
    assert moments == {name: due.spread(name, hour) for name in moments}
    assert min(moments.values()) >= timedelta(0)
    assert max(moments.values()) < hour
    for shard in range(due.SHARDS):
        quarters = [
            int(moment / timedelta(minutes=15))
            for name, moment in moments.items()
            if due.fields(KIND, name, clock.now())["due_shard"].endswith(f"#{shard}")
        ]
        assert min(quarters.count(quarter) for quarter in range(4)) > 30
        seconds = {
            due.spread(name, timedelta(seconds=due.SHARDS))
            for name in moments
            if due.fields(KIND, name, clock.now())["due_shard"].endswith(f"#{shard}")
        }
        assert len(seconds) == due.SHARDS
    # The first and the last second of a span are possible, and the span's end is not.
    assert {due.spread(name, timedelta(seconds=2)) for name in moments} == {timedelta(0), timedelta(seconds=1)}
