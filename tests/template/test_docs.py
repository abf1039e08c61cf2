"""What the documents say of the repository: versions, decisions, links, anchors and the tree."""

import re
import subprocess
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tests.harness.template import ROOT

ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
DECISIONS = ROOT / "docs/decisions"
RECORDS = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
RECORD = re.compile(
    r"# (?P<number>\d+)\. (?P<title>.+)\n\n- Date: (?P<date>.+)\n- Status: (?P<status>.+)\n"
    r"\n## Context\n\n.+\n\n## Decision\n\n.+\n\n## Consequences\n\n- .+\n",
    re.DOTALL,
)
LINK = re.compile(r"(?:!?\[[^\]]*\]\(|(?:href|src)=\")([^)\s\"]+)[)\"]")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
BRANCH = re.compile(r"^(?P<name>\S+) +\S")


@cache
def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return listed.stdout.splitlines()


def fields(record: Path) -> dict[str, str]:
    found = RECORD.fullmatch(record.read_text())
    assert found, f"{record.name} has not the form of a record"
    return found.groupdict()


def released() -> list[tuple[str, str]]:
    """Every version of the changelog with its day, the newest first."""
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", heading) for heading in headings[1:]]
    assert all(found), headings
    return [(match[1], match[2]) for match in found if match]


def tree() -> list[str]:
    """The paths of the tree in docs/architecture.md."""
    block = ARCHITECTURE.split("## Tree\n\n")[1].split("\n\n")[0]
    lines = [line.removeprefix("    ") for line in block.splitlines()]
    return [found["name"] for line in lines if (found := BRANCH.match(line))]


def test_the_newest_version_of_the_changelog_is_that_of_the_package() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert released()[0][0] == package


def test_versions_and_their_days_fall_from_the_top() -> None:
    versions = [tuple(map(int, version.split("."))) for version, _ in released()]
    days = [date.fromisoformat(day) for _, day in released()]
    assert versions == sorted(set(versions), reverse=True)
    assert days == sorted(days, reverse=True)


def test_the_changelog_groups_what_changed_as_keep_a_changelog_does() -> None:
    groups = re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert groups
    assert set(groups) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_decisions_are_numbered_without_a_gap_in_the_order_of_their_days() -> None:
    assert len(RECORDS) > 10
    assert [path.name[:4] for path in RECORDS] == [f"{number:04d}" for number in range(1, len(RECORDS) + 1)]
    assert [int(fields(path)["number"]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
    days = [date.fromisoformat(fields(path)["date"]) for path in RECORDS]
    assert days == sorted(days)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_is_short_has_a_status_and_stands_in_the_index(record: Path) -> None:
    known = fields(record)
    assert re.fullmatch(r"proposed|accepted|replaced by \d+", known["status"])
    assert len(record.read_text().splitlines()) <= 32
    row = f"| [{known['number']}]({record.name}) | {known['date']} | {known['title']} | {known['status']} |"
    assert row in (DECISIONS / "README.md").read_text().splitlines()


def test_the_index_of_decisions_has_a_line_for_each_and_no_other() -> None:
    assert (DECISIONS / "README.md").read_text().count("\n| [") == len(RECORDS)


@cache
def prose(document: Path) -> str:
    return FENCED.sub("", document.read_text())


@cache
def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings; none of ours stands in it twice."""
    found = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(document))]
    assert len(set(found)) == len(found), document
    return set(found)


def leads_nowhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent.joinpath(path).resolve() if path else document
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("path", [path for path in tracked() if path.endswith(".md")])
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(path: str) -> None:
    links = [link for link in LINK.findall(prose(ROOT / path)) if "://" not in link]
    assert [link for link in links if leads_nowhere(ROOT / path, link)] == []


def test_every_guide_is_in_the_readme() -> None:
    linked = LINK.findall((ROOT / "README.md").read_text())
    guides = [path for path in tracked() if re.fullmatch(r"docs/[\w-]+\.md", path)]
    assert [guide for guide in guides if guide not in linked] == []


def test_every_path_of_the_tree_exists() -> None:
    assert len(tree()) > 10
    assert [name for name in tree() if not (ROOT / name).exists()] == []


def test_every_entry_of_the_repository_stands_in_the_tree() -> None:
    entries = {path.partition("/")[0] for path in tracked()}
    named = {name.partition("/")[0] for name in tree()}
    assert entries - named == set()
