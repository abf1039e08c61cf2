"""The tree of errors: it matches the docstring, codes are unique, and classes are found by the name Lambda reports."""

import re
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kindling import errors
from kindling.errors import KindlingError, ProviderUnavailable, class_named


def tree(root: type[KindlingError]) -> list[type[KindlingError]]:
    return [root, *(found for child in root.__subclasses__() for found in tree(child))]


CLASSES = tree(KindlingError)
LINE = re.compile(r"^(?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)\s+(?P<status>\d{3}) (?P<code>[a-z_]+)", re.MULTILINE)


def drawn() -> dict[str, tuple[str | None, int, str]]:
    """The docstring's tree: parent, status and code of each name."""
    found: dict[str, tuple[str | None, int, str]] = {}
    path: list[str] = []
    for line in LINE.finditer(errors.__doc__ or ""):
        depth = len(line["branch"]) // 4
        path = [*path[:depth], line["name"]]
        found[line["name"]] = (path[depth - 1] if depth else None, int(line["status"]), line["code"])
    return found


def test_the_docstring_draws_the_classes_as_they_are() -> None:
    real = {
        cls.__name__: (None if cls is KindlingError else cls.__bases__[0].__name__, int(cls.status), cls.code)
        for cls in CLASSES
    }
    assert drawn() == real


def test_the_docstring_draws_them_in_the_order_of_the_file() -> None:
    classes = [name for name, value in vars(errors).items() if isinstance(value, type) and value in CLASSES]
    assert list(drawn()) == classes


def test_every_code_belongs_to_one_class() -> None:
    codes = [cls.code for cls in CLASSES]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("cls", CLASSES[1:], ids=lambda cls: cls.__name__)
def test_a_code_is_its_class_in_small_letters(cls: type[KindlingError]) -> None:
    assert cls.code == re.sub(r"(?<!^)([A-Z])", r"_\1", cls.__name__).lower()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_class_is_found_by_its_name(cls: type[KindlingError]) -> None:
    assert class_named(cls.__name__) is cls


@pytest.mark.parametrize(
    "name", ["States.Timeout", "Lambda.Unknown", "Sandbox.Timedout", "KeyError", "", "provider_error"]
)
def test_a_name_from_outside_is_an_unclear_failure(name: str) -> None:
    assert class_named(name) is ProviderUnavailable


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field("aa", min_length=2, max_length=3)
    number: int = Field(1, ge=1, le=5)
    share: float = Field(0.5, gt=0, lt=1)
    flag: bool = False
    mode: Literal["a", "b"] = "a"
    names: list[str] = Field(["a"], min_length=1, max_length=2)
    names_once: frozenset[str] = frozenset()
    fields: dict[str, int] = {}
    inner: "Sample | None" = None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("text", 7, "must be a text"),
        ("text", "a", "must have 2 or more characters"),
        ("text", "aaaa", "may have at most 3 characters"),
        ("number", None, "must be a whole number"),
        ("number", "x", "must be a whole number"),
        ("number", "9" * 5_000, "must be a whole number"),
        ("number", 1.5, "must be a whole number"),
        ("number", float("inf"), "must be a whole number"),
        ("number", 0, "must be 1 or more"),
        ("number", 10**400, "may be at most 5"),
        ("share", "x", "must be a number"),
        ("share", [], "must be a number"),
        ("share", 0, "must be more than 0.0"),
        ("share", 1, "must be less than 1.0"),
        ("flag", "maybe", "must be true or false"),
        ("flag", [], "must be true or false"),
        ("mode", "c", "must be 'a' or 'b'"),
        ("names", "a", "must be a list"),
        ("names", [], "must have 1 or more entries"),
        ("names", ["a", "b", "c"], "may have at most 2 entries"),
        ("names_once", 7, "must be a list"),
        ("fields", 7, "must be a JSON object"),
        ("inner", 7, "must be a JSON object"),
        ("other", 7, "is not known here"),
    ],
)
def test_a_problem_is_told_in_a_sentence(field: str, value: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({field: value})
    error = errors.InvalidRequest.of("request", caught.value.errors())
    assert error.extras["fields"] == [{"field": field, "message": sentence}]
    assert str(error) == f"The request is not valid: {field}: {sentence}."


def test_extras_travel_with_their_error() -> None:
    error = errors.InvalidRequest("No.", fields=[1])
    assert (str(error), error.extras, error.status) == ("No.", {"fields": [1]}, 400)
