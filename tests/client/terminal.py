"""A terminal in this process, in which documents are typed: `kindling`, `curl` and `jq`, variables and pipes."""

import argparse
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from kindling.sending import service as sending
from local import cli, ticks
from tests.client.conftest import Shell
from tests.conftest import Kindling
from tests.harness.lambdas import invoke

ASSIGNMENT = re.compile(r"(?P<name>[A-Z]+)=(?P<value>\$\((?P<command>.+)\)|\S+)")
PIPE = re.compile(r"(?P<command>.+) \| jq (?P<flag>-r )?(?P<filter>\.\S*)")

CURL = argparse.ArgumentParser("curl")
CURL.add_argument("-s", "--silent", action="store_true")
CURL.add_argument("-H", "--header", action="append", default=[])
CURL.add_argument("-X", "--request")
CURL.add_argument("--json")
CURL.add_argument("url")


@dataclass
class Terminal:
    """Types commands as a terminal shows them. `kindling local` moves the clock and runs functions of this process."""

    shell: Shell
    kindling: Kindling
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, line: str) -> tuple[int, str]:
        """The exit code of a line, and all that it prints."""
        for name, value in self.variables.items():
            line = re.sub(rf"\${name}\b", value.replace("\\", r"\\"), line)
        assigned = ASSIGNMENT.fullmatch(line)
        if assigned:
            printed = self(assigned["command"])[1].strip() if assigned["command"] else assigned["value"]
            self.variables[assigned["name"]] = printed
            return 0, ""
        piped = PIPE.fullmatch(line)
        if piped:
            code, err, out = self._run(piped["command"], terminal=False)
            return code, err + _filtered(out, piped["filter"], raw=bool(piped["flag"]))
        code, err, out = self._run(line, terminal=True)
        return code, err + out

    def typed(self, words: list[str]) -> tuple[int, str]:
        """The same for the words after `kindling`."""
        code, err, out = self._kindling(words, terminal=True)
        return code, err + out

    def _run(self, line: str, *, terminal: bool) -> tuple[int, str, str]:
        program, *words = shlex.split(line)
        programs: dict[str, Callable[..., tuple[int, str, str]]] = {"kindling": self._kindling, "curl": self._curl}
        return programs[program](words, terminal=terminal)

    def _kindling(self, words: list[str], *, terminal: bool) -> tuple[int, str, str]:
        if words[0] == "local":
            return 0, "", f"{self._local(words[1], words[2])}\n"
        shown = "pretty" if terminal else "lines"
        ran = self.shell("", *words, *([] if "--format" in words else ["--format", shown]))
        return ran.code, ran.err, ran.out

    def _curl(self, words: list[str], *, terminal: bool) -> tuple[int, str, str]:
        asked = CURL.parse_args(words)
        headers = [(name, value) for name, _, value in (header.partition(": ") for header in asked.header)]
        body = None if asked.json is None else asked.json.encode()
        method = asked.request or ("GET" if body is None else "POST")
        return 0, "", self.shell.handle(httpx.Request(method, asked.url, headers=headers, content=body)).text

    def _local(self, command: str, value: str) -> str:
        if command == "advance":
            self.kindling.clock.at += cli._span(value)
            # As much later nothing is remembered.
            sending._claims.clear()
            return f"The local cloud's clock says {self.kindling.clock.at:%Y-%m-%d %H:%M:%S} UTC."
        told = invoke(ticks.pollers()[value], {})
        self.kindling.work("ReviewAccountsFunction", "reviews")
        return str(told).replace("'", '"')


def _filtered(text: str, path: str, *, raw: bool) -> str:
    """What jq prints of a JSON text: the value at a path such as `.domain.status` or `.records[0]`."""
    value = json.loads(text)
    for name in re.findall(r"\w+", path):
        value = value[int(name)] if name.isdigit() else value[name]
    return f"{value if raw else json.dumps(value, indent=2, ensure_ascii=False)}\n"
