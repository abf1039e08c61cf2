"""Scheduled work: due items are found through a sparse, sharded index and leased by a conditional write.

An item is scheduled while it has `due_shard` and `due_at`, and due once `due_at` has passed. Leasing it moves
`due_at` forward by the lease. The worker reschedules it or removes both attributes when it has finished; if it
does not, the item becomes due again when the lease expires.

A tick takes pages from the shards in turn until nothing is due or its time is over, and leaves the rest to the next
tick: a backlog is drained in the order in which it fell due, and what a tick costs depends on what is due only.
"""

import json
import math
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from kindling.errors import StoreUnavailable
from kindling.platform import aws, clock, parallel, table
from kindling.platform.observability import logger
from kindling.platform.table import Key

SHARDS = 4
PAGE = 1000
SQS_BATCH = 10
LONGEST_DELAY = timedelta(minutes=15)  # for which SQS holds a message back
# As many as botocore keeps connections. One CPU is busy with five.
THREADS = 10
# A tick begins nothing new when less is left: enough for a call to AWS that hangs in all its attempts.
RESERVE_SECONDS = 20.0
# How long a queued item is not queued again: the time for which its queue keeps a message (MessageRetentionPeriod in
# the template), and the longest for which one is hidden while it is worked on (VisibilityTimeout).
LEASE = timedelta(hours=6, minutes=30)

Item = dict[str, str]


def fields(kind: str, identity: str, at: datetime) -> Item:
    """The attributes that schedule an item for `at`. The shard is derived from `identity`, the item's id."""
    return {"due_shard": f"{kind}#{_hash(identity) % SHARDS}", "due_at": clock.timestamp(at)}


FIELDS = ("due_shard", "due_at")


def spread(identity: str, span: timedelta) -> timedelta:
    """A part of `span`, in whole seconds, that is always the same for an item: not all are due at the same moment."""
    return timedelta(seconds=_hash(identity) // SHARDS % int(span.total_seconds()))


def claim(kind: str, lease: timedelta) -> Iterator[Item]:
    """Lease the items of `kind` that are due now, each when it is asked for, and yield their keys.

    Of several concurrent callers only one gets an item. Raises StoreUnavailable.
    """
    for item in _due(kind):
        if _move(item, item["due_at"], clock.timestamp(clock.now() + lease)):
            yield _key(item)


def every(kind: str) -> Iterator[Item]:
    """The keys of all scheduled items of `kind`, due or not.

    The index is eventually consistent: read an item from the table before deciding anything about it.
    """
    for page in _pages([_query(kind, shard) for shard in range(SHARDS)]):
        yield from map(_key, page)


def dispatch(kind: str, queue_url: str) -> int:
    """Lease the due items of `kind`, send their keys to the queue and return how many it accepted.

    An item that the queue does not accept is due again at once. Raises StoreUnavailable.
    """
    sent = 0
    rest: list[Item] = []
    for page in _due_pages(kind):
        items = rest + page
        full = len(items) - len(items) % SQS_BATCH
        sent += _hand_out_all(queue_url, items[:full])
        rest = items[full:]
    return sent + _hand_out_all(queue_url, rest)


def send(queue_url: str, keys: list[Item], pause: timedelta = timedelta(0)) -> None:
    """Send the keys of unscheduled items to the queue, held back for the pause or `LONGEST_DELAY`.

    Raises StoreUnavailable when the queue does not accept all of them; some may have been sent then.
    """
    seconds = math.ceil(min(pause, LONGEST_DELAY).total_seconds())
    if sum(len(_send(queue_url, batch, seconds)) for batch in _batches(keys)) < len(keys):
        raise StoreUnavailable("SQS did not take every message.")


def put_off(key: Item, pause: timedelta = timedelta(0)) -> bool:
    """Make a scheduled item due after `pause`; False when it is not scheduled."""
    try:
        table.update(
            key,
            UpdateExpression="SET due_at = :at",
            ConditionExpression="attribute_exists(due_shard)",
            ExpressionAttributeValues={":at": clock.timestamp(clock.now() + pause)},
        )
    except table.ConditionFailed:
        return False
    return True


def _due(kind: str) -> Iterator[Item]:
    for page in _due_pages(kind):
        for item in page:
            if _time_is_over():
                return
            yield item


def _due_pages(kind: str) -> Iterator[list[Item]]:
    """The items of `kind` that are due now, until the caller's time is over."""
    due_now = Key("due_at").lte(clock.timestamp())
    queries = [_query(kind, shard) for shard in range(SHARDS)]
    for query in queries:
        query["KeyConditionExpression"] &= due_now
    for page in _pages(queries):
        yield page
        if _time_is_over():
            logger.info("the next tick goes on", kind=kind)
            return


def _pages(queries: list[table.Item]) -> Iterator[list[Item]]:
    """A page of each query in turn, until all of them are at their end."""
    while queries:
        query, *queries = queries
        page = table.query(**query)
        if "LastEvaluatedKey" in page:
            queries.append({**query, "ExclusiveStartKey": page["LastEvaluatedKey"]})
        if page["Items"]:
            yield page["Items"]


def _query(kind: str, shard: int) -> table.Item:
    return {"IndexName": "due", "KeyConditionExpression": Key("due_shard").eq(f"{kind}#{shard}"), "Limit": PAGE}


def _time_is_over() -> bool:
    return not clock.has(RESERVE_SECONDS)


def _batches(items: list[Item]) -> list[list[Item]]:
    return [items[start : start + SQS_BATCH] for start in range(0, len(items), SQS_BATCH)]


def _hand_out_all(queue_url: str, items: list[Item]) -> int:
    """Hand out items, `SQS_BATCH` at a time; the number that the queue accepted."""
    # After an error, what has not begun stays due.
    return sum(parallel.after_the_first(partial(_hand_out, queue_url), _batches(items), threads=THREADS))


def _hand_out(queue_url: str, batch: list[Item]) -> int:
    """Lease and send the items of a batch; the number that the queue accepted. The others are due again."""
    expires_at = clock.timestamp(clock.now() + LEASE)
    leased = [item for item in batch if not _time_is_over() and _move(item, item["due_at"], expires_at)]
    if not leased:
        return 0
    accepted: set[int] = set()
    try:
        accepted = _send(queue_url, [_key(item) for item in leased])
    finally:
        for i, item in enumerate(leased):
            if i not in accepted:
                _move(item, expires_at, item["due_at"])
    return len(accepted)


def _move(item: Item, due_at: str, to: str) -> bool:
    """Change when an item is due; False when `due_at` is not current any more."""
    try:
        # Without boto3's conditions: their builder is shared between threads.
        table.update(
            _key(item),
            UpdateExpression="SET due_at = :to",
            ConditionExpression="due_at = :due_at",
            ExpressionAttributeValues={":due_at": due_at, ":to": to},
        )
    except table.ConditionFailed:
        return False
    return True


def _send(queue_url: str, batch: list[Item], seconds: int = 0) -> set[int]:
    """Send up to `SQS_BATCH` keys, held back for so many seconds; the indices of those that the queue accepted."""
    held = {"DelaySeconds": seconds} if seconds else {}
    entries = [{"Id": str(i), "MessageBody": json.dumps(key), **held} for i, key in enumerate(batch)]
    with aws.available():
        answer = aws.sqs().send_message_batch(QueueUrl=queue_url, Entries=entries)  # type: ignore[arg-type]
    return {int(entry["Id"]) for entry in answer.get("Successful", [])}


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _hash(identity: str) -> int:
    return zlib.crc32(identity.encode())
