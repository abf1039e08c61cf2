"""The OpenAPI document: valid, complete for a client, and with examples of the form that it declares."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from kindling.entry.request import MAX_KEY_LENGTH
from tests.harness.contract import document

Json = dict[str, Any]
OPERATIONS: dict[str, tuple[str, Json]] = {
    operation["operationId"]: (f"{method.upper()} {path}", operation)
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
}
# Answered while a saga goes on.
LATE = {
    "create_account",
    "create_domain",
    "create_sending_domain",
    "delete_account",
    "delete_domain",
    "delete_sending_domain",
}

operations = pytest.mark.parametrize("name", OPERATIONS)


def fits(schema: Json, value: Any) -> bool:
    return bool(Draft202012Validator({**schema, "components": document()["components"]}).is_valid(value))


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (text for name, text in part.items() if name == "$ref")
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def header_parameters(operation: Json) -> dict[str, Json]:
    return {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "header"}


def test_the_document_is_valid() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(document()).iter_errors()] == []


def test_an_operation_has_an_id_of_its_own() -> None:
    assert len(OPERATIONS) == sum(len(path) for path in document()["paths"].values())


def test_every_tag_is_described_and_used() -> None:
    described = {tag["name"] for tag in document()["tags"] if tag["description"].endswith(".")}
    assert described == {tag for _, operation in OPERATIONS.values() for tag in operation["tags"]}


def test_nothing_is_declared_that_nobody_refers_to() -> None:
    used = set(references(document()))
    for kind in ("examples", "schemas"):
        declared = {f"#/components/{kind}/{name}" for name in document()["components"][kind]}
        assert declared - used == set()


@operations
def test_an_operation_says_what_it_is_and_what_it_needs(name: str) -> None:
    _, operation = OPERATIONS[name]
    assert len(operation["tags"]) == 1
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert operation["security"] in ([], [{"key": []}])
    assert all(one["description"] for one in operation["parameters"] if one["in"] in ("path", "header"))


@operations
def test_an_example_has_the_form_that_is_declared(name: str) -> None:
    _, operation = OPERATIONS[name]
    for body in operation.get("requestBody", {}).get("content", {}).values():
        assert fits(body["schema"], body["example"])
    for status, response in operation["responses"].items():
        for content in response.get("content", {}).values():
            if status >= "400":
                codes = content["schema"]["allOf"][1]["properties"]["error"]["enum"]
                assert set(codes) == set(content["examples"])
            elif "example" in content:
                assert fits(content["schema"], content["example"])


@operations
def test_what_may_be_repeated_takes_a_key_for_it_and_tells_a_repeated_answer(name: str) -> None:
    route, operation = OPERATIONS[name]
    takes = route.startswith(("POST", "PATCH")) and bool(operation["security"])
    key = header_parameters(operation).get("Idempotency-Key")
    assert (key is not None) == takes
    assert key is None or key["maxLength"] == MAX_KEY_LENGTH
    good = [response for status, response in operation["responses"].items() if status < "300"]
    assert all(("Idempotent-Replayed" in response["headers"]) == takes for response in good)


@operations
def test_what_takes_long_may_be_left_to_itself_and_says_where_to_ask(name: str) -> None:
    _, operation = OPERATIONS[name]
    assert ("Prefer" in header_parameters(operation)) == (name in LATE)
    promises = "Location" in operation["responses"].get("202", {}).get("headers", {})
    assert promises == (name in (*LATE, "create_accounts", "commit_import"))


@operations
def test_whoever_is_told_to_wait_is_told_for_how_long(name: str) -> None:
    _, operation = OPERATIONS[name]
    for status in ("429", "503"):
        response = operation["responses"].get(status)
        assert response is None or response["headers"]["Retry-After"] == {"$ref": "#/components/headers/Retry-After"}
