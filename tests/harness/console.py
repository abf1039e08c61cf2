"""Documents whose commands are typed and whose output is compared: blocks of `console`, a `$` before each command."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Of a key that has ended, but nobody who reads it can know.
SECRET = re.compile(r"(?<=kd_live_\w{16}_)[\w-]{43}")
EXAMPLE = "EXAMPLE-SECRET-EXAMPLE-SECRET-EXAMPLE-SECRET"
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
PROMPT = "$ "
# What differs from run to run, and how the steps of an operation are told, of which more are seen where they take time.
VOLATILE = (
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    r"\bkd_live_[\w-]+",
    r"\b[a-z0-9]{16}\b",
    r"(?<=<)[0-9a-f]{32}(?=@)",
    r"(?<=kindling-verification=)\w+",
    r"(?<=p=)[A-Za-z0-9+/=]{20,}",
    r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC))?",
    r"(?<=request: )\S+",
    r"(?<=\"request_id\": \")[^\"]+",
)
STEP = re.compile(r"^(?:onboard|provision|offboard|deprovision)_\w+ \S+: .*\n", re.MULTILINE)

# Types a command; its exit code and all that it prints.
Typed = Callable[[list[str]], tuple[int, str]]


@dataclass(frozen=True)
class Entry:
    """A command and what is printed below it."""

    line: str
    printed: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)[1:]


def entries(document: Path) -> list[Entry]:
    """All commands of a document, in order."""
    found = []
    for block in BLOCK.findall(document.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, printed = part.partition("\n")
            found.append(Entry(line, printed))
    return found


def write(document: Path, played: list[Entry]) -> None:
    """Put what was printed into the document."""
    left = iter(played)

    def blocks(found: re.Match[str]) -> str:
        lines = [line for line in found[0].splitlines() if line.startswith(PROMPT)]
        # In this order no entry is taken for which there is no line.
        return "".join(f"{PROMPT}{entry.line}\n{entry.printed}" for _, entry in zip(lines, left, strict=False))

    document.write_text(BLOCK.sub(blocks, document.read_text()))


def mend(document: Path, played: list[Entry]) -> None:
    """Put what was printed into the document where something else stands there than what differs from run to run."""
    kept = zip(entries(document), played, strict=True)
    write(document, [was if steady(was) == steady(now) else now for was, now in kept])


def play(document: Path, typed: Typed) -> list[Entry]:
    """Type every command. Those that fail have to say why."""
    played = []
    for entry in entries(document):
        code, printed = typed(entry.words)
        assert bool(code) == printed.startswith("kindling: "), printed
        printed = SECRET.sub(EXAMPLE, printed)
        played.append(Entry(entry.line, "".join(f"{line.rstrip()}\n" for line in printed.splitlines())))
    return played


def steady(entry: Entry) -> tuple[str, str]:
    """A command and its output, without what differs from run to run."""
    text = STEP.sub("", entry.printed)
    for pattern in VOLATILE:
        text = re.sub(pattern, "…", text)
    return entry.line, text
