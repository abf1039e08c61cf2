"""What CloudFormation makes of the template: SAM's transform, run here, and the difference between two results."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local.settings import REGION

# SAM tells of features that it leaves to its own service.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


@dataclass(frozen=True)
class Change:
    """What a deployment does to one resource: `created`, `changed` or `removed`."""

    action: str
    kind: str
    name: str


def transformed(text: str, root: Path, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The CloudFormation template that SAM makes of `text`, whose paths begin at `root`.

    Code is named by a digest of what the folder holds, as `sam package` does, so that only functions whose code differs
    differ; state machines are inlined.
    """
    template: dict[str, Any] = yaml_parse(text)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] in CODE:
            name = CODE[resource["Type"]]
            properties[name] = f"s3://code/{_digest(root / properties[name])}"
        elif "DefinitionUri" in properties:
            properties["Definition"] = json.loads((root / properties.pop("DefinitionUri")).read_text())
    # The region only selects the partition.
    session = boto3.session.Session(region_name=REGION)
    made: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(template, dict(parameters or {}))
    return made


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """What leads from one transformed template to another, by type and name. `old` may be empty."""
    before, after = old.get("Resources", {}), new["Resources"]
    kinds = {name: resource["Type"] for name, resource in (before | after).items()}
    for name in sorted(kinds, key=lambda name: (kinds[name], name)):
        if before.get(name) != after.get(name):
            action = "created" if name not in before else "changed" if name in after else "removed"
            yield Change(action, kinds[name], name)


def _digest(folder: Path) -> str:
    """A digest of the files below a folder, bytecode aside."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            data = file.read_bytes()
            digest.update(f"{file.relative_to(folder)}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()[:16]
