"""What alarms and the dashboard watch, by the template, and what functions measured, by their log."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.harness.template import RESOURCES, of_type

OURS = "Kindling/${AWS::StackName}"


@dataclass(frozen=True)
class Watched:
    """A metric that is looked at; `dimensions` are pairs of a name and a value, as the template has it."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


def alarms() -> dict[str, dict[str, Any]]:
    """The properties of all alarms, composite ones among them, by logical id."""
    return {**of_type("AWS::CloudWatch::Alarm"), **of_type("AWS::CloudWatch::CompositeAlarm")}


def of_alarm(alarm: dict[str, Any]) -> list[Watched]:
    """The metrics of an alarm on one, or on an expression."""
    stats = [part["MetricStat"]["Metric"] for part in alarm.get("Metrics", []) if "MetricStat" in part]
    return [_watched(metric) for metric in stats or ([alarm] if "MetricName" in alarm else [])]


def widgets() -> dict[str, dict[str, Any]]:
    """The properties of the dashboard's widgets, by their titles."""
    body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Sub"])
    return {widget["properties"]["title"]: widget["properties"] for widget in body["widgets"]}


def of_widget(widget: dict[str, Any]) -> Iterator[Watched]:
    """The metrics of a widget."""
    for namespace, name, *rest in widget.get("metrics", []):
        texts = [text for text in rest if isinstance(text, str)]
        yield Watched(namespace, name, tuple(zip(texts[::2], texts[1::2], strict=True)))


def measured(output: str) -> set[Watched]:
    """The metrics in the embedded format among a function's lines."""
    found = set()
    for line in output.splitlines():
        document = json.loads(line) if line.startswith('{"_aws"') else {}
        for made in document.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in made["Dimensions"]:
                dimensions = tuple((name, document[name]) for name in names)
                found |= {Watched(OURS, metric["Name"], dimensions) for metric in made["Metrics"]}
    return found


def _watched(metric: dict[str, Any]) -> Watched:
    dimensions = metric.get("Dimensions", [])
    return Watched(
        _text(metric["Namespace"]),
        metric["MetricName"],
        tuple((dimension["Name"], _text(dimension["Value"])) for dimension in dimensions),
    )


def _text(value: Any) -> str:
    """A value as a `!Sub` has it: `!Ref X` as ${X}, `!GetAtt X.Y` as ${X.Y}."""
    if isinstance(value, dict):
        (kind, text), *_ = value.items()
        return str(text) if kind == "Sub" else f"${{{text}}}"
    return str(value)


def refers_to(watched: Watched) -> set[str]:
    """The logical ids in the values of its dimensions."""
    return {name for _, value in watched.dimensions for name in re.findall(r"\$\{(\w+)", value)}
