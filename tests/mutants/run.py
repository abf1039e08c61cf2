"""Do the tests notice? A mutant is one edit of a line that matters; the tests named with it have to fail because of it.

    python -m tests.mutants.run [--jobs N] [WORD …]     all mutants, or those whose list or text a WORD names

The lists are the `*.toml` files beside this one. Each mutant is tried in a copy of the tree. It is `killed` when one of
its tests fails, which is named, `survived` when they pass, `stale` when the text that it changes does not stand in its
file exactly once, and `broken` when its tests could not be run. Mutation tools from the package index change code
inside functions only, or without a list to keep; most of what matters here are figures of modules, of the template and
of the state machines.
"""

import argparse
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".kindling", ".aws-sam", "__pycache__", ".*_cache")
# Plugins are named, because others that are installed cost every run their imports.
OPTIONS = ("-p", "xdist.plugin", "-p", "pytest_socket", "-p", "no:cacheprovider", "-m", "not system")
# What pytest exits with, or what ends it after too long a time.
PASSED, FAILED, TOO_LONG = 0, 1, -signal.SIGALRM
OUTCOMES = ("killed", "survived", "stale", "broken")
SECONDS = itertools.count(1_000_000_000)


class Stale(Exception):
    """The text to change does not stand where it should, or not once."""


@dataclass(frozen=True)
class Mutant:
    """In `file`, `was` becomes `now`.

    Where `was` is not unique, `under` is the beginning of the one line beneath which it stands, indented deeper.
    """

    file: str
    was: str
    now: str
    tests: list[str]
    under: str = ""
    listed_in: str = ""

    def __str__(self) -> str:
        place = f"{self.file}, {self.under}" if self.under else self.file
        return " ".join(f"{place}: {self.was}  ->  {self.now or 'nothing'}".split())

    def matches(self, word: str) -> bool:
        return word == self.listed_in or word in str(self)

    def applied(self, text: str) -> str:
        """The file's text with the edit. Raises Stale."""
        begin, end = _block(text, self.under) if self.under else (0, len(text))
        if text.count(self.was, begin, end) != 1:
            raise Stale(str(self))
        return text[:begin] + text[begin:end].replace(self.was, self.now) + text[end:]


def _block(text: str, under: str) -> tuple[int, int]:
    """Where the lines stand that are indented deeper than the one that begins with `under`."""
    found = list(re.finditer(rf"^( *){re.escape(under)}.*\n((?:\1 .*\n|\n)+)", text, flags=re.MULTILINE))
    if len(found) != 1:
        raise Stale(under)
    return found[0].span(2)


def mutants() -> list[Mutant]:
    """Every mutant of every list."""
    return [
        Mutant(part["path"], listed_in=path.stem, **{"tests": part["tests"], **mutant})
        for path in sorted(Path(__file__).parent.glob("*.toml"))
        for part in tomllib.loads(path.read_text())["file"]
        for mutant in part["mutants"]
    ]


def _write(file: Path, text: str) -> None:
    """Write the text under a time of its own: Python knows a changed file by its size and its second."""
    file.write_text(text)
    second = next(SECONDS)
    os.utime(file, (second, second))


class Tree:
    """A copy of the tree, and the server that runs tests in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(shutil.copytree(ROOT, folder, ignore=LEFT_OUT))
        paths = {"PYTHONPATH": f"{folder / 'layers/core'}:{folder / 'client'}:{folder}"}
        # Without files of bytecode every run would compile every module.
        quick = {"PYTHONDONTWRITEBYTECODE": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        self._environment = os.environ | paths | quick
        command = (sys.executable, "-m", "tests.mutants.server")
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(
            command, cwd=folder, env=self._environment, stdin=pipe, stdout=pipe, text=True, bufsize=1
        )

    def try_unchanged(self, tests: list[str], jobs: int) -> None:
        """Run the tests before any edit. Exits when one fails."""
        command = (sys.executable, "-m", "pytest", *OPTIONS, "-n", str(jobs), "--dist", "loadgroup", *tests)
        ran = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        if ran.returncode != PASSED:
            sys.exit(f"The tests fail without any mutant:\n{(ran.stdout + ran.stderr)[-5000:]}")

    def run(self, tests: list[str]) -> tuple[int, str]:
        """Run the tests until one fails; returns what pytest exits with, and what it says."""
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps([*OPTIONS, "-x", *tests]) + "\n")
        code, said = json.loads(self._server.stdout.readline())
        return code, said

    def close(self) -> None:
        self._server.communicate()


def _outcome(mutant: Mutant, tree: Tree) -> tuple[str, str]:
    """What became of a mutant, and the test that killed it or what pytest said."""
    file = tree.folder / mutant.file
    text = file.read_text()
    try:
        _write(file, mutant.applied(text))
        code, said = tree.run(mutant.tests)
    except Stale:
        return "stale", ""
    finally:
        _write(file, text)
    if code == TOO_LONG:
        return "killed", "time"
    if code == FAILED:
        return "killed", " ".join(re.findall(r"^(?:FAILED|ERROR) (\S+)", said, flags=re.MULTILINE))
    return ("survived", "") if code == PASSED else ("broken", said)


def _tried(chosen: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, str, str, float]]:
    """Each mutant with its outcome, what was said and the seconds it took, in the list's order."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as stack:
        trees: SimpleQueue[Tree] = SimpleQueue()
        for number in range(jobs):
            tree = Tree(Path(folder, str(number)))
            stack.callback(tree.close)
            trees.put(tree)
        tree.try_unchanged(sorted({test for mutant in chosen for test in mutant.tests}), jobs)

        def attempt(mutant: Mutant) -> tuple[Mutant, str, str, float]:
            tree = trees.get()
            began = time.perf_counter()
            outcome, said = _outcome(mutant, tree)
            trees.put(tree)
            return mutant, outcome, said, time.perf_counter() - began

        yield from stack.enter_context(ThreadPoolExecutor(jobs)).map(attempt, chosen)


def _report(outcomes: dict[str, Counter[str]]) -> None:
    """A row per list, and one for all."""
    print(f"| list | mutants | {' | '.join(OUTCOMES)} |\n|{' --- |' * (len(OUTCOMES) + 2)}")
    for name, counted in [*outcomes.items(), ("all", sum(outcomes.values(), Counter()))]:
        print(f"| {name} | {counted.total()} | {' | '.join(str(counted[outcome]) for outcome in OUTCOMES)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description="Try whether the tests notice edits of lines that matter.")
    parser.add_argument(
        "words", nargs="*", help="only mutants of these lists, and whose file or text holds one of these"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options = parser.parse_args()
    chosen = [one for one in mutants() if not options.words or any(one.matches(word) for word in options.words)]
    began = time.perf_counter()
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, outcome, said, seconds in _tried(chosen, options.jobs):
        outcomes[mutant.listed_in][outcome] += 1
        by = f"  by {said}" if outcome == "killed" else ""
        print(f"{outcome:9}{seconds:5.1f} s  {mutant}{by}", flush=True)
        if outcome == "broken":
            print(said[-2000:])
    _report(outcomes)
    print(f"{time.perf_counter() - began:.0f} s")
    return 0 if {outcome for counted in outcomes.values() for outcome in counted} <= {"killed"} else 1


if __name__ == "__main__":
    sys.exit(main())
