"""The package that is deployed to the engine."""

import io
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local import packaging
from local.packaging import Package, package
from local.settings import TEMPLATE, Home, Refused
from tests.local import network


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy of the small stack that a test may change."""
    shutil.copytree(network.TEMPLATE.parent, tmp_path / "stack", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "stack" / "template.yaml"


def archive(of: Package, name: str) -> zipfile.ZipFile:
    key = of.template["Resources"][name]["Properties"]["CodeUri"].rpartition("/")[2]
    return zipfile.ZipFile(io.BytesIO(of.archives[key]))


def test_a_function_has_its_own_bootstrap(template: Path, home: Home) -> None:
    packaged = package(template, home)
    properties = packaged.template["Resources"]["TickFunction"]["Properties"]
    assert properties["Runtime"] == "provided.al2023"
    assert "Runtime" not in packaged.template["Globals"]["Function"]
    assert "Architectures" not in packaged.template["Globals"]["Function"]
    contents = archive(packaged, "TickFunction")
    compiled = f"__pycache__/app.{sys.implementation.cache_tag}.pyc"
    assert set(contents.namelist()) == {"app.py", compiled, "bootstrap"}
    assert contents.getinfo("bootstrap").external_attr >> 16 == 0o755
    # Never checked against its source: PEP 552 sets the lowest bit alone.
    assert contents.read(compiled)[4:8] == b"\x01\x00\x00\x00"
    bootstrap = contents.read("bootstrap").decode()
    assert sys.executable in bootstrap
    assert str(home.build / "layers" / "shared-") in bootstrap


def test_a_layer_is_a_folder_of_compiled_packages(template: Path, home: Home) -> None:
    package(template, home)
    built = {folder.name.partition("-")[0]: folder for folder in (home.build / "layers").iterdir()}
    assert set(built) == {"shared", "dependencies"}
    files = {str(file.relative_to(built["shared"])) for file in built["shared"].rglob("*") if file.is_file()}
    assert files == {"shared/__init__.py", f"shared/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"}
    assert list(built["dependencies"].iterdir()) == []


def test_a_definition_is_inlined_in_the_template(template: Path, home: Home) -> None:
    properties = package(template, home).template["Resources"]["Saga"]["Properties"]
    assert properties["Definition"]["StartAt"] == "Step"
    assert "DefinitionUri" not in properties
    assert "DefinitionSubstitutions" in properties


def test_only_the_clock_file_is_added_to_the_environment(template: Path, home: Home) -> None:
    written = packaging.read_template(template)
    variables = package(template, home).template["Globals"]["Function"]["Environment"]["Variables"]
    before = written["Globals"]["Function"]["Environment"]["Variables"]
    assert variables == before | {"KINDLING_CLOCK_FILE": str(home.clock)}


def test_everything_else_in_the_template_is_unchanged(template: Path, home: Home) -> None:
    written = packaging.read_template(template)
    packaged = package(template, home).template
    assert {name: packaged[name] for name in written if name not in ("Globals", "Resources")} == {
        name: written[name] for name in written if name not in ("Globals", "Resources")
    }
    changed = {"CodeUri", "ContentUri", "Definition", "DefinitionUri", "Runtime"}
    # The engine measures nothing, and does not know every kind of alarm.
    assert written["Resources"].keys() - packaged["Resources"].keys() == {"DeadAlarm"}
    for name, resource in packaged["Resources"].items():
        assert kept(resource, changed) == kept(written["Resources"][name], changed)


def kept(resource: dict[str, Any], changed: set[str]) -> dict[str, Any]:
    return {name: text for name, text in resource.get("Properties", {}).items() if name not in changed}


def test_routes_are_the_functions_events(template: Path, home: Home) -> None:
    assert set(package(template, home).routes) == {
        ("GET /things/{thing_id}", "EchoFunction"),
        ("$default", "EchoFunction"),
        ("POST /misbehave/{how}", "MisbehaveFunction"),
    }


def test_the_same_code_gives_the_same_package(template: Path, home: Home) -> None:
    assert package(template, home).digest == package(template, home).digest


@pytest.mark.parametrize(
    "changed", ["template.yaml", "functions/tick/app.py", "layers/shared/shared/__init__.py", "saga.asl.json"]
)
def test_any_change_gives_another_package(template: Path, home: Home, changed: str) -> None:
    before = package(template, home).digest
    path = template.parent / changed
    path.write_text(path.read_text().replace("Catch", "catch") + ("" if path.suffix == ".json" else "\n# changed\n"))
    if path.suffix == ".yaml":
        path.write_text(path.read_text().replace("Timeout: 10", "Timeout: 11"))
    assert package(template, home).digest != before


def test_code_that_does_not_compile_is_named(template: Path, home: Home) -> None:
    (template.parent / "functions" / "tick" / "app.py").write_text("def broken(:\n")
    with pytest.raises(Refused, match=r"cannot be compiled: .*app\.py, line 1"):
        package(template, home)


def test_a_missing_folder_is_named(template: Path, home: Home) -> None:
    shutil.rmtree(template.parent / "functions" / "tick")
    with pytest.raises(Refused, match="functions/tick, which is not a folder"):
        package(template, home)


def test_the_real_template_can_be_packaged(home: Home) -> None:
    packaged = package(TEMPLATE, home)
    assert "$default" in dict(packaged.routes)
    assert {"AgentMailUrl", "AgentMailSecretArn"} <= packaged.parameters
