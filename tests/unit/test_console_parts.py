"""The parts of which the console's pages are made: elements, intervals, and the places of states in a picture."""

import json
import re

import pytest

from kindling.console import machine
from kindling.console.html import join, tag
from kindling.operations.executions import Execution
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
