"""docs/first-hour.md, typed command by command against the handlers. The local cloud has the same test of its own.

With `--write` what has changed is mended; the local cloud's test writes all of it anew.
"""

import pytest

from tests.client.conftest import Shell
from tests.client.terminal import Terminal
from tests.conftest import Kindling
from tests.harness import console
from tests.harness.template import ROOT

DOCUMENT = ROOT / "docs/first-hour.md"


def test_the_first_hour_goes_as_it_is_written(
    tenant: Shell, kindling: Kindling, request: pytest.FixtureRequest
) -> None:
    played = console.play(DOCUMENT, Terminal(tenant, kindling).typed)
    if request.config.getoption("--write"):
        console.mend(DOCUMENT, played)
    written = console.entries(DOCUMENT)
    assert len(written) > 20
    assert [console.steady(entry) for entry in played] == [console.steady(entry) for entry in written]


def test_every_topic_of_the_first_hour_is_on_the_way() -> None:
    topics = {entry.words[0] for entry in console.entries(DOCUMENT)}
    assert topics >= {"email", "warming", "send", "suppressions", "keys", "cleanups", "local"}
