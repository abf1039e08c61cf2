"""Makes DynamoDB in moto fast: most of the time of the in-process tests is spent in its calls.

A call reaches moto without being signed, sent as HTTP and serialized, unless moto refuses it. Private parts of moto,
which is pinned, are replaced by ones that do the same: an expression is parsed once per run, a transaction's backup
shares the rows and the partitions that it leaves alone, and a query without an index looks at its partition only.
"""

import copy
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import botocore.handlers
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.exceptions import HTTPException, ServiceException
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler

from kindling.platform import aws

OPERATIONS = frozenset(
    {"BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactWriteItems", "UpdateItem"}
)
CONTAINERS = frozenset({"L", "M", "SS", "NS", "BS"})


@contextmanager
def calls() -> Iterator[list[str]]:
    """The names of the calls to DynamoDB that are made in the block."""
    seen: list[str] = []
    events = aws.table().meta.client.meta.events
    note = lambda model, **_: seen.append(model.name)  # noqa: E731
    events.register("before-call.dynamodb", note)
    try:
        yield seen
    finally:
        events.unregister("before-call.dynamodb", note)


def answer(account: str, region: str) -> Any:
    """A handler of `before-call`, which returns the response of an operation or None to have it sent."""

    def call(model: Any, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        if model.service_model.service_name != "dynamodb" or model.name not in OPERATIONS:
            return None
        handler = DynamoHandler()
        handler.current_account, handler.region = account, region
        handler.body = json.loads(params["body"])
        try:
            result: Any = getattr(handler, xform_name(model.name))().result
        except (HTTPException, ServiceException):
            # It has changed nothing, and moto's own way makes the error response of it.
            return None
        members = model.output_shape.members
        parsed = {name: value for name, value in result.items() if name in members and value is not None}
        parsed["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
        return AWSResponse(params["url"], 200, HTTPHeaders(), None), parsed

    return call


def install(patch: pytest.MonkeyPatch, account: str, region: str) -> None:
    """Apply the patches. Clients that exist already keep sending their calls."""
    # The least specific and last handler: those of tests, which note, delay or fail calls, run before it.
    ours = ("before-call", answer(account, region), botocore.handlers.REGISTER_LAST)
    patch.setattr(botocore.handlers, "BUILTIN_HANDLERS", [*botocore.handlers.BUILTIN_HANDLERS, ours])
    patch.setattr(UpdateExpressionParser, "make", staticmethod(cache(UpdateExpressionParser.make)))
    patch.setattr(ConditionExpressionParser, "_lex_condition_expression", _lex)
    patch.setattr(Node, "__deepcopy__", _copy_node, raising=False)
    patch.setattr(DepthFirstTraverser, "traverse", _traverse)
    patch.setattr(DynamoType, "__deepcopy__", _copy_value)
    patch.setattr(DynamoType, "cast_value", property(_cast))
    patch.setattr(Item, "__deepcopy__", _copy_row)
    patch.setattr(Table, "__deepcopy__", _copy_table, raising=False)
    patch.setattr(Table, "query", _query_partition)
    patch.setattr(DynamoDBBackend, "update_item", _update_copy)
    patch.setattr(DynamoDBBackend, "transact_write_items", _transact)


_lex_uncached = ConditionExpressionParser._lex_condition_expression
_cast_other: Any = DynamoType.cast_value
_update_in_place = DynamoDBBackend.update_item
_query_all = Table.query
_transact_all = DynamoDBBackend.transact_write_items
# The partitions that the transaction which is being carried out may change.
_touched: set[str] = set()


@cache
def _lexed(expression: str) -> Any:
    return _lex_uncached(ConditionExpressionParser(expression, None, None))


def _lex(self: ConditionExpressionParser) -> Any:
    return copy.copy(_lexed(self.condition_expression or ""))


def _copy_node(self: Any, memo: dict[int, Any]) -> Any:
    copied = object.__new__(type(self))
    copied.__dict__.update(self.__dict__)
    if self.children is not None:
        copied.children = [copy.deepcopy(child, memo) if isinstance(child, Node) else child for child in self.children]
        for child in copied.children:
            if isinstance(child, Node):
                child.parent = copied
    return copied


@cache
def _chosen(node: Any, kinds: tuple[type, ...]) -> type | None:
    return next((kind for kind in kinds if issubclass(node, kind)), None)


def _traverse(self: Any, root: Any) -> Any:
    """Replace nodes from the leaves to the root, and return the new root."""
    processors = self._processing_map()
    kinds = tuple(processors)

    def visit(node: Any, position: int) -> Any:
        parent = node.parent
        for index, child in enumerate(node.children or ()):
            self.pre_processing_of_child(node, index)
            if isinstance(child, Node):
                visit(child, index)
        kind = _chosen(type(node), kinds)  # type: ignore[arg-type]
        if kind is not None:
            node = processors[kind](node)
            node.parent = parent
            if parent:
                parent.children[position] = node
        return node

    return visit(root, -1)


def _cast(self: DynamoType) -> Any:
    # moto asks six times what it is, and sorts all rows for each query.
    return self.value if self.type == "S" else _cast_other.fget(self)


def _copy_value(self: DynamoType, memo: dict[int, Any]) -> DynamoType:
    """Scalars are never changed in place, so copies share them."""
    if self.type not in CONTAINERS:
        return self
    copied = object.__new__(DynamoType)
    copied.type = self.type
    if isinstance(self.value, dict):
        copied.value = {name: copy.deepcopy(value, memo) for name, value in self.value.items()}
    else:
        copied.value = [copy.deepcopy(value, memo) for value in self.value]
    return copied


def _copy_row(self: Item, memo: dict[int, Any]) -> Item:
    # Not made by its class, which keeps every instance.
    copied = object.__new__(Item)
    copied.hash_key, copied.range_key = self.hash_key, self.range_key
    copied.attrs = LimitedSizeDict()
    for name, value in self.attrs.items():
        dict.__setitem__(copied.attrs, name, copy.deepcopy(value, memo) if value.type in CONTAINERS else value)
    return copied


def _copy_table(self: Table, memo: dict[int, Any]) -> Table:
    """The table with the same rows, which `_update_copy` never changes, for the backup of a transaction."""
    copied = object.__new__(Table)
    copied.__dict__.update(self.__dict__)
    copied.items = copy.copy(self.items)
    for hash_key in map(_text, _touched):
        if hash_key in self.items:
            copied.items[hash_key] = copy.copy(self.items[hash_key])
    return copied


def _text(value: str) -> DynamoType:
    return DynamoType({"S": value})


def _transact(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    bodies = [body for action in transact_items for body in action.values()]
    _touched.clear()
    _touched.update(body.get("Key", body.get("Item"))["pk"]["S"] for body in bodies)
    _transact_all(self, transact_items)


def _query_partition(self: Table, hash_key: DynamoType, *args: Any, **kwargs: Any) -> Any:
    table, index_name = self, args[6]
    if index_name is None:
        # Not made by its class, which keeps every instance.
        table = object.__new__(Table)
        table.__dict__.update(self.__dict__)
        table.items = defaultdict(dict, {hash_key: self.items.get(hash_key, {})})
    return _query_all(table, hash_key, *args, **kwargs)


def _update_copy(self: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
    table = self.get_table(table_name)
    hash_key, range_key = self.get_keys_value(table, key)
    rows = table.items.get(hash_key, {})
    if range_key in rows:
        rows[range_key] = copy.deepcopy(rows[range_key])
    return _update_in_place(self, table_name, key, *args, **kwargs)
