"""Packages the template for the engine, as `sam build` and `sam package` do for AWS.

The template is used as written, except for what the engine does not support: functions run on `provided.al2023` with a
`bootstrap` that starts a process of this Python environment from which they are forked, layers are folders on its path,
the definitions of state machines are inlined, and there are neither alarms nor a dashboard, since the engine measures
nothing. With the sandbox, every function gets the variable KINDLING_CLOCK_FILE.
"""

import hashlib
import io
import json
import py_compile
import shlex
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local import worker
from local.settings import ROOT, Home, Refused

BUCKET = "kindling-packages"
RUNTIME = "provided.al2023"
FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"
STATE_MACHINE = "AWS::Serverless::StateMachine"
WATCHING = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard")
EPOCH = (2020, 1, 1, 0, 0, 0)
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@dataclass(frozen=True)
class Package:
    """A template for the engine, and the archives that it refers to, by their keys in the bucket."""

    template: dict[str, Any]
    archives: dict[str, bytes]

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the template's parameters."""
        return frozenset(self.template.get("Parameters", {}))

    @property
    def routes(self) -> list[tuple[str, str]]:
        """The API's route keys and the logical ids of their functions; a route without a path is `$default`."""
        routes = []
        for name, resource in self.template["Resources"].items():
            for event in resource.get("Properties", {}).get("Events", {}).values():
                if resource["Type"] == FUNCTION and event["Type"] == "HttpApi":
                    route = event.get("Properties") or {}
                    key = f"{route.get('Method', 'ANY').upper()} {route['Path']}" if "Path" in route else "$default"
                    routes.append((key, name))
        return routes

    @property
    def body(self) -> str:
        return json.dumps(self.template)

    @property
    def digest(self) -> str:
        """A digest of the template and the code, since archives are named by their content."""
        return hashlib.sha256(self.body.encode()).hexdigest()


def read_template(path: Path) -> dict[str, Any]:
    """A template with its short tags, such as `!Ref`, in their long form. Raises Refused when there is no file."""
    if not path.exists():
        raise Refused(f"There is no template at {path}.")
    template: dict[str, Any] = yaml_parse(path.read_text())
    return template


def package(template_path: Path, home: Home) -> Package:
    """Build the functions and layers of the template, and inline its state machines. Raises Refused."""
    template = read_template(template_path)
    root = template_path.parent
    common = template.setdefault("Globals", {}).setdefault("Function", {})
    variables = common.setdefault("Environment", {}).setdefault("Variables", {})
    if not home.real:
        variables["KINDLING_CLOCK_FILE"] = str(home.clock)
    for name in ("Runtime", "Architectures"):
        common.pop(name, None)
    resources = {name: one for name, one in template["Resources"].items() if one["Type"] not in WATCHING}
    template["Resources"] = resources
    layers = {
        name: _build_layer(root / resource["Properties"]["ContentUri"], home)
        for name, resource in resources.items()
        if resource["Type"] == LAYER
    }
    archives: dict[str, bytes] = {}
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == FUNCTION:
            references = [*common.get("Layers", []), *properties.get("Layers", [])]
            paths = [layers[reference["Ref"]] for reference in references if reference["Ref"] in layers]
            archive = _function_archive(root / properties["CodeUri"], paths, home)
            properties |= {"CodeUri": _add(archives, archive), "Runtime": RUNTIME}
            for name in ("Architectures", "DeploymentPreference"):
                properties.pop(name, None)
        elif resource["Type"] == LAYER:
            properties["ContentUri"] = _add(archives, _archive({"layer.txt": f"{name}\n".encode()}))
        elif resource["Type"] == STATE_MACHINE and isinstance(properties.get("DefinitionUri"), str):
            properties["Definition"] = json.loads((root / properties.pop("DefinitionUri")).read_text())
        resource.pop("Metadata", None)
    return Package(template, archives)


def _build_layer(content: Path, home: Home) -> Path:
    """The folder with a layer's own Python packages, compiled. Third-party ones are imported from the venv."""
    packages = sorted(entry.parent for entry in content.glob("*/__init__.py"))
    files = [file for folder in packages for file in _files(folder)]
    digest = _digest([(str(file.relative_to(content)), file.read_bytes()) for file in files])
    target = home.build / "layers" / f"{content.name}-{digest}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            draft = Path(scratch) / "python"
            draft.mkdir()
            for folder in packages:
                shutil.copytree(folder, draft / folder.name, ignore=IGNORED)
            for source in draft.rglob("*.py"):
                _compile(source, str(target / source.relative_to(draft)))
            draft.rename(target)
    return target


def _function_archive(code: Path, layers: list[Path], home: Home) -> bytes:
    """An archive of a function's files, compiled, and the `bootstrap` of the process that they are run by."""
    if not code.is_dir():
        raise Refused(f"The template names {code}, which is not a folder.")
    contents = {str(file.relative_to(code)): file.read_bytes() for file in _files(code)}
    with tempfile.TemporaryDirectory() as scratch:
        for name in [name for name in contents if name.endswith(".py")]:
            source = Path(scratch) / name
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_bytes(contents[name])
            compiled = _compile(source, name)
            contents[str(compiled.relative_to(scratch))] = compiled.read_bytes()
    contents["bootstrap"] = bootstrap(layers, home).encode()
    return _archive(contents)


def bootstrap(layers: list[Path], home: Home) -> str:
    command = [sys.executable, "-P", "-m", worker.__name__, "--home", str(home.path), *map(str, layers)]
    return f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.join(command)}\n"


def _compile(source: Path, traceback_name: str) -> Path:
    """Compile to bytecode that is never checked against its source, so that cold starts neither compile nor check."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        return Path(str(py_compile.compile(str(source), dfile=traceback_name, doraise=True, invalidation_mode=mode)))
    except py_compile.PyCompileError as error:
        raise Refused(f"The code cannot be compiled: {error.exc_value}.") from None


def _files(folder: Path) -> list[Path]:
    return sorted(
        file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc" and not file.name.startswith(".")
    )


def _archive(contents: dict[str, bytes]) -> bytes:
    """A reproducible zip archive: the same contents give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def _add(archives: dict[str, bytes], archive: bytes) -> str:
    key = f"{hashlib.sha256(archive).hexdigest()}.zip"
    archives[key] = archive
    return f"s3://{BUCKET}/{key}"


def _digest(files: list[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name, data in files:
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]
