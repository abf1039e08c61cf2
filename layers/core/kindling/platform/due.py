"""Scheduled work: due items are found through a sparse, sharded index and leased by a conditional write.

An item is scheduled while it has `due_shard` and `due_at`, and due once `due_at` has passed. Claiming it moves
`due_at` forward by the lease. The worker reschedules it or removes both attributes when it has finished; if it
does not, the item becomes due again when the lease expires.
"""

import json
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from kindling.errors import StoreUnavailable
from kindling.platform import aws, clock, table
from kindling.platform.table import Attr, Key

SHARDS = 4
PAGE = 100
SQS_BATCH = 10

Item = dict[str, str]


def fields(kind: str, identity: str, at: datetime) -> Item:
    """The attributes that schedule an item for `at`. The shard is derived from `identity`, the item's id."""
    return {"due_shard": f"{kind}#{zlib.crc32(identity.encode()) % SHARDS}", "due_at": clock.timestamp(at)}


FIELDS = ("due_shard", "due_at")


def claim(kind: str, lease: timedelta) -> Iterator[Item]:
    """Lease the items of `kind` that are due now and yield their keys.

    Of several concurrent callers only one gets an item. Raises StoreUnavailable.
    """
    now = clock.timestamp()
    for shard in range(SHARDS):
        condition = Key("due_shard").eq(f"{kind}#{shard}") & Key("due_at").lte(now)
        query = {"IndexName": "due", "KeyConditionExpression": condition, "Limit": PAGE}
        for item in table.pages(query):
            key = {"pk": str(item["pk"]), "sk": str(item["sk"])}
            if _lease(key, str(item["due_at"]), clock.timestamp(clock.now() + lease)):
                yield key


def every(kind: str) -> Iterator[Item]:
    """The keys of all scheduled items of `kind`, due or not.

    The index is eventually consistent: read an item from the table before deciding anything about it.
    """
    for shard in range(SHARDS):
        condition = Key("due_shard").eq(f"{kind}#{shard}")
        query = {"IndexName": "due", "KeyConditionExpression": condition}
        yield from ({"pk": str(item["pk"]), "sk": str(item["sk"])} for item in table.pages(query))


def dispatch(kind: str, queue_url: str, lease: timedelta) -> int:
    """Lease the due items of `kind`, send their keys to the queue and return how many it accepted.

    An item that the queue does not accept becomes due again when its lease expires.
    """
    sent = 0
    batch: list[Item] = []
    for key in claim(kind, lease):
        batch.append(key)
        if len(batch) == SQS_BATCH:
            sent += _send(queue_url, batch)
            batch = []
    return sent + (_send(queue_url, batch) if batch else 0)


def send(queue_url: str, keys: list[Item]) -> None:
    """Send the keys of unscheduled items to the queue.

    Raises StoreUnavailable when the queue does not accept all of them; some may have been sent then.
    """
    accepted = sum(_send(queue_url, keys[i : i + SQS_BATCH]) for i in range(0, len(keys), SQS_BATCH))
    if accepted < len(keys):
        raise StoreUnavailable("SQS did not take every message.")


def _lease(key: Item, due_at: str, expires_at: str) -> bool:
    try:
        table.update(
            key,
            UpdateExpression="SET due_at = :expires_at",
            ConditionExpression=Attr("due_at").eq(due_at),
            ExpressionAttributeValues={":expires_at": expires_at},
        )
    except table.ConditionFailed:
        return False
    return True


def _send(queue_url: str, batch: list[Item]) -> int:
    entries = [{"Id": str(i), "MessageBody": json.dumps(key)} for i, key in enumerate(batch)]
    with aws.available():
        answer = aws.sqs().send_message_batch(QueueUrl=queue_url, Entries=entries)  # type: ignore[arg-type]
    return len(answer.get("Successful", []))
