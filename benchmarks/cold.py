"""Measures what a cold start imports: `.venv/bin/python benchmarks/cold.py`.

Each function is imported in processes of its own, in turn; the CPU time is what its import takes
after the interpreter has started. Only its ratio to the first function's says something on another machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict

from benchmarks.page import row
from tests.harness.template import FUNCTIONS, ROOT
from tests.template.test_import_budget import BUDGETS, ENVIRONMENT, kind

MEASURED = ("ListDomainsFunction", "ConsoleFunction")
PROGRAM = """
import json, sys, time
before = time.process_time()
import app
print(json.dumps([time.process_time() - before, len(sys.modules)]))
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=25)
    runs = parser.parse_args().runs
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    modules: dict[str, int] = {}
    # The first round compiles, and is not counted.
    for number in range(runs + 1):
        for function in MEASURED:
            took, modules[function] = _import(function)
            seconds[function] += [took] if number else []
    first = statistics.median(seconds[MEASURED[0]])
    print(row("function", "modules", "budget", "CPU", "ratio to the first"))
    print(row(*["---"] * 5))
    for function in MEASURED:
        median = statistics.median(seconds[function])
        budget = BUDGETS[kind(function)]
        print(row(function, str(modules[function]), str(budget), f"{median * 1000:.0f} ms", f"{median / first:.2f}"))


def _import(function: str) -> tuple[float, int]:
    """The CPU seconds that importing a function takes, and the modules that are loaded then."""
    paths = (ROOT / FUNCTIONS[function]["CodeUri"], ROOT / "layers/core")
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    took, modules = json.loads(ran.stdout)
    return took, modules


if __name__ == "__main__":
    main()
