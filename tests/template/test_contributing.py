"""The checklists of CONTRIBUTING.md, followed for everything that exists: each file is there and names what it must.

And the other way round: a file that names every function, or every provider, stands in a checklist.
"""

import ast
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from kindling.providers import credentials
from tests.harness.template import FUNCTIONS, MACHINES, ROOT, routes

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
ITEM = re.compile(r"^\d+\. `([^`]+)`(?: \((`.+?`)\))?: ", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
PLACEHOLDER = re.compile(r"<\w+>")
# No use case of a topic is behind these.
OWN_USE_CASE = {
    "get_health",
    "get_index",
    "get_openapi",
    "get_sending_domain",
    "get_sending_domain_dns",
    "refuse_route",
}
# Where functions are spoken of in sentences, paths and stories, not by their names.
IN_WORDS = {
    "docs/api.md",
    "docs/examples.json",
    "statemachines/README.md",
    "tests/client/test_commands.py",
    "tests/functions/api/",
    "tests/template/test_calls.py",
}
# Some functions stand here for what they may do.
AUDITED = {"tests/template/test_policies.py"}
# These name the providers whose calls they make fail.
STORIES = ("tests/client/", "tests/functions/", "tests/statemachines/", "tests/system/", "tests/template/test_calls.py")
CODE_FOLDERS = (
    "events",
    "functions",
    "layers",
    "local",
    "statemachines",
    "template.yaml",
    "Makefile",
    "pyproject.toml",
)

WORKSPACE_WORDS = {"workspace": "provider", "Workspace": "Provider", "WORKSPACE": "PROVIDER"}

Words = dict[str, str]


@dataclass(frozen=True)
class Item:
    """One file of a checklist, and what it has to name."""

    path: str
    marks: tuple[str, ...]

    def missing(self, words: Words) -> list[str]:
        """What is not as the item says; nothing when a placeholder of it has no word here, such as an undo."""
        if not set(PLACEHOLDER.findall(f"{self.path} {self.marks}")) <= set(words):
            return []
        path = ROOT / filled(self.path, words)
        if not path.exists():
            return [f"{path} does not exist"]
        text = path.read_text() if self.marks else ""
        return [f"{path} does not name {mark}" for m in self.marks if (mark := filled(m, words)) not in text]


def filled(text: str, words: Words) -> str:
    return PLACEHOLDER.sub(lambda found: words[found[0]], text)


def checklist(heading: str) -> list[Item]:
    section = CONTRIBUTING.split(f"### {heading}\n")[1].split("\n#")[0]
    items = [Item(path, tuple(CODE.findall(marks or ""))) for path, marks in ITEM.findall(section)]
    assert len(items) == len(re.findall(r"^\d+\.", section, flags=re.MULTILINE)), heading
    return items


def camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def stem(function: str) -> str:
    return Path(FUNCTIONS[function]["CodeUri"]).name


def use_case(kind: str, name: str) -> Words:
    """The topic, the module and the function that an app calls."""
    source = (ROOT / "functions" / kind / name / "app.py").read_text()
    for topic, module in re.findall(r"from kindling\.(\w+) import (\w+)\n", source):
        called = re.search(rf"\b{module}\.(\w+)\(", source)
        if called:
            return {"<topic>": topic, "<module>": module, "<function>": called[1]}
    return {}


def every_route() -> dict[str, Words]:
    found = {}
    for route, function in routes().items():
        name = stem(function)
        if FUNCTIONS[function]["CodeUri"].startswith("functions/api/"):
            words = {"<name>": name, "<Name>": camel(name)} | use_case("api", name)
            if route != "$default":
                path = route.partition(" ")[2]
                last = [part for part in path.split("/") if not part.startswith("{")][-1]
                words |= {"<operation>": name, "<path>": path, "<last>": last}
            found[name] = words
    return found


def every_step() -> dict[str, Words]:
    """Every step of a machine that undoes what it did."""
    found: dict[str, Words] = {}
    for machine in MACHINES:
        states = json.loads((ROOT / MACHINES[machine]["DefinitionUri"]).read_text())["States"]
        called = {
            state: stem(task["Arguments"]["FunctionName"][2:-4])
            for state, task in states.items()
            if task["Type"] == "Task"
        }
        undos = {state for state in called if state.startswith("Undo")}
        for state in called.keys() - undos if undos else ():
            name, undo = called[state], called.get(f"Undo{state}")
            words = {"<name>": name, "<Name>": camel(name), "<State>": state, "<machine>": snake(machine)}
            words |= use_case("steps", name)
            if undo:
                words |= {"<undo>": undo, "<Undo>": camel(undo)}
            found[state] = words
    return found


def every_provider() -> dict[str, Words]:
    """Every client that holds a key."""
    found = {}
    for path in sorted((ROOT / "layers/core/kindling/providers").glob("*.py")):
        text = path.read_text()
        implemented = re.search(r'class (\w+):\n    """Implements (\w+)', text)
        if implemented and "ProviderClient(" in text:
            words = {"<provider>": path.stem, "<PROVIDER>": path.stem.upper()}
            words |= {"<Provider>": implemented[1], "<Protocol>": implemented[2]}
            if path.stem in credentials.WORKSPACES:
                words |= {f"<{name}>": words[f"<{of}>"] for name, of in WORKSPACE_WORDS.items()}
            found[path.stem] = words
    return found


def methods(path: str, name: str) -> list[str]:
    tree = ast.parse((ROOT / path).read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return [node.name for node in found.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def every_call() -> dict[str, Words]:
    return {
        f"{name}.{call}": words | {"<call>": call}
        for name, words in every_provider().items()
        for call in methods("layers/core/kindling/providers/model.py", words["<Protocol>"])
    }


FOLLOWED = {
    "Add a route": every_route(),
    "Add a saga step": every_step(),
    "Add a provider call": every_call(),
    "Add a provider": every_provider(),
}
CASES = [(heading, item) for heading in FOLLOWED for item in checklist(heading)]


@cache
def tracked() -> dict[str, str]:
    """Every text file of the repository, this test and CONTRIBUTING.md left out."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    paths = (ROOT / line for line in listed.stdout.splitlines())
    skipped = {Path(__file__), ROOT / "CONTRIBUTING.md"}
    texts = (path for path in paths if path.is_file() and path not in skipped and path.suffix != ".jpg")
    return {str(path.relative_to(ROOT)): path.read_text() for path in texts}


def names(text: str, marks: Iterable[str]) -> bool:
    """Whether one of the marks stands in the text as a whole word."""
    # Few texts have a mark at all, and a search for a part is fast.
    return any(mark in text and re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", text) for mark in marks)


def fixed(heading: str) -> set[str]:
    """The files of a checklist that are the same for everybody."""
    return {item.path for item in checklist(heading) if not PLACEHOLDER.search(item.path)}


def naming_all(marks: Iterable[Iterable[str]]) -> Iterator[str]:
    """The files in which each of these is named, in one way or another."""
    every = list(marks)
    for path, text in tracked().items():
        if all(names(text, ways) for ways in every):
            yield path


def test_there_is_something_to_follow_every_checklist_for() -> None:
    assert re.findall(r"^### (.+)$", CONTRIBUTING, flags=re.MULTILINE) == list(FOLLOWED)
    apps = {path.parent.name for path in (ROOT / "functions/api").glob("*/app.py")}
    assert set(FOLLOWED["Add a route"]) == apps
    assert {name for name, words in FOLLOWED["Add a route"].items() if "<topic>" not in words} == OWN_USE_CASE
    assert {words["<machine>"] for words in FOLLOWED["Add a saga step"].values()} >= {"onboard_domain"}
    assert len([words for words in FOLLOWED["Add a saga step"].values() if "<undo>" in words]) >= 10
    assert {words["<provider>"] for words in FOLLOWED["Add a provider"].values()} >= {"agentmail", "cloudflare"}


@pytest.mark.parametrize(("heading", "item"), CASES, ids=[f"{heading}: {item.path}" for heading, item in CASES])
def test_every_file_of_a_checklist_is_there_for_everything_that_exists(heading: str, item: Item) -> None:
    known = set[str]().union(*FOLLOWED[heading].values())
    assert set(PLACEHOLDER.findall(f"{item.path} {item.marks}")) <= known
    assert [missing for words in FOLLOWED[heading].values() for missing in item.missing(words)] == []


def test_a_file_that_names_every_route_is_on_the_checklist() -> None:
    ways = [
        {words["<name>"], f"{words['<Name>']}Function"}
        for words in FOLLOWED["Add a route"].values()
        if words["<name>"] != "refuse_route"
    ]
    assert set(naming_all(ways)) == fixed("Add a route") - IN_WORDS - AUDITED


def test_a_file_that_names_every_step_is_on_the_checklist() -> None:
    ways = [{words["<name>"], f"{words['<Name>']}Function"} for words in FOLLOWED["Add a saga step"].values()]
    assert set(naming_all(ways)) == fixed("Add a saga step") - IN_WORDS


@pytest.mark.parametrize("heading", ["Add a route", "Add a saga step"])
def test_no_other_code_names_a_function(heading: str) -> None:
    for words in FOLLOWED[heading].values():
        listed = {filled(i.path, words) for i in checklist(heading) if set(PLACEHOLDER.findall(i.path)) <= set(words)}
        kind = "api" if heading == "Add a route" else "steps"
        marks = [f"{words['<Name>']}Function", f"{words['<Name>']}FunctionArn", f"{kind}/{words['<name>']}"]
        code = {path: text for path, text in tracked().items() if path.startswith(CODE_FOLDERS)}
        assert {path for path, text in code.items() if names(text, marks)} <= listed, words["<name>"]


def test_a_file_that_names_every_provider_is_on_the_checklist() -> None:
    ways = [
        {f'"{name}"', f'"{name.upper()}_URL"', f'"{name.upper()}_API_KEY"', f'"{name.upper()}_API_TOKEN"'}
        for name in FOLLOWED["Add a provider"]
    ]
    assert {path for path in naming_all(ways) if not path.startswith(STORIES)} <= fixed("Add a provider")


def test_a_client_has_the_methods_of_its_protocol_and_no_others() -> None:
    for name, words in FOLLOWED["Add a provider"].items():
        promised = methods("layers/core/kindling/providers/model.py", words["<Protocol>"])
        assert sorted(methods(f"layers/core/kindling/providers/{name}.py", words["<Provider>"])) == sorted(promised)
