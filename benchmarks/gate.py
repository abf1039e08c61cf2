"""Measures the latency of the gate and checks its decisions: `.venv/bin/python benchmarks/gate.py`.

Starts a separate local cloud. `--decisions 1000000` makes a longer run.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from kindling.metrics.model import GMAIL
from kindling.platform import aws, table
from kindling.warming import admission, store
from kindling.warming.gate import Windows
from kindling.warming.model import NO_LIMITS, UNLIMITED, warming_key
from local.launcher import running
from tests.system.conftest import free_ports
from tests.system.gate.judge import judge, together
from tests.system.gate.run import run
from tests.system.gate.worker import Plan

CLIENTS, ROUNDS, EACH = 6, 12, 1400
CALLS, WARM_UP = 1000, 100


def main() -> int:
    """Print the latencies and the figures of the checked run. Returns 1 when a decision was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--decisions", type=int, default=100_000)
    decisions = parser.parse_args().decisions
    rounds = -(-decisions // (CLIENTS * EACH))
    judgements = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), free_ports(), say=lambda _line: None) as cloud:
        first = _plan(cloud, ROUNDS)
        os.environ |= first.environment
        _latencies(first)
        # In parts, so that the history of only one part is in memory.
        for done in range(0, rounds, ROUNDS):
            judgements.append(judge(run(_plan(cloud, min(ROUNDS, rounds - done)))))
            print(judgements[-1].sentence, flush=True)
    whole = together(judgements)
    print(f"Together: {whole.sentence}")
    for fault in whole.faults:
        print(fault)
    return 1 if whole.faults else 0


def _plan(cloud: dict[str, str], rounds: int) -> Plan:
    return Plan(cloud["engine_url"], cloud["table_name"], uuid.uuid4().hex[:8], rounds, CLIENTS, EACH)


def _latencies(plan: Plan) -> None:
    """Compare, with a single client, an admission with a minimal update of an item of the same size."""
    warming = plan.first(0).model_copy(update={"limits": NO_LIMITS, "budgets": {GMAIL: UNLIMITED}})
    table.transact([store.created(warming)])
    key = warming_key(warming.user_id, warming.domain_id)

    def bare() -> None:
        aws.table().update_item(
            Key=key,
            UpdateExpression="SET #strikes = #strikes + :one",
            ExpressionAttributeNames={"#strikes": "strikes"},
            ExpressionAttributeValues={":one": 1},
        )

    def decide() -> None:
        found = store.get(warming.user_id, warming.domain_id)
        if found is None or not isinstance(admission.admit(found, {GMAIL: 1}), Windows):
            raise SystemExit("The gate admits nothing.")

    calls: dict[str, Callable[[], object]] = {
        "a bare UpdateItem": bare,
        "an admission": lambda: admission.admit(warming, {GMAIL: 1}),
        "a read and an admission": decide,
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(WARM_UP + CALLS):
        for name, call in calls.items():
            taken = _milliseconds(call)
            if i >= WARM_UP:
                times[name].append(taken)
    base = statistics.median(times["a bare UpdateItem"])
    for name, taken_by in times.items():
        median, p95 = statistics.median(taken_by), statistics.quantiles(taken_by, n=20)[18]
        print(f"{name:24} p50 {median:5.2f} ms   p95 {p95:5.2f} ms   {median / base:4.2f} x", flush=True)


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
