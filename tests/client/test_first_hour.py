"""docs/first-hour.md, typed command by command against the handlers. The local cloud has the same test of its own.

With `--write` what has changed is mended; the local cloud's test writes all of it anew.
"""

import pytest

from kindling.sending import service as sending
from local import cli, ticks
from tests.client.conftest import Shell
from tests.conftest import Kindling
from tests.harness import console
from tests.harness.lambdas import invoke
from tests.harness.template import ROOT

DOCUMENT = ROOT / "docs/first-hour.md"
# Commands of the local cloud: here the clock and the functions are at hand.
LOCAL = "local"


def typed_in(shell: Shell, kindling: Kindling) -> console.Typed:
    """Types commands as a terminal would show them."""

    def typed(words: list[str]) -> tuple[int, str]:
        if words[0] == LOCAL:
            return 0, f"{play(words[1], words[2])}\n"
        ran = shell("", *words, *([] if "--format" in words else ["--format", "pretty"]))
        return ran.code, ran.err + ran.out

    def play(command: str, value: str) -> str:
        if command == "advance":
            kindling.clock.at += cli._span(value)
            # As much later nothing is remembered.
            sending._claims.clear()
            return f"The local cloud's clock says {kindling.clock.at:%Y-%m-%d %H:%M:%S} UTC."
        answer = invoke(ticks.pollers()[value], {})
        kindling.work("ReviewAccountsFunction", "reviews")
        return str(answer).replace("'", '"')

    return typed


def test_the_first_hour_goes_as_it_is_written(
    tenant: Shell, kindling: Kindling, request: pytest.FixtureRequest
) -> None:
    played = console.play(DOCUMENT, typed_in(tenant, kindling))
    if request.config.getoption("--write"):
        console.mend(DOCUMENT, played)
    written = console.entries(DOCUMENT)
    assert len(written) > 20
    assert [console.steady(entry) for entry in played] == [console.steady(entry) for entry in written]


def test_every_topic_of_the_first_hour_is_on_the_way() -> None:
    topics = {entry.words[0] for entry in console.entries(DOCUMENT)}
    assert topics >= {"email", "warming", "send", "suppressions", "keys", "cleanups", "local"}
