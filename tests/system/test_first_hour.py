"""docs/first-hour.md, typed command by command in a shell, against the local cloud.

With `--write` it keeps what is printed.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.launcher import LocalCloud
from local.settings import ROOT
from tests.harness import console
from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

DOCUMENT = ROOT / "docs/first-hour.md"
KINDLING = Path(sys.executable).with_name("kindling")


def typed_in(home: Path, folder: Path) -> console.Typed:
    """Types commands in a folder in which nothing but the local cloud is configured."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("KINDLING_", "XDG_"))}
    environment = inherited | {"KINDLING_HOME": str(home), "HOME": str(folder), "COLUMNS": "120"}

    def typed(words: list[str]) -> tuple[int, str]:
        # A pipe is no terminal; the document shows what one prints.
        more = [] if "--format" in words or words[0] == "local" else ["--format", "pretty"]
        ran = subprocess.run(
            [KINDLING, *words, *more],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if words[:2] == ["local", "tick"]:
            # What a poller has queued is worked off meanwhile.
            time.sleep(3)
        return ran.returncode, ran.stdout

    return typed


def test_the_first_hour_goes_as_it_is_written(
    cloud: LocalCloud, local: Local, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    played = console.play(DOCUMENT, typed_in(local.home.path, tmp_path))
    if request.config.getoption("--write"):
        console.write(DOCUMENT, played)
    written = console.entries(DOCUMENT)
    assert [console.steady(entry) for entry in played] == [console.steady(entry) for entry in written]
