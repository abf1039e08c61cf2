"""Inspects what `sam build` made: whether it would run on Lambda, and fits there."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.doctor import RUNTIME
from local.packaging import FUNCTION, LAYER, read_template
from local.transform import CODE

TAG = f"cpython-{RUNTIME[0]}{RUNTIME[1]}"
MACHINE = "aarch64"
ELF_MACHINE = 183  # EM_AARCH64 of the ELF specification
UNCHECKED = b"\x01\x00\x00\x00"  # PEP 552: bytecode by hash that is never compared with its source
MOST_BYTES = 262_144_000  # docs.aws.amazon.com/lambda, "Lambda quotas": 250 MB unzipped, layers included
# What Lambda's runtime brings itself.
PROVIDED = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"}


def inspect(build: Path) -> list[str]:
    """What would keep the functions in a build folder from running on Lambda; nothing when all is well."""
    resources = read_template(build / "template.yaml")["Resources"]
    layers, functions = _folders(build, resources, LAYER), _folders(build, resources, FUNCTION)
    faults = [f"{folder.name} was not built." for folder in (*layers, *functions) if not folder.is_dir()]
    if faults:
        return faults
    packages = {entry.name.partition(".")[0] for layer in layers for entry in (layer / "python").glob("*")}
    common = sum(map(size, layers))
    for layer in layers:
        faults += [*binaries(layer), *bytecode(layer)]
    for folder in (*functions, *(layer / "python/kindling" for layer in layers)):
        faults += [
            f"{folder.name} imports {name}, which nothing brings." for name in sorted(imports(folder) - packages)
        ]
    for folder in functions:
        if common + size(folder) > MOST_BYTES:
            faults.append(f"{folder.name} and its layers have more than {MOST_BYTES} bytes: {common + size(folder)}.")
    return faults


def binaries(layer: Path) -> Iterator[str]:
    """The extension modules of a layer that are not for the runtime's Python and processor."""
    for file in sorted(layer.rglob("*.so*")):
        head = file.read_bytes()[:20]
        machine = int.from_bytes(head[18:20], "little")
        if head[:4] != b"\x7fELF" or machine != ELF_MACHINE:
            yield f"{file.relative_to(layer)} is not for {MACHINE}."
        elif "cpython-" in file.name and TAG not in file.name:
            yield f"{file.relative_to(layer)} is not for {TAG}."


def bytecode(layer: Path) -> Iterator[str]:
    """The modules of a layer that a cold start would compile: without bytecode of the runtime, or with checked one."""
    for source in sorted(layer.rglob("*.py")):
        compiled = source.parent / "__pycache__" / f"{source.stem}.{TAG}.pyc"
        if not compiled.exists():
            yield f"{source.relative_to(layer)} has no bytecode of {TAG}."
        elif compiled.read_bytes()[4:8] != UNCHECKED:
            yield f"{source.relative_to(layer)} has bytecode that is checked against the file's date."


def size(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def imports(folder: Path) -> set[str]:
    """The top-level packages that the code below a folder imports, but for the standard library and the runtime's."""
    trees = [ast.parse(source.read_text()) for source in folder.rglob("*.py")]
    found = set[str]().union(*(_imported(node) for tree in trees for node in _run(tree)))
    return found - sys.stdlib_module_names - PROVIDED


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but for what only type checkers read."""
    yield node
    if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        for child in ast.iter_child_nodes(node):
            yield from _run(child)


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").partition(".")[0]}
    return set()


def _folders(build: Path, resources: Any, kind: str) -> list[Path]:
    found = {build / str(one["Properties"][CODE[kind]]) for one in resources.values() if one["Type"] == kind}
    return sorted(found)
