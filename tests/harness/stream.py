"""The table's stream: what Lambda brings of it, as far as the template's filter lets it through."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from kindling.platform import clock
from tests.harness.cloud import ACCOUNT, REGION
from tests.harness.lambdas import invoke
from tests.harness.template import STREAMS

FIRST = 100_000_000_000_000_000_000
MAPPING = STREAMS["PublishChangesFunctionStream"]
PATTERNS = [json.loads(one["Pattern"]) for one in MAPPING["FilterCriteria"]["Filters"]]


class Stream:
    """Every change of the table since it began; takes the place of a shard in moto."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self._count = 0

    def add(self, old: Any, new: Any) -> None:
        """Note a change. As on AWS, a write that changes nothing is none."""
        images = {
            name: copy.deepcopy(item.to_json()["Attributes"])
            for name, item in (("OldImage", old), ("NewImage", new))
            if item is not None
        }
        # moto makes an item that an update creates in two writes, first of its key alone.
        images = {name: row for name, row in images.items() if set(row) != {"pk", "sk"}}
        if images.get("OldImage") == images.get("NewImage"):
            return
        self._count += 1
        row = next(iter(images.values()))
        told = {
            "ApproximateCreationDateTime": clock.now().timestamp(),
            "Keys": {name: row[name] for name in ("pk", "sk")},
            "SequenceNumber": str(FIRST + self._count),
            **images,
        }
        self.records.append({"eventID": str(self._count), "eventSource": "aws:dynamodb", "dynamodb": told})

    def take(self) -> list[Any]:
        """The records that the mapping lets through, which are not brought again."""
        taken, self.records = self.records, []
        return [record for record in taken if any(_fits(record, pattern) for pattern in PATTERNS)]

    def publish(self) -> Any:
        """Bring what has changed to the function that follows the stream for webhooks."""
        return invoke("PublishChangesFunction", {"Records": self.take()})


@contextmanager
def followed() -> Iterator[Stream]:
    """The stream of the table in the block."""
    table = dynamodb_backends[ACCOUNT][REGION].tables["kindling"]
    stream = table.stream_shard = Stream()
    try:
        yield stream
    finally:
        table.stream_shard = None


def _fits(record: Any, pattern: Any) -> bool:
    """Whether a record has what a filter asks for: mappings are entered, and one entry of each list is enough."""
    if isinstance(pattern, dict):
        return isinstance(record, dict) and all(_fits(record.get(name), part) for name, part in pattern.items())
    return any(record is not None and str(record).startswith(one.get("prefix", "")) for one in pattern)
