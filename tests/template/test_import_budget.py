"""The number of modules that a cold start imports, counted in a separate process: the same on every machine."""

import ast
import fcntl
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.harness.template import FUNCTIONS, ROOT

Loaded = dict[str, frozenset[str]]

# About 5 % above the measured numbers: raise one only for an import that the function needs.
BUDGETS = {"api": 562, "steps": 547, "pollers": 570, "workers": 618, "webhooks": 562, "streams": 518, "console": 745}
# Functions that call no other service.
WITHOUT_AWS = {
    "GetHealthFunction": 305,
    "GetIndexFunction": 306,
    "GetOpenapiFunction": 306,
    "GetDocsFunction": 307,
    "RefuseRouteFunction": 306,
}

# Powertools imports these when they are installed, whether used or not.
UNWANTED = {"aws_xray_sdk", "aws_lambda_powertools.utilities.idempotency", "requests"}
# Only the console, which shows pages, is made of these.
OF_PAGES = {"starlette", "mangum", "kindling.console"}

# A process per kind loads what all its functions import; it forks for those that import the same, and they for each.
PROGRAM = """
import json, os, sys
def forked():
    child = os.fork()
    assert not child or os.waitpid(child, 0)[1] == 0
    return not child
common, groups = json.loads(sys.argv[1])
for name in common:
    __import__(name)
for names, folders in groups:
    if forked():
        for name in names:
            __import__(name)
        for folder in folders:
            if forked():
                sys.path.insert(0, folder)
                import app
                print(json.dumps([folder, sorted(sys.modules)]), flush=True)
                os._exit(0)
        os._exit(0)
"""
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "TABLE_NAME": "kindling",
    "PATH": os.environ["PATH"],
}


def kind(function: str) -> str:
    return Path(FUNCTIONS[function]["CodeUri"]).parts[1]


def imports(function: str) -> set[str]:
    tree = ast.parse((ROOT / FUNCTIONS[function]["CodeUri"] / "app.py").read_text())
    return {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}


def load(functions: list[str]) -> Loaded:
    folders = {function: str(ROOT / FUNCTIONS[function]["CodeUri"]) for function in functions}
    groups: dict[tuple[str, ...], list[str]] = {}
    for function, folder in folders.items():
        groups.setdefault(tuple(sorted(imports(function))), []).append(folder)
    common = sorted(set.intersection(*map(imports, functions)))
    program = [sys.executable, "-c", PROGRAM, json.dumps([common, list(groups.items())])]
    ran = subprocess.run(program, env=ENVIRONMENT, capture_output=True, text=True, check=False)  # noqa: S603
    assert ran.returncode == 0, ran.stderr
    found = dict(json.loads(line) for line in ran.stdout.splitlines())
    return {function: frozenset(found[folder]) for function, folder in folders.items()}


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Loaded:
    """The modules loaded after importing each function, by its logical id; computed by one test worker for all."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    with (shared / "imports.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        if not text:
            groups = [[name for name in FUNCTIONS if kind(name) == budget] for budget in BUDGETS]
            with ThreadPoolExecutor(len(groups)) as pool:
                found = {name: sorted(modules) for group in pool.map(load, groups) for name, modules in group.items()}
            text = json.dumps(found)
            file.write(text)
    return {function: frozenset(modules) for function, modules in json.loads(text).items()}


def test_every_kind_of_function_has_a_budget() -> None:
    assert set(BUDGETS) == {kind(function) for function in FUNCTIONS}


@pytest.mark.parametrize("name", BUDGETS)
def test_no_function_loads_more_modules_than_its_kind_may(name: str, loaded: Loaded) -> None:
    counts = {function: len(modules) for function, modules in loaded.items() if kind(function) == name}
    assert {function: count for function, count in counts.items() if count > BUDGETS[name]} == {}


def test_a_budget_is_not_much_more_than_what_is_needed(loaded: Loaded) -> None:
    largest = {name: max(len(m) for f, m in loaded.items() if kind(f) == name) for name in BUDGETS}
    assert {name: largest[name] for name, budget in BUDGETS.items() if budget > largest[name] * 1.08} == {}


def test_nobody_loads_what_no_cold_start_needs(loaded: Loaded) -> None:
    assert {function: modules & UNWANTED for function, modules in loaded.items() if modules & UNWANTED} == {}


def test_only_the_console_loads_what_pages_are_made_of(loaded: Loaded) -> None:
    assert [function for function, modules in loaded.items() if modules & OF_PAGES] == ["ConsoleFunction"]


def test_only_what_calls_a_provider_loads_an_http_client(loaded: Loaded) -> None:
    for function, modules in loaded.items():
        variables = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
        if not any(name.endswith("_SECRET") for name in variables):
            assert "httpx" not in modules, function


def test_no_function_loads_a_router_or_what_only_the_openapi_document_needs(loaded: Loaded) -> None:
    needless = {"aws_lambda_powertools.event_handler", "kindling.entry.document"}
    assert {function: modules & needless for function, modules in loaded.items() if modules & needless} == {}


def test_nobody_uses_the_tracer() -> None:
    sources = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/core/kindling").rglob("*.py")]
    assert [path for path in sources if "Tracer" in path.read_text()] == []


@pytest.mark.parametrize("function", sorted(WITHOUT_AWS))
def test_what_never_calls_aws_does_not_load_its_sdk(function: str, loaded: Loaded) -> None:
    # Powertools imports the bare package for its user agent; only its client is slow to import.
    assert loaded[function] & {"boto3", "botocore.client"} == set()
