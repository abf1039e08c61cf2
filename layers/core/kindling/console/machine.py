"""A state machine as a picture: steps down on the left, undos up on the right, and where an execution stands."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from kindling.console import svg
from kindling.console.html import Html, tag
from kindling.console.numbers import seconds_between
from kindling.operations.executions import Execution, StateRun
from kindling.platform import clock

BOX, ROW, HIGH = 285, 58, 38
COLUMNS = (60, 445)
TOP, WIDTH = 16, 745
ENDS = ("Succeed", "Fail")
MARKS = {"done": "✓", "failed": "!", "running": "…", "ahead": "", "passed": "✓"}
SAYS = {
    "done": "done",
    "failed": "failed",
    "running": "running now",
    "ahead": "not reached",
    "passed": "passed",
}


def draw(execution: Execution, title: str) -> Html:
    """The picture. Each state links to what it answered, which stands below under the id `state-<name>`."""
    places = _places(execution)
    height = TOP + ROW * (1 + max(row for _, row in places.values()))
    latest = {run.name: run for run in execution.runs}
    edges = [_edge(places, *edge, taken=_taken(execution, *edge[:2])) for edge in _edges(execution.states)]
    boxes = [_state(name, *places[name], latest.get(name), execution) for name in places]
    return svg.drawing(WIDTH, height, title, _arrows(), edges, boxes, role="group")


def words(name: str) -> str:
    """A state's name as words."""
    return re.sub(r"(?<!^)([A-Z])", lambda found: f" {found[1].lower()}", name)


def standing(run: StateRun | None, execution: Execution) -> str:
    """Where an execution stands with a state."""
    if run is None:
        return "ahead"
    kind = execution.states[run.name]["Type"]
    if run.left is None and execution.end is None and kind not in ENDS:
        # Between two attempts, too.
        return "running"
    if run.failed or (run.left is None and execution.end is not None) or kind == "Fail":
        return "failed"
    return "done" if kind in ("Task", "Map", "Succeed") else "passed"


def _places(execution: Execution) -> dict[str, tuple[int, int]]:
    """Column and row of each state."""
    states = execution.states
    forward = list(_walk(execution.start_at, states))
    places = {name: (0, row) for row, name in enumerate(forward)}
    first = next((name for name in states if name not in places), None)
    # An undo stands beside its step where there is room: the chain goes up, from the last step's to the first one's.
    row = -1
    for name in reversed([one for one in _walk(first, states) if one not in places] if first else []):
        partner = places.get(name.removeprefix("Undo"), (0, 0))[1] if name.startswith("Undo") else 0
        row = max(row + 1, partner)
        places[name] = (1, row)
    for name in states:
        places.setdefault(name, (1, max(row for _, row in places.values()) + 1))
    return places


def _walk(start: str | None, states: dict[str, Any]) -> Iterator[str]:
    """The states that follow when nothing special happens."""
    seen: set[str] = set()
    while start and start not in seen:
        seen.add(start)
        yield start
        # Where a choice depends on what was done, its first branch is the usual one of a step; not that of an undo.
        state = states[start]
        start = state.get("Next") or _usual(state)


def _usual(state: dict[str, Any]) -> str | None:
    branches = [choice["Next"] for choice in state.get("Choices", [])]
    usual = [name for name in branches if not name.startswith("Undo") and not name.endswith("ed")]
    return usual[0] if usual else state.get("Default")


def _edges(states: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """From, to and kind of each transition."""
    for name, state in states.items():
        targets = [(state[key], "next") for key in ("Next", "Default") if key in state]
        targets += [(choice["Next"], "next") for choice in state.get("Choices", [])]
        targets += [(catch["Next"], "catch") for catch in state.get("Catch", [])]
        for target, kind in dict(reversed(targets)).items():
            yield name, target, kind


def _taken(execution: Execution, one: str, other: str) -> bool:
    names = [run.name for run in execution.runs]
    return (one, other) in pairwise(names)


def _edge(places: dict[str, tuple[int, int]], one: str, other: str, kind: str, *, taken: bool) -> Html:
    """An arrow: straight between neighbours, around those between, or across to the other column."""
    (column, row), (to_column, to_row) = places[one], places[other]
    left, to_left = COLUMNS[column], COLUMNS[to_column]
    y, to_y = TOP + row * ROW, TOP + to_row * ROW
    between = {
        place for place in places.values() if place[0] == column and min(row, to_row) < place[1] < max(row, to_row)
    }
    if column != to_column:
        begins, ends = (left + BOX, to_left) if column < to_column else (left, to_left + BOX)
        start, end = y + HIGH / 2 + 6, to_y + HIGH / 2
        bend = (begins + ends) / 2
        steps = f"M{begins} {start}C{bend} {start} {bend} {end} {ends} {end}"
    elif between:
        side = left if column == 0 else left + BOX
        out = side + (-34 if column == 0 else 34)
        steps = f"M{side} {y + HIGH / 2 + 4}C{out} {y + HIGH} {out} {to_y} {side} {to_y + HIGH / 2 - 4}"
    else:
        middle = left + BOX / 2
        steps = f"M{middle} {y + HIGH}V{to_y}" if to_row > row else f"M{middle} {y}V{to_y + HIGH}"
    return svg.path(f"edge {kind}{' taken' if taken else ''}", steps, marker_end=f"url(#{'taken' if taken else 'tip'})")


def _arrows() -> Html:
    markers = [
        tag(
            "marker",
            svg.path(f"tip {name}", "M0 0L8 4L0 8z"),
            id=name,
            viewBox="0 0 8 8",
            refX="8",
            refY="4",
            markerWidth="7",
            markerHeight="7",
            orient="auto",
        )
        for name in ("tip", "taken")
    ]
    return tag("defs", markers)


def _state(name: str, column: int, row: int, run: StateRun | None, execution: Execution) -> Html:
    kind = standing(run, execution)
    x, y = COLUMNS[column], TOP + row * ROW
    took = ""
    if run and execution.states[name]["Type"] in ("Task", "Map"):
        took = seconds_between(run.entered, run.left or max(clock.now(), run.entered))
    failures = f", failed attempts: {len(run.failures)}" if run and run.failures else ""
    inside = (
        tag("title", f"{words(name)}: {SAYS[kind]}{failures}"),
        svg.box("box", x, y, BOX, HIGH, rx=6),
        svg.text(x + 16, y + 24, MARKS[kind], "mark", "middle"),
        svg.text(x + 30, y + 24, words(name), "name"),
        svg.text(x + BOX - 10, y + 24, took, "took", "end"),
    )
    group = tag("g", *inside, class_=f"state {kind}")
    return tag("a", group, href=f"#state-{name}") if run else group
