"""The parts of which the console's pages are made: elements, intervals, and the places of states in a picture."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from kindling.console import machine, plots
from kindling.console.html import join, tag
from kindling.operations.executions import Execution, StateRun
from kindling.operations.model import Failure
from kindling.warming.statistics import interval
from tests.harness.template import MACHINES, ROOT

CANARY = "<script>\"'&"
SAFE = "&lt;script&gt;&quot;&#x27;&amp;"


def test_whatever_is_no_element_is_escaped_in_texts_and_in_attributes() -> None:
    assert tag("p", CANARY, [CANARY], title=CANARY) == f'<p title="{SAFE}">{SAFE}{SAFE}</p>'
    assert join(CANARY, tag("b", tag("i", CANARY))) == f"{SAFE}<b><i>{SAFE}</i></b>"


def test_an_attribute_may_be_none_and_without_a_value() -> None:
    assert tag("input", required=True, disabled=False, value=None, aria_label="x", class_="y") == (
        '<input required aria-label="x" class="y">'
    )


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 100, 0.0, 0.0370),
        (5, 100, 0.0215, 0.1118),
        (50, 100, 0.4038, 0.5962),
        (100, 100, 0.963, 1.0),
    ],
)
def test_an_interval_is_wilsons(events: int, trials: int, low: float, high: float) -> None:
    assert interval(events, trials) == pytest.approx((low, high), abs=0.0001)


def test_more_events_than_trials_are_as_many() -> None:
    assert interval(7, 5) == interval(7, 7)


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_has_a_place_of_its_own_and_every_undo_stands_on_the_right(name: str) -> None:
    definition = json.loads((ROOT / MACHINES[name]["DefinitionUri"]).read_text())
    execution = Execution(definition["StartAt"], definition["States"], [], None)
    picture = machine.draw(execution, "picture")
    places = re.findall(r'class="box" x="(\d+)" y="(\d+)"', picture)
    assert len(places) == len(set(places)) == len(definition["States"])
    shown = re.findall(r'x="(\d+)" y="\d+" class="name">([\w ]+)<', picture)
    assert {words for _, words in shown} == {machine.words(state) for state in definition["States"]}
    left = {words for x, words in shown if int(x) < 300}
    assert not any(words.startswith("Undo") for words in left)


def test_a_reputation_is_drawn_for_each_known_day_below_and_above_the_threshold() -> None:
    first = date(2026, 3, 1)
    values = [0, 90, None, 100]
    picture = plots.reputation([(first + timedelta(days=number), value) for number, value in enumerate(values)])
    lines = {float(y) for y in re.findall(r'class="threshold graduation" x1="64" y1="([\d.]+)"', picture)}
    dots = [float(y) for y in re.findall(r'cy="([\d.]+)"', picture)]
    assert (len(dots), {dots[1]}) == (3, lines)
    assert dots[0] > dots[1] > dots[2]
    # The line ends before the day that nobody knows, and begins anew after it.
    assert len(re.findall(r'<path class="limit"', picture)) == 2
    said = re.findall(r"<title>([^<]+)</title>", picture)
    assert said[0] == "Reputation of the last 4 days, from 0 to 100; it graduates at 90"
    assert said[1:] == ["2026-03-01: 0 of 100", "2026-03-02: 90 of 100", "2026-03-04: 100 of 100"]
    assert "Mar 4" in picture


FAILURE = Failure(error="ProviderUnavailable", message="Instantly answered 503.", step="Make")
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "left", "answer", "end", "standing"),
    [
        (0, False, None, None, "running"),
        # Between two attempts, of which there are up to sixty.
        (2, False, None, None, "running"),
        (2, True, True, None, "done"),
        # Left by its Catch, while the undos run.
        (2, True, None, None, "failed"),
        (2, False, None, "failed", "failed"),
        (0, False, None, "timed out", "failed"),
    ],
)
def test_a_step_has_failed_when_its_last_attempt_has(
    failures: int, left: bool, answer: object, end: str | None, standing: str
) -> None:
    run = StateRun("Make", MOMENT, MOMENT if left else None, answer, [FAILURE] * failures)
    execution = Execution("Make", {"Make": {"Type": "Task", "End": True}}, [run], end)
    assert machine.standing(run, execution) == standing
    picture = machine.draw(execution, "picture")
    assert f'class="state {standing}"' in picture
    assert (f"failed attempts: {failures}" in picture) == bool(failures)
