"""The distribution by itself: it needs nothing of the server, and loads only what a command uses."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.template import ROOT

CLIENT = ROOT / "client"
PACKAGES = ("kindling_cli", "kindling_client", "kindling_mcp")
# What pydantic and mcp bring along.
BROUGHT = {"pydantic_core", "mcp_types"}


def imported(package: str) -> Iterator[str]:
    """The names of all packages that a package imports, also within functions."""
    for path in sorted((CLIENT / package).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield str(node.module).partition(".")[0]


@pytest.mark.parametrize(
    ("package", "needs"),
    [
        ("kindling_client", {"httpx", "pydantic"}),
        ("kindling_cli", {"kindling_client", "kindling_mcp", "click", "rich", "httpx"}),
        ("kindling_mcp", {"kindling_client", "mcp", "pydantic"}),
    ],
)
def test_a_package_imports_what_the_distribution_names(package: str, needs: set[str]) -> None:
    others = set(imported(package)) - set(sys.stdlib_module_names) - {package} - BROUGHT
    assert others == needs
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["mcp"] if package == "kindling_mcp" else []
    named = {one.partition(">=")[0] for one in [*project["dependencies"], *extra]}
    assert needs - {"kindling_client", "kindling_mcp"} <= named


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["completion", "bash"], ["email", "account", "--help"], ["mcp", "--help"]]
)
def test_what_calls_nothing_loads_neither_the_client_nor_tables(words: list[str]) -> None:
    program = (
        "import sys\nfrom kindling_cli.main import main\ncode = main(sys.argv[1:])\n"
        "heavy = {'httpx', 'pydantic', 'rich', 'local', 'mcp'} & sys.modules.keys()\n"
        "print(*sorted(heavy), file=sys.stderr)\nsys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stderr.split() == []


def test_every_file_belongs_to_one_of_the_packages() -> None:
    tracked = {path.name for path in CLIENT.iterdir() if not path.name.startswith((".", "__"))}
    assert tracked == {"README.md", *PACKAGES, "pyproject.toml"}
    assert all((CLIENT / package / "py.typed").exists() for package in PACKAGES)


def test_files_written_by_hand_are_short() -> None:
    written = {"models.py", "operations.py", "async_operations.py"}
    long = {path.name for path in Path(CLIENT).glob("*/*.py") if len(path.read_text().splitlines()) >= 400}
    assert long <= written
