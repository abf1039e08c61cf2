"""The inspection of what `sam build` made, on small builds that a test spoils; and of the layer as it is built here."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from local import artifacts
from local.settings import ROOT

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Core: { Type: AWS::Serverless::LayerVersion, Properties: { ContentUri: Core } }
  Send: { Type: AWS::Serverless::Function, Properties: { CodeUri: Send } }
"""
NATIVE = "python/fast/_fast.cpython-313-aarch64-linux-gnu.so"


def elf(machine: int) -> bytes:
    """The head of an ELF file for a processor."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little")


def write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def module(folder: Path, name: str, text: str = "", flags: bytes = b"\x01\x00\x00\x00") -> None:
    """A module with bytecode of the runtime, whose flags say how it is checked."""
    write(folder / f"{name}.py", text)
    write(folder / f"__pycache__/{name}.cpython-313.pyc", importlib.util.MAGIC_NUMBER + flags)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build with one layer and one function, with which nothing is wrong."""
    write(tmp_path / "template.yaml", TEMPLATE)
    module(tmp_path / "Core/python/kindling", "__init__", "import json\nimport boto3\nimport fast")
    module(tmp_path / "Core/python/fast", "__init__", "from ._fast import go")
    write(tmp_path / "Core" / NATIVE, elf(183))
    write(tmp_path / "Send/app.py", "from kindling import anything\n")
    return tmp_path


def test_nothing_is_said_of_a_good_build(build: Path) -> None:
    assert artifacts.inspect(build) == []


def test_a_folder_that_is_missing_is_the_only_thing_said(build: Path) -> None:
    shutil.rmtree(build / "Send")
    assert artifacts.inspect(build) == ["Send was not built."]


@pytest.mark.parametrize("content", [elf(62), b"MZ" + bytes(30)], ids=["of another processor", "of another system"])
def test_an_extension_module_of_another_machine_is_found(build: Path, content: bytes) -> None:
    write(build / "Core" / NATIVE, content)
    assert artifacts.inspect(build) == [f"{NATIVE} is not for aarch64."]


def test_an_extension_module_of_another_python_is_found(build: Path) -> None:
    other = NATIVE.replace("313", "312")
    (build / "Core" / NATIVE).rename(build / "Core" / other)
    assert artifacts.inspect(build) == [f"{other} is not for cpython-313."]


def test_an_extension_module_for_every_python_is_welcome(build: Path) -> None:
    write(build / "Core/python/fast/_any.abi3.so", elf(183))
    assert artifacts.inspect(build) == []


def test_a_module_that_every_cold_start_would_compile_is_found(build: Path) -> None:
    cache = build / "Core/python/fast/__pycache__"
    (cache / "__init__.cpython-313.pyc").rename(cache / "__init__.cpython-312.pyc")
    assert artifacts.inspect(build) == ["python/fast/__init__.py has no bytecode of cpython-313."]


def test_bytecode_that_is_compared_with_a_date_is_found(build: Path) -> None:
    module(build / "Core/python/fast", "__init__", flags=b"\x00\x00\x00\x00")
    assert artifacts.inspect(build) == ["python/fast/__init__.py has bytecode that is checked against the file's date."]


def test_an_import_that_nothing_brings_is_found(build: Path) -> None:
    write(build / "Send/app.py", "import os\nimport numpy.linalg\nfrom kindling import anything\n")
    module(build / "Core/python/kindling", "rules", "def late():\n    from scipy import stats\n")
    assert artifacts.inspect(build) == [
        "Send imports numpy, which nothing brings.",
        "kindling imports scipy, which nothing brings.",
    ]


def test_what_only_type_checkers_import_need_not_be_there(build: Path) -> None:
    module(build / "Core/python/kindling", "rules", "if TYPE_CHECKING:\n    import mypy_boto3_sqs\nelse:\n    pass\n")
    assert artifacts.inspect(build) == []


def test_a_function_may_be_as_large_as_lambda_takes_with_its_layers_and_no_larger(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = artifacts.size(build / "Core") + artifacts.size(build / "Send")
    monkeypatch.setattr(artifacts, "MOST_BYTES", whole)
    assert artifacts.inspect(build) == []
    monkeypatch.setattr(artifacts, "MOST_BYTES", whole - 1)
    assert artifacts.inspect(build) == [f"Send and its layers have more than {whole - 1} bytes: {whole}."]


def test_lambda_takes_250_megabytes() -> None:
    assert artifacts.MOST_BYTES == 250 * 1024 * 1024


def test_what_our_code_imports_is_pinned_in_the_dependencies_or_in_the_runtime() -> None:
    """By their names on the package index; where a package's module has another, here it is."""
    modules = {
        "aws-lambda-powertools": "aws_lambda_powertools",
        "dnspython": "dns",
        "publicsuffixlist": "publicsuffixlist",
    }
    pinned = "".join(
        (ROOT / folder / "requirements.txt").read_text() for folder in ("layers/dependencies", "functions/console")
    )
    names = [line.partition("==")[0] for line in pinned.splitlines() if "==" in line]
    brought = {modules.get(name, name.replace("-", "_")) for name in names} | {"kindling"}
    assert artifacts.imports(ROOT / "layers/core/kindling") | artifacts.imports(ROOT / "functions") <= brought


@pytest.mark.parametrize("layer", ["core", "dependencies"])
def test_a_layer_is_not_built_by_another_python_than_the_runtimes(layer: str, tmp_path: Path) -> None:
    target = "build-CoreLayer" if layer == "core" else "build-DependenciesLayer"
    other = tmp_path / "python"
    write(other, "#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    refused = subprocess.run(  # noqa: S603
        ["make", "-s", target, f"ARTIFACTS_DIR={tmp_path / 'out'}", f"PYTHON={other}"],  # noqa: S607
        cwd=ROOT / "layers" / layer,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "install it, or run sam build --use-container." in refused.stderr
    assert not (tmp_path / "out").exists()
