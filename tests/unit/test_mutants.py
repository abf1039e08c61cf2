"""The lists of mutants fit the code: `make mutants` has something to change, and tests to run."""

import re
from pathlib import Path

import pytest

from tests.mutants.run import ROOT, Mutant, Stale, mutants

TEXT = "a: 1\nb:\n  c: 1\n\n  d:\n    c: 2\ne: 1\n"


def edit(was: str, now: str, under: str = "") -> Mutant:
    return Mutant("x.yaml", was, now, ["tests/unit"], under)


def test_every_mutant_changes_one_place_that_there_is() -> None:
    stale = []
    for mutant in mutants():
        try:
            mutant.applied((ROOT / mutant.file).read_text())
        except Stale:
            stale.append(str(mutant))
    assert stale == []


def test_no_mutant_is_listed_twice_or_changes_nothing() -> None:
    listed = [(mutant.file, mutant.under, mutant.was, mutant.now) for mutant in mutants()]
    assert len(listed) == len(set(listed))
    assert [str(mutant) for mutant in mutants() if mutant.was == mutant.now] == []


def test_every_mutant_names_tests_that_there_are() -> None:
    named = {test for mutant in mutants() for test in mutant.tests}
    missing = []
    for test in named:
        path, _, name = test.partition("::")
        file = ROOT / path
        if not file.exists() or (name and not re.search(rf"^def {name}\(", file.read_text(), re.MULTILINE)):
            missing.append(test)
    assert missing == []


def test_every_edit_leaves_python_that_can_be_read() -> None:
    for mutant in mutants():
        if Path(mutant.file).suffix == ".py":
            compile(mutant.applied((ROOT / mutant.file).read_text()), mutant.file, "exec")


def test_an_edit_changes_its_one_place_and_nothing_else() -> None:
    assert edit("e: 1", "e: 2").applied(TEXT) == TEXT.replace("e: 1", "e: 2")
    assert edit("c: 2", "c: 3", under="d:").applied(TEXT) == TEXT.replace("c: 2", "c: 3")
    assert edit("c: 1", "c: 3", under="b:").applied(TEXT) == TEXT.replace("c: 1", "c: 3")


@pytest.mark.parametrize(
    ("was", "under"),
    [("c:", ""), ("z", ""), ("c: 1", "d:"), ("e: 1", "b:"), ("c:", "b:"), ("c: 1", "z:"), ("1", "a")],
    ids=["twice", "nowhere", "elsewhere", "after it", "twice beneath", "beneath nothing", "nothing beneath"],
)
def test_an_edit_without_its_one_place_is_stale(was: str, under: str) -> None:
    with pytest.raises(Stale):
        edit(was, "", under).applied(TEXT)
