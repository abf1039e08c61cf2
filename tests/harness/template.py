"""template.yaml as data; CloudFormation's short tags are mappings with one key."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    pass


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)

TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)  # noqa: S506
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type, by logical id."""
    return {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
MACHINES = of_type("AWS::Serverless::StateMachine")
ROLES = of_type("AWS::IAM::Role")
POLICIES = of_type("AWS::IAM::ManagedPolicy")
_SOURCES = of_type("AWS::Lambda::EventSourceMapping")
# From queues, and from the table's stream.
MAPPINGS = {name: p for name, p in _SOURCES.items() if "Queue" in p["EventSourceArn"]["GetAtt"]}
STREAMS = {name: p for name, p in _SOURCES.items() if name not in MAPPINGS}


def shared_role(properties: dict[str, Any]) -> str:
    """The logical id of the role that a function shares with others; empty if SAM gives it its own."""
    name: str = properties.get("Role", {}).get("GetAtt", "")
    return name.removesuffix(".Arn")


def policies(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """What a function or machine may do, by its own policies or by those of the role that it shares; AWS's left out."""
    if role := shared_role(properties):
        return [policy for policy in ROLES[role]["ManagedPolicyArns"] if "Ref" in policy]
    own: list[dict[str, Any]] = properties.get("Policies", [])
    return own


def states(machine: str) -> dict[str, dict[str, Any]]:
    """The states of a machine by their names, with those inside its maps."""
    found: dict[str, dict[str, Any]] = json.loads((ROOT / MACHINES[machine]["DefinitionUri"]).read_text())["States"]
    inner = [state["ItemProcessor"]["States"] for state in found.values() if state["Type"] == "Map"]
    for within in inner:
        found |= within
    return found


@cache
def served() -> dict[str, str]:
    """The logical ids of functions by route key, such as `GET /path` or `$default`."""
    by_key = {}
    for name, properties in FUNCTIONS.items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "HttpApi":
                route = event["Properties"]
                by_key[f"{route['Method']} {route['Path']}" if "Path" in route else "$default"] = name
    return by_key


@cache
def routes() -> dict[str, str]:
    """Those of the API; the console has pages."""
    return {key: name for key, name in served().items() if FUNCTIONS[name]["CodeUri"] != "functions/console"}
