"""Do the tests notice? A mutant is one edit of a line that matters; the tests named with it have to fail because of it.

    python -m tests.mutants.run [--jobs N] [WORD …]     all mutants, or those whose file or text holds a WORD

The lists are the `*.toml` files beside this one. Each mutant is tried in a copy of the tree. It is `killed` when its
tests fail, `survived` when they pass, `stale` when the text that it changes does not stand in its file exactly once,
and `broken` when its tests could not be run. Mutation tools from the package index change code inside functions only,
or without a list to keep; most of what matters here are figures of modules, of the template and of the state machines.
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".kindling", ".aws-sam", "__pycache__", ".*_cache")
PYTEST = ("-m", "pytest", "-p", "no:cacheprovider", "-m", "not system")
# What pytest exits with.
PASSED, FAILED = 0, 1
LONGEST_SECONDS = 300
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

    def __str__(self) -> str:
        place = f"{self.file}, {self.under}" if self.under else self.file
        return " ".join(f"{place}: {self.was}  ->  {self.now or 'nothing'}".split())

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
    lists = (tomllib.loads(path.read_text()) for path in sorted(Path(__file__).parent.glob("*.toml")))
    parts = (part for listed in lists for part in listed["file"])
    return [Mutant(part["path"], **{"tests": part["tests"], **mutant}) for part in parts for mutant in part["mutants"]]


def _write(file: Path, text: str) -> None:
    """Write the text under a time of its own: Python knows a changed file by its size and its second."""
    file.write_text(text)
    second = next(SECONDS)
    os.utime(file, (second, second))


def _pytest(tree: Path, *arguments: str, limit: float | None = None) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHONPATH": f"{tree / 'layers/core'}:{tree}"}
    command = (sys.executable, *PYTEST, *arguments)
    environment = os.environ | paths
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=limit, check=False
    )


def _outcome(mutant: Mutant, tree: Path) -> tuple[str, str]:
    """What became of a mutant, and what pytest said."""
    file = tree / mutant.file
    text = file.read_text()
    try:
        _write(file, mutant.applied(text))
        ran = _pytest(tree, "-x", "-q", *mutant.tests, limit=LONGEST_SECONDS)
    except Stale:
        return "stale", ""
    except subprocess.TimeoutExpired:
        return "killed", "by time"
    finally:
        _write(file, text)
    return {FAILED: "killed", PASSED: "survived"}.get(ran.returncode, "broken"), ran.stdout + ran.stderr


def _tried(chosen: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, str, str, float]]:
    """Each mutant with its outcome and the seconds it took, in the list's order."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(jobs) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(jobs):
            trees.put(shutil.copytree(ROOT, Path(folder, str(number)), ignore=LEFT_OUT))
        tests = sorted({test for mutant in chosen for test in mutant.tests})
        sound = _pytest(Path(folder, "0"), "-n", str(jobs), "--dist", "loadgroup", *tests)
        if sound.returncode != PASSED:
            sys.exit(f"The tests fail without any mutant:\n{(sound.stdout + sound.stderr)[-5000:]}")

        def attempt(mutant: Mutant) -> tuple[Mutant, str, str, float]:
            tree = trees.get()
            began = time.perf_counter()
            outcome, said = _outcome(mutant, tree)
            trees.put(tree)
            return mutant, outcome, said, time.perf_counter() - began

        yield from pool.map(attempt, chosen)


def main() -> int:
    parser = argparse.ArgumentParser(description="Try whether the tests notice edits of lines that matter.")
    parser.add_argument("words", nargs="*", help="only mutants whose file or text holds one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options = parser.parse_args()
    chosen = [one for one in mutants() if not options.words or any(word in str(one) for word in options.words)]
    began = time.perf_counter()
    outcomes: Counter[str] = Counter()
    for mutant, outcome, said, seconds in _tried(chosen, options.jobs):
        outcomes[outcome] += 1
        print(f"{outcome:9}{seconds:5.1f} s  {mutant}", flush=True)
        if outcome == "broken":
            print(said[-2000:])
    print(", ".join(f"{outcomes[name]} {name}" for name in ("killed", "survived", "stale", "broken")), end="")
    print(f" of {len(chosen)} mutants in {time.perf_counter() - began:.0f} s")
    return 0 if outcomes.keys() <= {"killed"} else 1


if __name__ == "__main__":
    sys.exit(main())
