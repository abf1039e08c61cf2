"""The client and the command line are those of the OpenAPI document, wholly and as it is now."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from kindling_cli.commands import COMMANDS, DEFAULTS, TOPICS, WITHOUT_COMMAND
from kindling_client import AsyncKindling, Kindling, __version__, models
from kindling_client.base import wire
from local import client

OPERATIONS = {operation["operationId"]: operation for _, _, operation in client.operations()}


def examples() -> Iterator[tuple[str, str, Any]]:
    """What tests were answered, with the operation and the model of the answer."""
    for name, operation in OPERATIONS.items():
        for status, model in client.answers(operation).items():
            content = operation["responses"][str(status)]["content"]["application/json"]
            if "example" in content:
                yield name, model, content["example"]


@pytest.mark.parametrize("path", client.files(), ids=lambda path: path.name)
def test_what_is_made_of_the_document_is_up_to_date(path: Any) -> None:
    assert path.read_text() == client.files()[path], f"'make openapi' writes {path.name} anew"


def test_every_operation_has_a_method_in_both_clients() -> None:
    assert len(OPERATIONS) > 50
    for kind in (Kindling, AsyncKindling):
        assert [name for name in OPERATIONS if not callable(getattr(kind, name, None))] == []
    assert all(inspect.iscoroutinefunction(getattr(AsyncKindling, name)) for name in OPERATIONS)


def test_both_clients_take_and_return_the_same() -> None:
    for name in OPERATIONS:
        assert inspect.signature(getattr(Kindling, name)) == inspect.signature(getattr(AsyncKindling, name)), name


def test_every_answer_has_a_model() -> None:
    named = {model for operation in OPERATIONS.values() for model in client.answers(operation).values()}
    assert [name for name in named if not hasattr(models, name)] == []
    assert [name for name, operation in OPERATIONS.items() if not client.answers(operation)] == ["get_docs"]


@pytest.mark.parametrize(("model", "example"), [each[1:] for each in examples()], ids=[each[0] for each in examples()])
def test_a_model_reads_what_the_api_answered_and_loses_nothing(model: str, example: Any) -> None:
    assert wire(getattr(models, model).model_validate(example)) == example


def test_what_a_later_server_adds_is_kept() -> None:
    reference = {"id": "a", "domain": "acme.example", "status": "archived", "colour": "green"}
    assert wire(models.ShownReference.model_validate(reference)) == reference


def test_every_operation_has_a_command_unless_it_says_why_not() -> None:
    over = {command.operation for command in COMMANDS.values()}
    assert over | WITHOUT_COMMAND == OPERATIONS.keys()
    assert over & WITHOUT_COMMAND == set()


def test_every_topic_is_described_and_every_usual_command_exists() -> None:
    topics = {" ".join(line.split()[:n]) for line in COMMANDS for n in range(1, len(line.split()))}
    assert topics == TOPICS.keys()
    assert {f"{topic} {word}" for topic, word in DEFAULTS.items()} <= COMMANDS.keys()


def test_a_command_names_fields_and_operations_that_exist() -> None:
    for line, command in COMMANDS.items():
        operation = OPERATIONS[command.operation]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        properties = client.document()["components"]["schemas"][body["$ref"].rpartition("/")[2]] if body else {}
        fields = {one["name"] for one in operation.get("parameters", [])} | properties.get("properties", {}).keys()
        assert {command.id, command.file} - {""} <= fields, line
        assert {command.made} - {""} <= OPERATIONS.keys(), line


def test_the_client_has_the_version_of_the_api() -> None:
    assert __version__ == client.document()["info"]["version"]
