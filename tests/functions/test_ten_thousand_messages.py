"""The log of 10,000 messages: each is found by its address, by reading that message alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

from kindling.messages import store
from kindling.messages.model import ListMessages
from kindling.platform import aws
from tests.conftest import Kindling, Sample
from tests.functions.api.test_emails import logged

MESSAGES = 10_000
# Of a consistent read: docs.aws.amazon.com/amazondynamodb, "DynamoDB read consistency".
UNIT_BYTES = 4096


class Read:
    """What was read: the calls, the items that DynamoDB looked at, and at most so many read units."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.items = 0
        self.units = 0

    def note(self, parsed: Any, model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        items = parsed["Items"] if model.name == "Query" else parsed["Responses"]["kindling"]
        self.items += parsed.get("ScannedCount", len(items))
        # Of a query the items together are rounded up, of the others each; this is no less.
        self.units += sum(ceil(len(json.dumps(item, default=str)) / UNIT_BYTES) for item in items)


@contextmanager
def reading() -> Iterator[Read]:
    read = Read()
    events = aws.table().meta.client.meta.events
    events.register("after-call.dynamodb", read.note)
    try:
        yield read
    finally:
        events.unregister("after-call.dynamodb", read.note)


def test_each_of_10000_messages_is_found_by_its_address_in_one_query_of_two_units(
    kindling: Kindling, sample: Sample
) -> None:
    numbers = sample(list(range(MESSAGES)), one_in=50)
    made = {f"user-{number}@example.com": logged(kindling, number, f"user-{number}@example.com") for number in numbers}
    for address, message in made.items():
        with reading() as read:
            page = store.page_of(kindling.user_id, ListMessages(to=address))
        assert ([one.id for one in page.rows], page.next_cursor) == ([message.id], None)
        assert (read.calls, read.items, read.units) == (["Query", "BatchGetItem"], 2, 2)
    assert store.page_of(kindling.user_id, ListMessages(to="user-10000@example.com")).rows == []
