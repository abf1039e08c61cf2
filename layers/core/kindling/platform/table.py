"""The one door to the table: every read and every write of an item goes through here.

A write that meets a transaction, or a throttled table, waits and tries again, each time for a random part of a longer
pause (full jitter), for WAIT_SECONDS in all and not beyond the caller's deadline (`clock.deadline`). What is refused
then, or not answered, is StoreUnavailable.
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
    """One action of a transaction, under the name of its kind; the table's name is added here."""

    Put: Item
    Update: Item
    Delete: Item
    ConditionCheck: Item


# What one topic adds to a transaction of another.
Part = list[Action]

WAIT_SECONDS = 4.0
FIRST_PAUSE_SECONDS = 0.04
LONGEST_PAUSE_SECONDS = 1.0
BATCH_GET_LIMIT = 100  # keys in one BatchGetItem

CONDITION = "ConditionalCheckFailedException"
CANCELED = "TransactionCanceledException"
# Certainly not carried out, and likely to be so a moment later.
PASSING = frozenset(
    {
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        # The same, as the reasons of a cancelled transaction name them.
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
    }
)


class ConditionFailed(Exception):
    """A conditional write met another state; `item` is what stood there, None when nothing did or nobody asked."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class TransactionFailed(Exception):
    """A transaction was cancelled by a condition; `items` has, per action, what stood in its way.

    An action whose condition held has `None`; one that failed has the item found, `{}` when there was none.
    """

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("a condition of a transaction did not hold")
        self.items = items


def get(key: dict[str, str]) -> Item | None:
    """The item at a key as it stands at this moment. Raises StoreUnavailable, as everything here does."""
    item: Item | None = _patiently(lambda: aws.table().get_item(Key=key, ConsistentRead=True)).get("Item")
    return item


def put(item: Item, **request: Any) -> None:
    """Write an item. Raises ConditionFailed."""
    _patiently(lambda: aws.table().put_item(Item=item, **request))


def update(key: dict[str, str], *, once: bool = False, waits: bool = True, **request: Any) -> Item:
    """Change an item; what ReturnValues asks for. Raises ConditionFailed.

    `once` is for a write that must not happen twice: no part of the SDK repeats it when its answer is lost. `waits`
    is False where the caller has something better to do than to wait for a throttled table.
    """
    through: Table = aws.table_without_retries() if once else aws.table()
    answer = _patiently(lambda: through.update_item(Key=key, **request), waits=waits)
    return dict(answer.get("Attributes", {}))


def delete(key: dict[str, str], **request: Any) -> None:
    """Delete an item. Raises ConditionFailed."""
    _patiently(lambda: aws.table().delete_item(Key=key, **request))


def query(**request: Any) -> Any:
    """One page of a query, as DynamoDB answers it."""
    return _patiently(lambda: aws.table().query(**request))


def transact(actions: Part, *, token: str = "") -> None:
    """Write `actions` all or not at all; `token` makes a repeat within ten minutes harmless.

    Raises TransactionFailed when a condition does not hold.
    """
    name = settings().table_name
    writes: list[Item] = [dict(action) for action in actions]
    named: Any = [{verb: {"TableName": name, **body}} for write in writes for verb, body in write.items()]
    extra: Any = {"ClientRequestToken": token} if token else {}
    client = aws.dynamodb().meta.client
    _patiently(lambda: client.transact_write_items(TransactItems=named, **extra))


def assigned(put: Item, drop: Iterable[str] = ()) -> Item:
    """The part of an UpdateItem that sets `put` and removes `drop`; attribute `x` is `#x` there, its new value `:x`."""
    removed = tuple(drop)
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in put)
    if removed:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
    return {
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {f"#{name}": name for name in (*put, *removed)},
        "ExpressionAttributeValues": {f":{name}": value for name, value in put.items()},
    }


def change(key: dict[str, str], put: Item, drop: Iterable[str] = ()) -> Item | None:
    """Set `put` and remove `drop` on an item that exists; the item then, None when there is none."""
    changes = assigned(put | {"updated_at": clock.timestamp()}, drop)
    try:
        return update(key, ConditionExpression=Attr("pk").exists(), ReturnValues="ALL_NEW", **changes)
    except ConditionFailed:
        return None


def pages(request: Item) -> list[Item]:
    """All items of a query, page after page."""
    items: list[Item] = []
    while True:
        page = query(**request)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def batch_get(keys: list[dict[str, str]]) -> list[Item | None]:
    """The items at up to 100 keys as they stand at this moment, in the keys' order; None where there is none."""
    name = settings().table_name
    found: dict[tuple[str, str], Item] = {}
    wanted: Any = {name: {"Keys": keys, "ConsistentRead": True}}
    for pause in _pauses():
        answer = _patiently(partial(aws.dynamodb().batch_get_item, RequestItems=wanted))
        found |= {(str(item["pk"]), str(item["sk"])): item for item in answer["Responses"].get(name, [])}
        wanted = answer.get("UnprocessedKeys")
        if not wanted:
            return [found.get((key["pk"], key["sk"])) for key in keys]
        clock.sleep(pause)
    logger.warning("dynamodb left a part of a read undone", seconds=WAIT_SECONDS)
    raise StoreUnavailable(aws.AWAY)


def existing(keys: Iterable[dict[str, str]]) -> Iterator[Item]:
    """The items that stand at any number of keys, each once and as it is at this moment."""
    wanted = list({(key["pk"], key["sk"]): key for key in keys}.values())
    for start in range(0, len(wanted), BATCH_GET_LIMIT):
        yield from filter(None, batch_get(wanted[start : start + BATCH_GET_LIMIT]))


def owned(owner: str) -> list[Item]:
    """All items of one owner and kind (`<user_id>#<kind>`), newest first."""
    where = Key("owner").eq(owner)
    return pages({"IndexName": "by_owner", "KeyConditionExpression": where, "ScanIndexForward": False})


def _patiently(call: Callable[[], Any], *, waits: bool = True) -> Any:
    """The answer of a call, made again while it is in the way of others and there is time."""
    with aws.available():
        for pause in _pauses():
            try:
                return call()
            except ClientError as error:
                refusal: Any = error.response
                code, reasons = refusal["Error"]["Code"], refusal.get("CancellationReasons", [])
                codes = {reason.get("Code") for reason in reasons} if code == CANCELED else {code}
                if code == CONDITION:
                    raise ConditionFailed(_plain(refusal.get("Item"))) from error
                if "ConditionalCheckFailed" in codes:
                    raise TransactionFailed([_blocker(reason) for reason in reasons]) from error
                if not waits or not codes & PASSING:
                    raise
            clock.sleep(pause)
    logger.warning("dynamodb stayed busy", seconds=WAIT_SECONDS)
    raise StoreUnavailable(aws.AWAY)


def _pauses() -> Iterator[float]:
    """A pause after each try, as long as there is time for another one."""
    end = clock.monotonic() + clock.left(WAIT_SECONDS)
    longest = FIRST_PAUSE_SECONDS
    while True:
        yield random.uniform(0, longest)  # noqa: S311
        if clock.monotonic() >= end:
            return
        longest = min(2 * longest, LONGEST_PAUSE_SECONDS)


def _blocker(reason: Item) -> Item | None:
    return (_plain(reason.get("Item")) or {}) if reason.get("Code") == "ConditionalCheckFailed" else None


def _plain(item: Any) -> Item | None:
    """An error carries its item in the wire's form even through the resource interface."""
    read: Callable[[Any], Any] = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()} if item else None
