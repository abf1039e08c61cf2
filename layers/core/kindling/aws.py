"""The only place where AWS clients are made; every one is made at first use and kept."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import ClientError

from kindling import clock
from kindling.errors import StoreUnavailable
from kindling.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource, Table
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_stepfunctions.client import SFNClient

__all__ = ["Attr", "Key"]

SECRET_SECONDS = 300
# A transaction that meets another one on an item gives way; all waits together are about four seconds.
CONFLICT_TRIES = 8

FETCHED = 100  # keys in one BatchGetItem

# Short timeouts: a call that hangs must leave the caller time to answer, and every write here is repeatable.
_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})


class ConditionFailed(Exception):
    """A conditional write met another state; `item` is what stood there, None when nothing did."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class TransactionFailed(Exception):
    """A transaction was cancelled by a condition; `items` has, per action, what stood in its way.

    An action whose condition held has `None`; one that failed has the item found, `{}` when there was none.
    """

    def __init__(self, items: list[dict[str, Any] | None]) -> None:
        super().__init__("a condition of a transaction did not hold")
        self.items = items


@cache
def dynamodb() -> DynamoDBServiceResource:
    return boto3.resource("dynamodb", config=_CONFIG)


@cache
def table() -> Table:
    """The one table."""
    return dynamodb().Table(settings().table_name)


@cache
def unrepeated() -> Table:
    """The table through a client that never repeats a call: for a write that must not happen twice.

    Its failures are unclear, and are raised.
    """
    config = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
    return boto3.resource("dynamodb", config=config).Table(settings().table_name)


@cache
def records() -> DynamoDBClient:
    """A client in the wire's own form, for libraries that bring their items in it."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def stepfunctions() -> SFNClient:
    return boto3.client("stepfunctions", config=_CONFIG)


@cache
def sqs() -> SQSClient:
    return boto3.client("sqs", config=_CONFIG)


@cache
def secrets() -> SecretsManagerClient:
    return boto3.client("secretsmanager", config=_CONFIG)


_secrets: dict[str, tuple[float, str]] = {}


def secret(arn: str) -> str:
    """A secret's text, kept in memory for `SECRET_SECONDS` so that a rotated key is picked up."""
    kept = _secrets.get(arn)
    if kept is None or kept[0] < clock.monotonic():
        text = secrets().get_secret_value(SecretId=arn)["SecretString"].strip()
        kept = _secrets[arn] = (clock.monotonic() + SECRET_SECONDS, text)
    return kept[1]


@contextmanager
def conditional() -> Iterator[None]:
    """Turn a failed condition of the write inside into `ConditionFailed`."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        raise ConditionFailed(_plain(error.response.get("Item"))) from error


def transact(actions: list[dict[str, Any]], *, token: str = "") -> None:
    """Write `actions` all or not at all; `token` makes a repeat within ten minutes harmless.

    Raises TransactionFailed when a condition does not hold. Contention with another transaction is retried.
    """
    named = [{verb: {"TableName": settings().table_name, **body}} for a in actions for verb, body in a.items()]
    for attempt in range(CONFLICT_TRIES):
        try:
            extra = {"ClientRequestToken": token} if token else {}
            dynamodb().meta.client.transact_write_items(TransactItems=named, **extra)  # type: ignore[arg-type]
        except ClientError as error:
            reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
            codes = {reason.get("Code") for reason in reasons}
            if "ConditionalCheckFailed" in codes:
                raise TransactionFailed([_blocker(reason) for reason in reasons]) from error
            if "TransactionConflict" not in codes or attempt == CONFLICT_TRIES - 1:
                raise
            clock.sleep(random.uniform(0.02, 0.04) * 2**attempt)  # noqa: S311
        else:
            return


def _blocker(reason: dict[str, Any]) -> dict[str, Any] | None:
    return (_plain(reason.get("Item")) or {}) if reason.get("Code") == "ConditionalCheckFailed" else None


def _plain(item: Any) -> dict[str, Any] | None:
    """An error carries its item in the wire's form even through the resource interface."""
    read: Callable[[Any], Any] = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()} if item else None


def assigned(put: dict[str, Any], drop: Iterable[str] = ()) -> dict[str, Any]:
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


def change(key: dict[str, str], put: dict[str, Any], drop: Iterable[str] = ()) -> dict[str, Any] | None:
    """Set `put` and remove `drop` on an item that exists; the item then, None when there is none."""
    try:
        with conditional():
            answer = table().update_item(
                Key=key,
                ConditionExpression=Attr("pk").exists(),
                ReturnValues="ALL_NEW",
                **assigned(put | {"updated_at": clock.timestamp()}, drop),
            )
    except ConditionFailed:
        return None
    return answer["Attributes"]


def pages(query: dict[str, Any]) -> list[dict[str, Any]]:
    """All items of a query, page after page."""
    items: list[dict[str, Any]] = []
    while True:
        page = table().query(**query)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        query = {**query, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def fetch(keys: list[dict[str, str]]) -> list[dict[str, Any] | None]:
    """The items at up to 100 keys as they stand at this moment, in the keys' order; None where there is none."""
    name = settings().table_name
    found: dict[tuple[str, str], dict[str, Any]] = {}
    wanted: Any = {name: {"Keys": keys, "ConsistentRead": True}}
    for attempt in range(5):
        answer = dynamodb().batch_get_item(RequestItems=wanted)
        found |= {(str(item["pk"]), str(item["sk"])): item for item in answer["Responses"].get(name, [])}
        wanted = answer.get("UnprocessedKeys")
        if not wanted:
            return [found.get((key["pk"], key["sk"])) for key in keys]
        clock.sleep(0.05 * 2**attempt)
    raise StoreUnavailable("DynamoDB left a part of a read undone.")


def standing(keys: Iterable[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """The items that stand at any number of keys, each once and as it is at this moment."""
    wanted = list({(key["pk"], key["sk"]): key for key in keys}.values())
    for start in range(0, len(wanted), FETCHED):
        yield from filter(None, fetch(wanted[start : start + FETCHED]))


def owned(owner: str) -> list[dict[str, Any]]:
    """All items of one owner and kind (`<user_id>#<kind>`), newest first."""
    return pages(
        {
            "IndexName": "by_owner",
            "KeyConditionExpression": Key("owner").eq(owner),
            "ScanIndexForward": False,
        }
    )
