"""The command `kindling tenants credentials`."""

import io
import uuid

import pytest

from kindling.platform import aws
from kindling.providers import credentials
from local import cli

USER = str(uuid.uuid4())
NAME = f"stack/tenants/{USER}/agentmail"

pytestmark = pytest.mark.usefixtures("cloud", "steady_clock")


@pytest.fixture(autouse=True)
def _stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_NAME", "stack")


def run(monkeypatch: pytest.MonkeyPatch, command: str, kind: str = "agentmail", *, value: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(value))
    arguments = ["tenants", "credentials", command, USER]
    return cli.main(arguments if command == "show" else [*arguments, kind])


def test_a_key_is_set_rotated_shown_without_its_value_and_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ("am_first\n", "am_second"):
        assert run(monkeypatch, "set", value=value) == 0
        arn = credentials.secrets_of(USER)["agentmail"]
        assert aws.secrets().get_secret_value(SecretId=arn)["SecretString"] == value.strip()
        # As the policies of the functions have it.
        assert f":secret:{NAME}-" in arn
    assert run(monkeypatch, "show") == 0
    said = capsys.readouterr().out
    assert (said.splitlines()[-1], "am_" in said) == (f"agentmail          {arn}", False)
    for _ in range(2):
        assert run(monkeypatch, "remove") == 0
    assert (credentials.secrets_of(USER), credentials.owners("agentmail")) == ({}, [])
    assert aws.secrets().list_secrets(Filters=[{"Key": "name", "Values": [NAME]}])["SecretList"] == []


@pytest.mark.parametrize("value", ["", " \n", "two\nlines", "schl\u00fcssel"])
def test_what_is_no_key_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    assert run(monkeypatch, "set", value=value) == 1
    assert "Standard input has no key." in capsys.readouterr().err
    assert credentials.secrets_of(USER) == {}


def test_the_stack_has_to_be_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("STACK_NAME")
    assert run(monkeypatch, "set", value="am_key") == 1
    assert "Set STACK_NAME" in capsys.readouterr().err
