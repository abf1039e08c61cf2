"""docs/costs.md: the units that a message costs, and what of a stack is paid for by the month."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from kindling.platform import aws, clock
from tests.conftest import Kindling
from tests.functions.api.test_send import email, sender
from tests.functions.test_webhooks import deliver, event
from tests.harness.template import RESOURCES, ROOT

DOCUMENT = (ROOT / "docs/costs.md").read_text()
MONTH_MINUTES = 30 * 24 * 60
IN_MINUTES = {"minute": 1, "minutes": 1, "day": 24 * 60}


@dataclass
class Units:
    """What the calls of a block cost, as every item that they write fits into one unit.

    Without the count of requests, whose cost many requests share.
    """

    writes: int = 0
    reads: int = 0

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "BatchGetItem":
            self.reads += sum(len(asked["Keys"]) for asked in params["RequestItems"].values())
        elif model.name == "GetItem":
            self.reads += 1
        elif model.name == "TransactWriteItems":
            written = [part for entry in params["TransactItems"] for part in entry.values()]
            # A message stands in the index by_owner, too.
            self.writes += sum(2 + (place(part)["sk"] == "MESSAGE") for part in written)
        elif not str(place(params)["pk"]).startswith("QUOTA#"):
            self.writes += 1


def place(params: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = params.get("Item") or params["Key"]
    return found


@contextmanager
def counted() -> Iterator[Units]:
    units = Units()
    clients = (aws.table().meta.client, aws.table_without_retries().meta.client, aws.dynamodb_client())
    for one in clients:
        one.meta.events.register("provide-client-params.dynamodb", units.note)
    try:
        yield units
    finally:
        for one in clients:
            one.meta.events.unregister("provide-client-params.dynamodb", units.note)


def send(kindling: Kindling, to: int = 1, **headers: str) -> str:
    reply = kindling.api.post("/v1/send", email(to), **headers)
    assert reply.status == 202, reply.body
    return str(reply.body["message_id"])


@pytest.fixture
def warm(kindling: Kindling) -> Kindling:
    """A Kindling whose functions have looked up what they keep."""
    sender(kindling)
    told = event("sent", ["p0@example.com"], message_id=send(kindling), timestamp=clock.timestamp())
    assert deliver(kindling, told)
    return kindling


def test_a_message_costs_the_units_of_the_document(warm: Kindling) -> None:
    with counted() as plain:
        send(warm)
    with counted() as wider:
        send(warm, 2)
    with counted() as keyed:
        message_id = send(warm, Idempotency_Key="k")
    assert (plain.writes, plain.reads) == (1 + 5, 5)
    assert (wider.writes - plain.writes, wider.reads - plain.reads) == (2, 1)
    assert (keyed.writes - plain.writes, keyed.reads - plain.reads) == (2, 1)
    told = event("delivered", ["p0@example.com"], message_id=message_id, timestamp=clock.timestamp())
    with counted() as report:
        assert deliver(warm, told)
    assert (report.writes, report.reads) == (9, 2)
    assert f"| {keyed.writes + 2 * report.writes}: the gate 1, the log 5, the key 2, two reports of 9 |" in DOCUMENT
    assert f"| {keyed.reads + 2 * report.reads}: the sender" in DOCUMENT


def test_refusals_of_ten_seconds_cost_the_units_of_the_document(warm: Kindling) -> None:
    with counted() as units:
        for _ in range(3):
            assert warm.api.post("/v1/send", email(9)).status == 429
        warm.clock.advance(seconds=10)
        for _ in range(3):
            assert warm.api.post("/v1/send", email(9)).status == 429
    # Sender, domain, gate, nine recipients and their domain.
    assert (units.writes, units.reads) == (2, 6 * 13)
    assert "A refusal by the gate is read; one write unit for each ten seconds with refusals counts them." in DOCUMENT


def test_the_document_counts_what_a_stack_has() -> None:
    kinds = [resource["Type"] for resource in RESOURCES.values()]
    alarms = [row["Properties"] for row in RESOURCES.values() if row["Type"] == "AWS::CloudWatch::Alarm"]
    watched = sum(sum("MetricStat" in one for one in alarm.get("Metrics", [])) or 1 for alarm in alarms)
    assert f"| {watched} metrics that are watched |" in DOCUMENT
    assert f"| {kinds.count('AWS::CloudWatch::CompositeAlarm')} composite alarm |" in DOCUMENT
    assert kinds.count("AWS::CloudWatch::Dashboard") == 1
    polled = [row for row in RESOURCES.values() if "MaximumConcurrency" in str(row.get("Properties", {}))]
    assert f"| {len(polled)} that Lambda polls" in DOCUMENT
    rates = re.findall(r"rate\((\d+) (\w+)\)", str(RESOURCES))
    ticks = sum(MONTH_MINUTES // (int(number) * IN_MINUTES[unit]) for number, unit in rates)
    assert f"| {ticks:,} ticks:" in DOCUMENT


def test_the_sums_of_the_document_are_the_sums_of_their_rows() -> None:
    for table in DOCUMENT.split("\n## ")[1:3]:
        *rows, total = [float(found) for found in re.findall(r"\| \**([\d.]+)\** \|$", table, re.MULTILINE)]
        assert len(rows) > 5
        assert sum(rows) == pytest.approx(total, abs=0.0005)
