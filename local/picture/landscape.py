"""The template as rows of functions, and the state machines, queues and secrets that each row uses."""

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.packaging import FUNCTION, STATE_MACHINE, read_template

QUEUE = "AWS::SQS::Queue"
MAPPING = "AWS::Lambda::EventSourceMapping"
START = "states:StartExecution"
# The endings of the environment variables that name what a function uses.
REFERENCE_SUFFIXES = ("_ARN", "_QUEUE_URL", "_SECRET")
INVOCATION = re.compile(r"\$\{(\w+)Arn\}")
TAG = re.compile(r"\btag=\"(\w+)\"")
PARAMETER = re.compile(r"\{\w+\}")
HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Lane:
    """A machine, a queue or a secret that rows use. `owner` is the provider that a secret is for."""

    key: str
    label: str
    owner: str = ""


@dataclass(frozen=True)
class Row:
    """A group of functions, by their folders' names, and the lanes that they use.

    `entry` is the lane that leads to the row, such as a worker's queue.
    """

    title: str
    note: str
    functions: tuple[str, ...]
    reaches: frozenset[str]
    entry: str = ""


@dataclass(frozen=True)
class Landscape:
    """All rows by kind, and all lanes that a row uses, in the order of the template."""

    rows: dict[str, list[Row]]
    machines: list[Lane]
    queues: list[Lane]
    secrets: list[Lane]
    table: str


@dataclass
class _Family:
    paths: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)


class _Template:
    """The template with its references resolved as far as the picture needs them."""

    def __init__(self, path: Path) -> None:
        self._root = path.parent
        self._template = read_template(path)
        self._resources: dict[str, dict[str, Any]] = self._template["Resources"]
        self.functions = self.of_type(FUNCTION)
        self.machines = self.of_type(STATE_MACHINE)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: r["Properties"] for name, r in self._resources.items() if r["Type"] == kind}

    def events(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, properties in self.functions.items():
            for event in properties.get("Events", {}).values():
                if event["Type"] == kind:
                    yield name, event["Properties"]

    def stem(self, function: str) -> str:
        return Path(self.functions[function]["CodeUri"]).name

    def kind(self, function: str) -> str:
        return Path(self.functions[function]["CodeUri"]).parent.name

    def tag(self, function: str) -> str:
        """The tag in the route's declaration; empty without one."""
        source = (self._root / self.functions[function]["CodeUri"] / "app.py").read_text()
        found = TAG.search(source)
        return found[1] if found else ""

    def reached(self, function: str) -> frozenset[str]:
        """The resources in the function's environment, and the machines that its policies allow it to start."""
        properties = self.functions[function]
        variables = properties.get("Environment", {}).get("Variables", {})
        referenced = {_named(value) for name, value in variables.items() if name.endswith(REFERENCE_SUFFIXES)}
        return frozenset(referenced | self._started(properties))

    def _started(self, properties: dict[str, Any]) -> set[str]:
        """The machines that its policies allow it to start: it may read an ARN from an item instead of a variable."""
        statements = [one for policy in properties.get("Policies", []) for one in self._statements(policy)]
        return {
            _named(resource)
            for statement in statements
            if START in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        }

    def _statements(self, policy: dict[str, Any]) -> list[dict[str, Any]]:
        if "Ref" in policy:
            policy = self._resources[policy["Ref"]]["Properties"]["PolicyDocument"]
        return _listed(policy["Statement"])

    def consumers(self) -> dict[str, str]:
        """The queue of each worker, from its events or an event source mapping."""
        found = {name: _named(event["Queue"]) for name, event in self.events("SQS")}
        mappings = {_named(one["FunctionName"]): _named(one["EventSourceArn"]) for one in self._mappings()}
        return found | {name: source for name, source in mappings.items() if source in self.of_type(QUEUE)}

    def followers(self) -> list[str]:
        """The functions that follow the table's stream."""
        consumers = self.consumers()
        return [name for one in self._mappings() if (name := _named(one["FunctionName"])) not in consumers]

    def _mappings(self) -> list[dict[str, Any]]:
        return list(self.of_type(MAPPING).values())

    def definition(self, machine: str) -> dict[str, Any]:
        text = (self._root / self.machines[machine]["DefinitionUri"]).read_text()
        definition: dict[str, Any] = json.loads(text)
        return definition

    def dead_letters(self, queue: str) -> str:
        return _named(self._resources[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"])

    def indexes(self) -> list[str]:
        (table,) = self.of_type("AWS::DynamoDB::Table").values()
        return [index["IndexName"] for index in table["GlobalSecondaryIndexes"]]

    def providers(self) -> list[str]:
        return [name.removesuffix("Url") for name in self._template["Parameters"] if name.endswith("Url")]

    def secrets(self) -> list[str]:
        """Parameters that name a secret, then those of the stack itself."""
        given = [name for name in self._template["Parameters"] if name.endswith("SecretArn")]
        return given + list(self.of_type("AWS::SecretsManager::Secret"))


def read(path: Path) -> Landscape:
    """Read the template, and beside it the routes' declarations and the state machines."""
    template = _Template(path)
    rows = {
        "API": list(_routes(template, "api")),
        "Console": list(_routes(template, "functions")),
        "Webhooks": list(_routes(template, "webhooks")),
        "Sagas": list(_sagas(template)),
        "Pollers": list(_pollers(template)),
        "Workers": [*_followers(template), *_workers(template)],
    }
    reached = set[str]().union(*(row.reaches for band in rows.values() for row in band))
    entered = {row.entry for band in rows.values() for row in band}
    queues = [name for name in template.of_type(QUEUE) if name in reached | entered]
    return Landscape(
        rows=rows,
        machines=[Lane(name, _snake(name)) for name in template.machines],
        queues=[Lane(name, _words(name)) for name in queues],
        secrets=[_secret(name, template.providers()) for name in template.secrets()],
        table=f"one table; indexes {' and '.join(template.indexes())}",
    )


def _routes(template: _Template, kind: str) -> Iterator[Row]:
    """A row for each tag of the routes below one first segment."""
    families: dict[tuple[str, str], _Family] = {}
    for name, event in template.events("HttpApi"):
        if template.kind(name) == kind:
            path = event.get("Path", "")
            family = families.setdefault((path.split("/")[1:2][0] if path else "", template.tag(name)), _Family())
            family.paths.append(path)
            family.functions.append(name)
    for (segment, tag), family in families.items():
        beginning = PARAMETER.sub("{id}", posixpath.commonpath(family.paths))
        count = len(family.functions)
        note = (beginning or "what is no route") + (f", {count} routes" if count > 1 else "")
        yield _row(template, tag or segment or "everything else", note, list(dict.fromkeys(family.functions)))


def _sagas(template: _Template) -> Iterator[Row]:
    for machine in template.machines:
        outer = template.definition(machine)["States"]
        maps = [state["ItemProcessor"]["States"] for state in outer.values() if state["Type"] == "Map"]
        states = {name: state for within in (*maps, outer) for name, state in within.items()}
        tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
        undos = [name for name in tasks if name.startswith("Undo")]
        of_undos = f", {len(undos)} undos" if undos else ", nothing to undo"
        note = f"{len(tasks) - len(undos)} steps" + (", one for each row" if maps else of_undos)
        called = [INVOCATION.findall(state["Arguments"]["FunctionName"])[0] for state in tasks.values()]
        yield _row(template, _snake(machine), note, list(dict.fromkeys(called)), entry=machine)


def _pollers(template: _Template) -> Iterator[Row]:
    for name, event in template.events("ScheduleV2"):
        rate = event["ScheduleExpression"].removeprefix("rate(").removesuffix(")")
        yield _row(template, template.stem(name), f"every {rate.removeprefix('1 ')}", [name])


def _followers(template: _Template) -> Iterator[Row]:
    for name in template.followers():
        yield _row(template, template.stem(name), "the table's stream", [name])


def _workers(template: _Template) -> Iterator[Row]:
    for name, source in template.consumers().items():
        if source not in template.of_type(QUEUE):
            yield _row(template, template.stem(name), "every change of the table, in the order of each item", [name])
            continue
        note = f"{_words(source)}; what fails goes to {_words(template.dead_letters(source))}"
        yield _row(template, template.stem(name), note, [name], entry=source)


def _row(template: _Template, title: str, note: str, functions: list[str], entry: str = "") -> Row:
    stems = tuple(template.stem(name) for name in functions)
    reached = frozenset[str]().union(*(template.reached(name) for name in functions))
    return Row(title, note, stems, reached, entry)


def _secret(name: str, providers: list[str]) -> Lane:
    owner = next((provider for provider in providers if name.startswith(provider)), "")
    return Lane(name, _words(name.removeprefix(owner).removesuffix("Arn")), owner)


def _named(value: dict[str, Any]) -> str:
    """The logical id behind `!Ref X` or `!GetAtt X.Arn`."""
    name: str = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    return name


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _snake(name: str) -> str:
    return HUMPS.sub("_", name).lower()


def _words(name: str) -> str:
    return HUMPS.sub(" ", name).lower()
