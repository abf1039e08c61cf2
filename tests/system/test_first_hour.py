"""docs/first-hour.md, typed command by command in a shell, against the local cloud.

With `--write` it keeps what is printed.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.settings import ROOT
from local.tenants import new_tenant
from tests.harness import console
from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

DOCUMENT = ROOT / "docs/first-hour.md"
KINDLING = Path(sys.executable).with_name("kindling")


def typed_in(folder: Path, home: Path) -> console.Typed:
    """Types commands in a folder in which nothing but the local cloud is configured."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("KINDLING_", "XDG_"))}
    environment = inherited | {"HOME": str(folder), "COLUMNS": "120"}

    def typed(words: list[str]) -> tuple[int, str]:
        local = words[0] == "local"
        # A pipe is no terminal; the document shows what one prints.
        more = [] if "--format" in words or local else ["--format", "pretty"]
        ran = subprocess.run(
            [KINDLING, *words, *more],
            cwd=folder,
            env=environment | ({"KINDLING_HOME": str(home)} if local else {}),
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


def newcomer(folder: Path, local: Local) -> None:
    """A tenant who has nothing yet, whose key the local cloud of the folder tells."""
    told = local.description
    key = new_tenant("newcomer", local.home, told["engine_url"], told["table_name"])
    (folder / ".kindling").mkdir()
    (folder / ".kindling/local.json").write_text(json.dumps(told | {"api_key": key}))


def test_the_first_hour_goes_as_it_is_written(local: Local, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    newcomer(tmp_path, local)
    played = console.play(DOCUMENT, typed_in(tmp_path, local.home.path))
    if request.config.getoption("--write"):
        console.write(DOCUMENT, played)
    written = console.entries(DOCUMENT)
    assert [console.steady(entry) for entry in played] == [console.steady(entry) for entry in written]
