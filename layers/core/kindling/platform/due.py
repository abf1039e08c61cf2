"""Work that falls due: found through one sparse, sharded index, handed out once by a conditional write.

An item is due while it has `due_shard` and `due_at`. A claim moves `due_at` forward by a lease: whoever claimed
it either finishes and sets or drops `due_at`, or dies, and the item falls due again when the lease ends.
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
    """The attributes that make an item due at `at`; the shard follows from the item's id."""
    return {"due_shard": f"{kind}#{zlib.crc32(identity.encode()) % SHARDS}", "due_at": clock.timestamp(at)}


FIELDS = ("due_shard", "due_at")


def claim(kind: str, lease: timedelta) -> Iterator[Item]:
    """The keys of every item of `kind` that is due now, each claimed for `lease` by this caller alone."""
    now = clock.timestamp()
    for shard in range(SHARDS):
        where = Key("due_shard").eq(f"{kind}#{shard}") & Key("due_at").lte(now)
        query = {"IndexName": "due", "KeyConditionExpression": where, "Limit": PAGE}
        for item in table.pages(query):
            key = {"pk": str(item["pk"]), "sk": str(item["sk"])}
            if _take(key, str(item["due_at"]), clock.timestamp(clock.now() + lease)):
                yield key


def every(kind: str) -> Iterator[Item]:
    """The keys of every item of `kind` that is due now or later. The index lags: read an item before you judge it."""
    for shard in range(SHARDS):
        where = Key("due_shard").eq(f"{kind}#{shard}")
        query = {"IndexName": "due", "KeyConditionExpression": where}
        yield from ({"pk": str(item["pk"]), "sk": str(item["sk"])} for item in table.pages(query))


def dispatch(kind: str, queue_url: str, lease: timedelta) -> int:
    """Claim what is due and send each item's key to the queue; the number sent.

    A send that fails loses nothing: the lease ends and the item falls due again.
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
    """Send keys to the queue, for work that does not fall due again by itself.

    Raises StoreUnavailable unless the queue took them all.
    """
    taken = sum(_send(queue_url, keys[i : i + SQS_BATCH]) for i in range(0, len(keys), SQS_BATCH))
    if taken < len(keys):
        raise StoreUnavailable("SQS did not take every message.")


def _take(key: Item, seen: str, until: str) -> bool:
    try:
        table.update(
            key,
            UpdateExpression="SET due_at = :until",
            ConditionExpression=Attr("due_at").eq(seen),
            ExpressionAttributeValues={":until": until},
        )
    except table.ConditionFailed:
        return False
    return True


def _send(queue_url: str, batch: list[Item]) -> int:
    entries = [{"Id": str(i), "MessageBody": json.dumps(key)} for i, key in enumerate(batch)]
    with aws.available():
        answer = aws.sqs().send_message_batch(QueueUrl=queue_url, Entries=entries)  # type: ignore[arg-type]
    return len(answer.get("Successful", []))
