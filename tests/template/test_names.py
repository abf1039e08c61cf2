"""One name for folder, resource, sample event and state of a function, and rules for its file."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kindling.entry.route import Route
from kindling.entry.routes import DOCUMENT
from local import openapi
from tests.harness.template import FUNCTIONS, MACHINES, ROOT, TEMPLATE, routes, states

APPS = sorted(path.relative_to(ROOT).parent for path in (ROOT / "functions").rglob("app.py"))
KINDS = {"api", "steps", "pollers", "workers", "webhooks", "streams", "console"}
LONGEST_APP = 40
BRANCHES = (ast.If, ast.IfExp, ast.Match, ast.Try, ast.TryStar, ast.For, ast.While, ast.AsyncFor)
OURS = {"aws_lambda_powertools", "kindling"}
PINNED = ("layers/dependencies/requirements.txt", "functions/console/requirements.txt", "requirements/local.txt")
SOURCES = ("--index", "--extra-index", "index-url", "index_url", "find-links", "find_links")

apps = pytest.mark.parametrize("folder", APPS, ids=str)


def resource(folder: Path) -> str:
    """`functions/api/create_domain` is `CreateDomainFunction`."""
    return "".join(word.capitalize() for word in folder.name.split("_")) + "Function"


def parsed(folder: Path) -> ast.Module:
    return ast.parse((ROOT / folder / "app.py").read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    """The top-level package of every import, nested ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0] if node.level == 0 else "a sibling"


def environments() -> Iterator[tuple[str, str, Any]]:
    """The function, name and value of every environment variable."""
    places = {"Globals": TEMPLATE["Globals"]["Function"], **FUNCTIONS}
    for place, properties in places.items():
        for name, value in properties.get("Environment", {}).get("Variables", {}).items():
            yield place, name, value


def pins(path: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / path).read_text(), flags=re.MULTILINE)
    return {name.lower(): version for name, version in found}


def test_every_folder_is_a_function_and_every_function_a_folder() -> None:
    assert {str(folder): resource(folder) for folder in APPS} == {p["CodeUri"]: name for name, p in FUNCTIONS.items()}


def test_a_folder_has_nothing_but_its_app() -> None:
    found = {path.relative_to(ROOT) for path in (ROOT / "functions").rglob("*") if path.is_file()}
    sources = {path for path in found if path.suffix != ".pyc"}
    # What is built with the console's own dependencies, which no other function has.
    building = {Path("functions/console") / name for name in ("Makefile", "requirements.txt")}
    assert sources == {folder / "app.py" for folder in APPS} | building
    assert {folder.parts[1] for folder in APPS} <= KINDS


def test_every_function_has_a_sample_event_of_its_name() -> None:
    events = {path.relative_to(ROOT / "events").with_suffix("") for path in (ROOT / "events").rglob("*.json")}
    assert events == {folder.relative_to("functions") for folder in APPS}


def test_only_what_registers_a_name_is_told_of_reserved_ones_and_aws_refuses_them() -> None:
    told = {place: value for place, name, value in environments() if name == "RESERVED_NAMES"}
    registering = ("CreateDomainFunction", "CreateSendingDomainFunction")
    assert told == {key: {"Ref": "ReservedNames"} for key in registering}
    parameter = TEMPLATE["Parameters"]["ReservedNames"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("refuse", ["refuse", "allow"])


def test_every_step_is_called_by_a_state_of_its_name_or_by_an_undo() -> None:
    callers: dict[str, set[str]] = {}
    for machine in MACHINES:
        for name, state in states(machine).items():
            if state["Type"] == "Task":
                callers.setdefault(state["Arguments"]["FunctionName"][2:-4], set()).add(name)
    steps = {resource(folder) for folder in APPS if folder.parts[1] == "steps"}
    assert set(callers) == steps
    for function, called in callers.items():
        stem = function.removesuffix("Function")
        # Cleanups have one state per kind of resource.
        assert all(state.startswith((stem, "Undo")) for state in called), function
        assert stem in called or stem == "CleanUp" or all(state.startswith("Undo") for state in called), function


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_and_its_file_have_one_name(machine: str) -> None:
    snake = re.sub(r"(?<!^)([A-Z])", r"_\1", machine).lower()
    assert MACHINES[machine]["DefinitionUri"] == f"statemachines/{snake}.asl.json"


@apps
def test_an_app_is_short_and_says_what_it_is(folder: Path) -> None:
    assert len((ROOT / folder / "app.py").read_text().splitlines()) <= LONGEST_APP
    assert (ast.get_docstring(parsed(folder)) or "").endswith(".")


@apps
def test_an_app_imports_the_standard_library_powertools_and_kindling(folder: Path) -> None:
    assert {name for name in imported(parsed(folder)) if name not in sys.stdlib_module_names} <= OURS


@apps
def test_an_app_branches_on_nothing(folder: Path) -> None:
    assert [node.lineno for node in ast.walk(parsed(folder)) if isinstance(node, BRANCHES)] == []


@apps
def test_an_app_has_one_handler_of_the_name_that_the_template_gives(folder: Path) -> None:
    handler = TEMPLATE["Globals"]["Function"]["Handler"]
    assert handler == "app.lambda_handler"
    names = [node.name for node in parsed(folder).body if isinstance(node, ast.FunctionDef)]
    assert names.count("lambda_handler") == 1


def test_every_route_of_the_template_leads_to_the_function_that_declares_it() -> None:
    declared = {f"{one.method} {one.path}": resource(Path(one.name)) for one in openapi.routes()}
    assert declared == {route: function for route, function in routes().items() if route != "$default"}


def test_the_openapi_document_and_the_table_of_routes_are_made_of_the_declarations() -> None:
    assert DOCUMENT.read_text() == openapi.text(), "run make openapi"
    guide = openapi.GUIDE.read_text()
    assert guide == openapi.table(guide), "run make openapi"


@pytest.mark.parametrize("one", list(openapi.routes()), ids=lambda one: one.name)
def test_a_sample_request_is_made_of_its_routes_declaration(one: Route) -> None:
    assert openapi.sample(one).read_text() == openapi.event_text(one), "run make openapi"


def test_a_route_names_the_parameters_of_its_path_and_no_others() -> None:
    for one in openapi.routes():
        source = (ROOT / "functions" / Path(*one.run.__module__.split(".")[1:-1]) / "app.py").read_text()
        used = set(re.findall(r"request\.ids\[\"(\w+)\"\]", source))
        assert used == set(re.findall(r"\{(\w+)\}", one.path)), one.name


def test_no_environment_moves_the_clock() -> None:
    assert [place for place, name, _ in environments() if name == "KINDLING_CLOCK_FILE"] == []
    assert "KINDLING_CLOCK_FILE" not in (ROOT / "template.yaml").read_text()


def test_no_environment_holds_a_secret() -> None:
    for place, name, value in environments():
        if re.search(r"SECRET|KEY(?!_REQUESTS|_CREATES)|TOKEN|PASSWORD", name):
            assert name.endswith("_SECRET"), (place, name)
            assert value["Ref"] == "DeploymentSecret" or value["Ref"].endswith("SecretArn"), (place, name)
            # An optional secret is none by default.
            assert TEMPLATE["Parameters"].get(value["Ref"], {}).get("Default", "") == "", (place, name)


def test_the_settings_are_those_that_the_template_gives() -> None:
    text = (ROOT / "layers/core/kindling/platform/settings.py").read_text()
    read = set(re.findall(r'os\.environ\.get\("(\w+)"', text))
    given = {name for _, name, _ in environments()}
    # Only set by the local cloud and by tests.
    assert read - given == {"KINDLING_CLOCK_FILE", "PROVIDER_TIMEOUT_SECONDS", "SAGA_WAIT_SECONDS"}
    assert given <= read


@pytest.mark.parametrize("path", PINNED)
def test_one_package_has_one_version_everywhere(path: str) -> None:
    tested = pins("requirements/dev.txt")
    found = pins(path)
    assert found
    assert {name: version for name, version in found.items() if tested.get(name, version) != version} == {}


def test_whatever_the_layer_brings_is_tested_here() -> None:
    assert set(pins(PINNED[0])) <= set(pins("requirements/dev.txt"))


def test_no_requirement_says_where_to_download_it() -> None:
    exported = [ROOT / folder / "requirements.txt" for folder in ("layers/dependencies", "functions/console")]
    files = [*(ROOT / "requirements").iterdir(), *exported]
    for path in files:
        text = path.read_text()
        assert [word for word in (*SOURCES, "://") if word in text] == [], path


def test_no_configuration_says_where_to_download_packages() -> None:
    patterns = ("pyproject.toml", "Makefile", "samconfig.toml", "template.yaml", "*/*/Makefile", "local/**/*.py")
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        text = path.read_text()
        assert [word for word in SOURCES if word in text] == [], path
