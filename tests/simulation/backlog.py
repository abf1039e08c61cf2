"""The real pollers over a table and queues in memory that count every call, on a clock that moves by what calls take.

A tick has the time-out and the pace that the template gives its poller. Workers are a rate at which messages leave the
queue. What calls cost and take are the constants below: assumptions, rather slow ones, for a function with one CPU.
"""

from bisect import bisect, insort
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from math import ceil
from typing import Any
from unittest.mock import Mock, patch

from botocore.exceptions import ClientError

from kindling.entry import poller
from kindling.platform import aws, clock, due
from kindling.platform.settings import settings
from tests.harness.lambdas import Context, handler
from tests.harness.template import FUNCTIONS, RESOURCES

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
# Seconds of CPU. A leased batch is worked on by several threads, so that waiting for an answer costs nothing more.
CALL_SECONDS = 0.002
QUERY_SECONDS = 0.008
DECODE_SECONDS = 0.00002  # per item of a page
# Bytes of an item in the index (keys only), and units of an update: an item of up to 2 KB, and its move in the index.
KEYS_SIZE, WRITE_UNITS = 250, 2 + 2
PAGE_UNITS_SIZE = 4096  # bytes of an eventually consistent read for half a unit
# US dollars for a million, us-east-1: DynamoDB on demand, SQS, and Lambda on arm64 for a million seconds of one CPU.
READ_DOLLARS, WRITE_DOLLARS, SQS_DOLLARS, SECONDS_DOLLARS = 0.125, 0.625, 0.40, 1.73 * 13.33

UNITS = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600}


@dataclass(frozen=True)
class Kind:
    """A kind of work: its name in the index, poller and queue, and the messages that its workers do in a second."""

    name: str
    poller: str
    queue: str
    rate: float

    @property
    def every(self) -> float:
        """The seconds between two ticks."""
        schedule = FUNCTIONS[self.poller]["Events"]["Tick"]["Properties"]["ScheduleExpression"]
        number, unit = schedule.removeprefix("rate(").removesuffix(")").split()
        return float(number) * UNITS[unit]

    @property
    def timeout(self) -> int:
        """The seconds for which a tick may last."""
        return int(FUNCTIONS[self.poller]["Timeout"])


# 20 workers that judge a domain in 40 ms; the others wait for providers, as fast as two workers may be.
WARMING = Kind("warming", "AdvanceWarmingFunction", "JUDGEMENTS_QUEUE_URL", 20 / 0.040)
VERIFICATION = Kind("verification", "VerifyDomainsFunction", "VERIFICATIONS_QUEUE_URL", 2 / 0.5)
CLEANUP = Kind("cleanup", "RunCleanupsFunction", "CLEANUPS_QUEUE_URL", 2 / 0.5)
REVIEW = Kind("review", "GraduateAccountsFunction", "REVIEWS_QUEUE_URL", 2 / 0.5)
RETENTION = float(RESOURCES["JudgementsQueue"]["Properties"]["MessageRetentionPeriod"])


@dataclass
class Cloud:
    """The time, the table's index of due items, the queues, and the calls to them. It stands in for boto3's objects."""

    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0
    # Of each item its moment, and of each shard the moments in order; outdated ones are skipped.
    due_at: dict[str, str] = field(default_factory=dict)
    shards: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    # Moments in the future, which come into `shards` in their time.
    future: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    sent: dict[str, list[tuple[float, str]]] = field(default_factory=dict)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def put(self, kind: str, identity: str, at: datetime) -> None:
        self._schedule(f"{kind}/{identity}", due.fields(kind, identity, at)["due_at"])

    def _schedule(self, name: str, due_at: str) -> None:
        kind, _, identity = name.partition("/")
        shard = due.fields(kind, identity, BEGIN)["due_shard"]
        self.due_at[name] = due_at
        heappush(self.future.setdefault(shard, []), (due_at, name))

    def query(self, **request: Any) -> dict[str, Any]:
        shard, until = _values(request["KeyConditionExpression"])
        moments, future = self.shards.setdefault(shard, []), self.future.get(shard, [])
        while future and future[0][0] <= until:
            moment = heappop(future)
            if not moments or moments[-1] < moment:
                moments.append(moment)
            else:
                insort(moments, moment)
        start = request.get("ExclusiveStartKey")
        at = bisect(moments, (start["due_at"], start["sk"])) if start else 0
        if not start:
            # Nobody reads behind the first page's beginning again.
            while at < len(moments) and self.due_at[moments[at][1]] != moments[at][0]:
                at += 1
            del moments[:at]
            at = 0
        found: list[dict[str, str]] = []
        while at < len(moments) and len(found) < request["Limit"]:
            due_at, name = moments[at]
            at += 1
            if self.due_at[name] == due_at:
                found.append({"pk": "TENANT#u", "sk": name, "due_shard": shard, "due_at": due_at})
        self.calls["Query"] += 1
        self.read_units += max(ceil(len(found) * KEYS_SIZE / PAGE_UNITS_SIZE), 1) / 2
        self.seconds += QUERY_SECONDS + len(found) * DECODE_SECONDS
        more = {"LastEvaluatedKey": found[-1]} if len(found) == request["Limit"] else {}
        return {"Items": found, **more}

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.calls["UpdateItem"] += 1
        self.write_units += WRITE_UNITS
        self.seconds += CALL_SECONDS
        name, values = request["Key"]["sk"], request["ExpressionAttributeValues"]
        if self.due_at.get(name) != values[":due_at"]:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "UpdateItem")
        self._schedule(name, values[":to"])
        return {}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.calls["SendMessageBatch"] += 1
        self.seconds += CALL_SECONDS
        queue = self.sent.setdefault(request["QueueUrl"], [])
        queue += [(self.seconds, entry["MessageBody"]) for entry in request["Entries"]]
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}

    @property
    def dollars(self) -> float:
        """The price of all calls so far and of the time that they took."""
        units = self.read_units * READ_DOLLARS + self.write_units * WRITE_DOLLARS
        # A message is sent in a batch, and received and deleted in batches.
        return (units + 3 * self.calls["SendMessageBatch"] * SQS_DOLLARS + self.seconds * SECONDS_DOLLARS) / 1e6


def _values(condition: Any) -> tuple[str, str]:
    """The shard and the moment in the condition of a query."""
    shard, until = (part.get_expression()["values"][1] for part in condition.get_expression()["values"])
    return shard, until


@dataclass
class Drained:
    """What became of a backlog: seconds until the last item was handed out and done, and what that took."""

    handed_out: float
    done: float
    ticks: int
    twice: int
    deepest: int
    cloud: Cloud


@contextmanager
def installed(cloud: Cloud) -> Iterator[None]:
    """Let the production code use `cloud` instead of boto3's objects and the time."""
    queues = {kind.queue: kind.queue for kind in (WARMING, VERIFICATION, CLEANUP, REVIEW)}
    with (
        patch.dict("os.environ", {"TABLE_NAME": "kindling", **queues}),
        patch.object(aws, "table", lambda: cloud),
        patch.object(aws, "sqs", lambda: cloud),
        patch.object(clock, "now", cloud.now),
        patch.object(clock, "monotonic", cloud.monotonic),
        patch.object(due, "THREADS", 1),
        patch.object(due, "logger", Mock()),
        patch.object(poller, "logger", Mock()),
    ):
        settings.cache_clear()
        try:
            yield
        finally:
            settings.cache_clear()


def tick(cloud: Cloud, kind: Kind) -> int:
    """Run the kind's poller once, with the time that the template gives it; the number that it queued."""
    began = cloud.seconds
    context = Context(kind.poller, milliseconds=kind.timeout * 1000)
    queued: int = handler(kind.poller)({}, context)["queued"]
    assert cloud.seconds - began < kind.timeout, "the tick was ended by its time-out"
    return queued


def drain(kind: Kind, moments: list[timedelta], *, others: int = 0) -> Drained:
    """Let ticks and workers drain a backlog whose items are due so long after `BEGIN`; `others` are not due at all."""
    cloud = Cloud()
    for i, moment in enumerate(moments):
        cloud.put(kind.name, f"item-{i}", BEGIN + moment)
    for i in range(others):
        cloud.put(kind.name, f"other-{i}", BEGIN + timedelta(days=1))
    ticks = handed_out = 0
    busy = 0.0  # the seconds in which the tick itself ran
    with installed(cloud):
        number = 0
        while handed_out < len(moments):
            began = cloud.seconds = max(number * kind.every, cloud.seconds)
            handed_out += tick(cloud, kind)
            busy += cloud.seconds - began
            number, ticks = number + 1, ticks + 1
    ended, cloud.seconds = cloud.seconds, busy
    sent = cloud.sent.get(kind.queue, [])
    done, finished = 0.0, []
    for at, _ in sent:
        done = max(at, done) + 1 / kind.rate
        finished.append(done)
    # A message that waits longer than its queue keeps it would be handed out again, after its lease.
    twice = len(sent) - len({body for _, body in sent})
    return Drained(ended, done, ticks, twice, _deepest([at for at, _ in sent], finished), cloud)


def _deepest(sent: list[float], finished: list[float]) -> int:
    """The most messages that waited at once."""
    return max((i + 1 - bisect(finished, at) for i, at in enumerate(sent)), default=0)
