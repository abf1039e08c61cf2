"""The commands `kindling aws`, without AWS."""

import tomllib
from pathlib import Path

import pytest

from local import cli, profiles, release
from tests.harness.template import ROOT, TEMPLATE


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without a region or credentials."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


def test_a_deployment_that_lacks_something_lists_it_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("doctor", "deploy"):
        assert cli.main(["aws", command, "--profile", "prod"]) == 1
        said = capsys.readouterr().out
        assert said.startswith("To deploy kindling (profile prod), ")
        assert "  - AWS: no region is chosen" in said


def test_a_dry_run_without_aws_shows_what_would_be_created(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["aws", "deploy", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert f"In a new stack, of {said.split('In a new stack, of ')[1].split()[0]} resources:" in said
    assert "  created    1 AWS::DynamoDB::Table: Table" in said
    assert "  created  116 AWS::Lambda::Function" in said.splitlines()


def test_a_dry_run_compares_with_a_revision_of_git() -> None:
    first, *changes = release.plan({}, "HEAD")
    assert first.startswith("Compared with HEAD, ")
    assert [line for line in changes if "removed" in line and "AWS::DynamoDB::Table" in line] == []


def test_a_dry_run_since_an_unknown_revision_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["aws", "deploy", "--dry-run", "--since", "no-such-revision"]) == 1
    assert "git has no revision 'no-such-revision'." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_profile_asks_nothing_but_whether_to_go_on_in_production(name: str) -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())[name]["deploy"]["parameters"]
    assert settings["capabilities"] == "CAPABILITY_IAM"
    assert settings["resolve_s3"] is True
    assert settings["confirm_changeset"] is (name == "prod")
    assert "guided" not in settings
    assert settings["s3_prefix"] == settings["stack_name"]


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_profile_sets_parameters_that_the_template_has_to_values_that_it_allows(name: str) -> None:
    for parameter, text in profiles.read(name).parameters.items():
        assert text in TEMPLATE["Parameters"][parameter]["AllowedValues"]


def test_every_parameter_says_what_it_may_be() -> None:
    for name, parameter in TEMPLATE["Parameters"].items():
        if parameter["Type"] == "String":
            assert ("AllowedPattern" in parameter) != ("AllowedValues" in parameter), name
            assert ("ConstraintDescription" in parameter) == ("AllowedPattern" in parameter), name
        else:
            assert ("MinValue" in parameter) != ("AllowedValues" in parameter), name


def test_a_version_changes_with_the_values_of_parameters_and_not_with_their_order() -> None:
    assert release.digest({"A": "1", "B": "2"}) == release.digest({"B": "2", "A": "1"})
    assert release.digest({"A": "1", "B": "2"}) != release.digest({"A": "1", "B": "3"})
