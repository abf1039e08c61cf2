"""The commands of README.md and docs/api.md, typed against the handlers; with `--write` what has changed is mended."""

import doctest
import re
from functools import partial
from pathlib import Path

import httpx
import pytest

import kindling_client
from tests.client.conftest import URL, Shell
from tests.client.terminal import Terminal
from tests.conftest import Kindling
from tests.harness import console
from tests.harness.template import ROOT

README, API = ROOT / "README.md", ROOT / "docs/api.md"
# Between two commands of somebody who reads.
READING_SECONDS = 15
PYTHON = re.compile(r"(?<=^```pycon\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", [README, API], ids=lambda path: path.stem)
def test_a_guide_goes_as_it_is_written(
    tenant: Shell, kindling: Kindling, document: Path, request: pytest.FixtureRequest
) -> None:
    terminal = Terminal(tenant, kindling, {"API": URL, "KEY": kindling.api.key})
    played = []
    for entry in console.entries(document):
        kindling.clock.advance(seconds=READING_SECONDS)
        played.append(console.Entry(entry.line, terminal(entry.line)[1]))
    if request.config.getoption("--write"):
        console.mend(document, played)
    written = console.entries(document)
    assert len(written) > 5
    assert [console.steady(entry) for entry in played] == [console.steady(entry) for entry in written]


def test_the_python_of_the_guide_does_what_it_shows(
    shell: Shell, kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = partial(kindling_client.Kindling, transport=httpx.MockTransport(shell.handle))
    monkeypatch.setattr(kindling_client, "Kindling", connected)
    monkeypatch.setattr("time.sleep", kindling.clock.sleep)
    known = {"API": URL, "KEY": kindling.api.key}
    session = "\n".join(PYTHON.findall(API.read_text()))
    told: list[str] = []
    shown = doctest.DocTestParser().get_doctest(session, known, API.name, str(API), 0)
    assert len(shown.examples) > 15
    assert doctest.DocTestRunner().run(shown, out=told.append).failed == 0, "".join(told)
