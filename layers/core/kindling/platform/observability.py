"""The logger of every function, and all metrics that Kindling measures itself.

Metrics are written to the log in CloudWatch's embedded metric format, from which CloudWatch makes metrics without a
call. The table below is all there are; `docs/runbook.md` explains them. Their dimensions have few values, which none
of a tenant's doing adds to: each combination is a metric that costs money.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from kindling.platform.settings import settings

# Also where a path of a provider has it. A local part has at most 64 characters (RFC 5321, section 4.5.3.1.1).
_ADDRESS = re.compile(r"([\w.+%~-]{1,64})(?:@|%40)([\w-]+(?:\.[\w-]+)+)")
HASH_LENGTH = 12
# Values in one line: Powertools writes a metric at its hundredth without being asked.
LINE_LENGTH = 99


def _masked(value: Any) -> Any:
    """A value of a log line, with the hash of each address in its place."""
    if isinstance(value, str):
        return _ADDRESS.sub(lambda found: hashed(f"{found[1]}@{found[2]}"), value)
    if isinstance(value, dict):
        return {name: _masked(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(part) for part in value]
    return value if value is None or isinstance(value, int | float) else _masked(str(value))


def hashed(address: str) -> str:
    """What log lines have in place of an address: always the same, so that its lines can be found."""
    return f"sha256:{hashlib.sha256(address.lower().encode()).hexdigest()[:HASH_LENGTH]}"


def _line(record: Any) -> str:
    text = json.dumps(record, default=str, separators=(",", ":"))
    return json.dumps(_masked(record), separators=(",", ":")) if "@" in text or "%40" in text else text


logger = Logger(service="kindling", json_serializer=_line)


@dataclass(frozen=True)
class Metric:
    """A metric, its unit, and the names of its dimensions."""

    name: str
    unit: MetricUnit
    dimensions: tuple[str, ...] = ()

    def add(self, value: float, *values: str) -> None:
        """Note a value, with the values of its dimensions; it is written at the end of the invocation."""
        _noted.append((self, values, value))


SENDS_ADMITTED = Metric("SendsAdmitted", MetricUnit.Count)
SENDS_REFUSED = Metric("SendsRefused", MetricUnit.Count, ("Limit",))
SAGAS_UNDONE = Metric("SagasUndone", MetricUnit.Count, ("Saga",))
UNDOS_STUCK = Metric("UndosStuck", MetricUnit.Count)
WARMUPS_PENDING = Metric("WarmupsPending", MetricUnit.Count)
TRANSITIONS = Metric("Transitions", MetricUnit.Count, ("Of", "To"))
WEBHOOK_LAG = Metric("WebhookLag", MetricUnit.Seconds)
# 1 for a request that failed and 0 for any other: the average is the rate of failures.
PROVIDER_ERRORS = Metric("ProviderErrors", MetricUnit.Count, ("Provider",))
PROVIDER_LATENCY = Metric("ProviderLatency", MetricUnit.Milliseconds, ("Provider",))

METRICS = (
    SENDS_ADMITTED,
    SENDS_REFUSED,
    SAGAS_UNDONE,
    UNDOS_STUCK,
    WARMUPS_PENDING,
    TRANSITIONS,
    WEBHOOK_LAG,
    PROVIDER_ERRORS,
    PROVIDER_LATENCY,
)

# Appended to by several threads.
_noted: list[tuple[Metric, tuple[str, ...], float]] = []


@contextmanager
def invocation(**keys: Any) -> Iterator[None]:
    """One invocation of a function: its log lines have `keys`, and what it has measured is written at its end.

    Keys that are appended in its course, such as who calls, are not in the lines of the next one.
    """
    before = dict(logger.get_current_keys())
    logger.append_keys(**keys)
    try:
        yield
    finally:
        logger.remove_keys(logger.get_current_keys().keys() - before.keys())
        logger.append_keys(**before)
        _flush()


def _flush() -> None:
    """Write what was noted: lines for each combination of dimensions, as a line has only one."""
    noted, _noted[:] = _noted[:], []
    measured: dict[tuple[tuple[str, str], ...], list[tuple[Metric, float]]] = defaultdict(list)
    for metric, values, value in noted:
        measured[tuple(zip(metric.dimensions, values, strict=True))].append((metric, value))
    for dimensions, pairs in measured.items():
        for start in range(0, len(pairs), LINE_LENGTH):
            line = EphemeralMetrics(namespace=settings().metrics_namespace, default_dimensions=dict(dimensions))
            for metric, value in pairs[start : start + LINE_LENGTH]:
                line.add_metric(metric.name, metric.unit, value)
            line.flush_metrics()
