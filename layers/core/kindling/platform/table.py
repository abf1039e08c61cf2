"""Reads and writes of the DynamoDB table. All other modules access it through these functions.

Calls that are throttled or conflict with a transaction are retried with exponential backoff and full jitter, for up to
WAIT_SECONDS and not beyond the caller's deadline (`clock.deadline`). Every function raises StoreUnavailable when
DynamoDB still refuses the call then, refuses it for another reason, or does not answer.

An item that is put gets the number of the table's shape, SCHEMA, as its attribute `v`. Whoever reads an item sees it in
that shape and without `v`: what `upgrade` registered for older ones is applied to it. Items that only updates made have
no `v` and count as older than any.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from kindling.errors import StoreUnavailable
from kindling.platform import aws, clock
from kindling.platform.observability import logger
from kindling.platform.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

__all__ = ["Attr", "Key"]

Item = dict[str, Any]


class Action(TypedDict, total=False):
    """One action of a transaction, in the form of TransactWriteItems without `TableName`."""

    Put: Item
    Update: Item
    Delete: Item
    ConditionCheck: Item


# The actions that one topic adds to a transaction of another.
Part = list[Action]

# Raised by a release that changes the shape of an item of any kind.
SCHEMA = 1
VERSION = "v"

WAIT_SECONDS = 4.0
FIRST_PAUSE_SECONDS = 0.04
LONGEST_PAUSE_SECONDS = 1.0
BATCH_GET_LIMIT = 100  # keys in one BatchGetItem
TRANSACTION_LIMIT = 100  # actions in one TransactWriteItems

CONDITION_FAILED = "ConditionalCheckFailedException"
TRANSACTION_CANCELED = "TransactionCanceledException"
# The write was not applied, and a retry is likely to succeed.
RETRYABLE = frozenset(
    {
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        # The same conditions as codes in a cancelled transaction's CancellationReasons.
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
    }
)


Upgrade = Callable[[Item], Item]
_upgrades: list[tuple[int, str, str, Upgrade]] = []


def upgrade(to: int, pk: str, sk: str) -> Callable[[Upgrade], Upgrade]:
    """Register what gives items of a kind, whose keys begin with `pk` and `sk`, the shape of version `to`.

    The function gets an item of the version before, perhaps a part of it (an index may hold keys only), and returns it
    in the new shape. It leaves alone what has that shape already, and writes nothing.
    """

    def register(change: Upgrade) -> Upgrade:
        _upgrades.append((to, pk, sk, change))
        _upgrades.sort(key=lambda entry: entry[0])
        return change

    return register


class ConditionFailed(Exception):
    """The condition of a write did not hold.

    `item` is the existing item. It is None when there is none, or when the write did not request it with
    `ReturnValuesOnConditionCheckFailure`.
    """

    def __init__(self, item: Item | None) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class TransactionFailed(Exception):
    """The condition of at least one action of a transaction did not hold.

    `items` has an entry per action: None when its condition held, otherwise the existing item as in
    `ConditionFailed`, with `{}` instead of None.
    """

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("a condition of a transaction did not hold")
        self.items = items


def get(key: dict[str, str]) -> Item | None:
    """The item at a key, by a consistent read; None when there is none."""
    item: Item | None = _with_retries(lambda: aws.table().get_item(Key=key, ConsistentRead=True)).get("Item")
    return _read(item) if item else item


def put(item: Item, **request: Any) -> None:
    """Create or replace an item. Raises ConditionFailed."""
    _with_retries(lambda: aws.table().put_item(Item=_written(item), **request))


def update(key: dict[str, str], *, once: bool = False, waits: bool = True, **request: Any) -> Item:
    """Update an item and return the attributes that `ReturnValues` requests. Raises ConditionFailed.

    `once` is for a write that is not idempotent: it is not retried when its response is lost. With `waits=False` a
    throttled or conflicting write raises StoreUnavailable immediately.
    """
    client: Table = aws.table_without_retries() if once else aws.table()
    response = _with_retries(lambda: client.update_item(Key=key, **request), waits=waits)
    return _read(response.get("Attributes", {}))


def delete(key: dict[str, str], **request: Any) -> None:
    """Delete an item. Raises ConditionFailed."""
    _with_retries(lambda: aws.table().delete_item(Key=key, **request))


def query(**request: Any) -> Any:
    """One page of a query, as DynamoDB's response."""
    page = _with_retries(lambda: aws.table().query(**request))
    return {**page, "Items": [_read(item) for item in page["Items"]]}


def transact(actions: Part, *, token: str = "") -> None:
    """Write all `actions` or none. Raises TransactionFailed when a condition does not hold.

    With a `token` the call is idempotent for ten minutes (ClientRequestToken of TransactWriteItems).
    """
    name = settings().table_name
    writes: list[Item] = [dict(action) for action in actions]
    items: Any = [{kind: {"TableName": name, **_body(kind, body)}} for write in writes for kind, body in write.items()]
    extra: Any = {"ClientRequestToken": token} if token else {}
    client = aws.dynamodb().meta.client
    _with_retries(lambda: client.transact_write_items(TransactItems=items, **extra))


def assigned(put: Item, drop: Iterable[str] = (), *, seen: Item | None = None) -> Item:
    """The arguments of an UpdateItem that sets `put` and removes `drop`, if attributes are still as in `seen`.

    The placeholders of an attribute `x` are `#x` for its name, `:x` for its new value and `:seen_x` for the one seen.
    """
    removed = tuple(drop)
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in put)
    if removed:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
    seen = seen or {}
    values = {f":{name}": value for name, value in put.items()} | {
        f":seen_{name}": value for name, value in seen.items()
    }
    condition = " AND ".join(f"#{name} = :seen_{name}" for name in seen)
    return {
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {f"#{name}": name for name in (*put, *removed, *seen)},
        "ExpressionAttributeValues": values,
        **({"ConditionExpression": condition} if condition else {}),
    }


def change(key: dict[str, str], put: Item, drop: Iterable[str] = ()) -> Item | None:
    """Set `put` and remove `drop` on an existing item and return the new item; None when there is none."""
    changes = assigned(put | {"updated_at": clock.timestamp()}, drop)
    try:
        return update(key, ConditionExpression=Attr("pk").exists(), ReturnValues="ALL_NEW", **changes)
    except ConditionFailed:
        return None


def each(request: Item) -> Iterator[Item]:
    """The items of a query, read page by page as they are taken; a page of DynamoDB has up to 1 MB."""
    while True:
        page = query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def pages(request: Item) -> list[Item]:
    """All items of a query."""
    return list(each(request))


def below(pk: str, prefix: str, **request: Any) -> Iterator[Item]:
    """The items with the partition key and a sort key with the prefix, by consistent reads."""
    where = Key("pk").eq(pk) & Key("sk").begins_with(prefix)
    return each({"KeyConditionExpression": where, "ConsistentRead": True, **request})


def any_below(pk: str, prefix: str) -> bool:
    """Whether any item has the partition key and a sort key with the prefix, by a consistent read."""
    return any(True for _ in below(pk, prefix, Limit=1))


def batch_get(keys: list[dict[str, str]]) -> list[Item | None]:
    """The items at different keys in the order of the keys, by consistent reads; None for a missing one.

    One call reads up to BATCH_GET_LIMIT of them.
    """
    starts = range(0, len(keys), BATCH_GET_LIMIT)
    return [item for start in starts for item in _batch_get(keys[start : start + BATCH_GET_LIMIT])]


def _batch_get(keys: list[dict[str, str]]) -> list[Item | None]:
    name = settings().table_name
    items: dict[tuple[str, str], Item] = {}
    request: Any = {name: {"Keys": keys, "ConsistentRead": True}}
    for pause in _pauses():
        response = _with_retries(partial(aws.dynamodb().batch_get_item, RequestItems=request))
        items |= {(str(item["pk"]), str(item["sk"])): _read(item) for item in response["Responses"].get(name, [])}
        request = response.get("UnprocessedKeys")
        if not request:
            return [items.get((key["pk"], key["sk"])) for key in keys]
        clock.sleep(pause)
    logger.warning("dynamodb did not process all keys of a batch read", seconds=WAIT_SECONDS)
    raise StoreUnavailable(aws.UNAVAILABLE_MESSAGE)


def existing(keys: Iterable[dict[str, str]]) -> Iterator[Item]:
    """The items that exist at any number of keys, each once, by consistent reads."""
    unique = list({(key["pk"], key["sk"]): key for key in keys}.values())
    for start in range(0, len(unique), BATCH_GET_LIMIT):
        yield from filter(None, batch_get(unique[start : start + BATCH_GET_LIMIT]))


def owned(owner: str, **request: Any) -> Iterator[Item]:
    """The items of an owner, newest first; `owner` is `<user_id>#<kind>`. The index is eventually consistent."""
    condition = Key("owner").eq(owner)
    return each({"IndexName": "by_owner", "KeyConditionExpression": condition, "ScanIndexForward": False, **request})


def _written(item: Item) -> Item:
    return {**item, VERSION: SCHEMA}


def _body(kind: str, body: Item) -> Item:
    return {**body, "Item": _written(body["Item"])} if kind == "Put" else body


def _read(item: Item) -> Item:
    """An item, or attributes of one, in the current shape."""
    read = {name: value for name, value in item.items() if name != VERSION}
    for to, pk, sk, change in _upgrades:
        if item.get(VERSION, 0) < to and str(read.get("pk")).startswith(pk) and str(read.get("sk")).startswith(sk):
            read = change(read)
    return read


def _with_retries(call: Callable[[], Any], *, waits: bool = True) -> Any:
    """The response of `call`, retried while its error is retryable and time is left."""
    with aws.available():
        for pause in _pauses():
            try:
                return call()
            except ClientError as error:
                response: Any = error.response
                code, reasons = response["Error"]["Code"], response.get("CancellationReasons", [])
                codes = {reason.get("Code") for reason in reasons} if code == TRANSACTION_CANCELED else {code}
                if code == CONDITION_FAILED:
                    raise ConditionFailed(image(response.get("Item"))) from error
                if "ConditionalCheckFailed" in codes:
                    raise TransactionFailed([_failed_item(reason) for reason in reasons]) from error
                if not waits or not codes & RETRYABLE:
                    raise
            clock.sleep(pause)
    logger.warning("dynamodb retries are exhausted", seconds=WAIT_SECONDS)
    raise StoreUnavailable(aws.UNAVAILABLE_MESSAGE)


def _pauses() -> Iterator[float]:
    """The pauses between attempts in seconds, until time is up."""
    end = clock.monotonic() + clock.left(WAIT_SECONDS)
    longest = FIRST_PAUSE_SECONDS
    while True:
        yield random.uniform(0, longest)  # noqa: S311
        if clock.monotonic() >= end:
            return
        longest = min(2 * longest, LONGEST_PAUSE_SECONDS)


def _failed_item(reason: Item) -> Item | None:
    return (image(reason.get("Item")) or {}) if reason.get("Code") == "ConditionalCheckFailed" else None


def image(item: Any) -> Item | None:
    """An item in DynamoDB's typed JSON, of a stream or an error response, in the current shape; None when empty.

    boto3's resources convert those of successful responses only.
    """
    deserialize: Callable[[Any], Any] = TypeDeserializer().deserialize
    return _read({name: deserialize(value) for name, value in item.items()}) if item else None
