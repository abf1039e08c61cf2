"""What a deployment to AWS needs, missed one by one and all at once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.secretsmanager.models import secretsmanager_backends

from local import credentials, doctor, profiles
from local.profiles import Profile
from local.settings import Refused

REGION = "eu-central-1"
PROFILE = Profile("dev", "kindling-dev", None, {"Rollout": "AllAtOnce"})
KEYS = {
    "AGENTMAIL_API_KEY": "am_us_1",
    "INSTANTLY_API_KEY": "inst_1",
    "CLOUDFLARE_API_TOKEN": "cf_1",
    "AGENTMAIL_WEBHOOK_SECRET": "whsec_ZXhhbXBsZQ==",
}


class Answer(AWSResponse):
    """An answer of Lambda, which moto does not give."""

    def __init__(self, body: Any) -> None:
        headers: Any = {"content-type": "application/json"}
        super().__init__("https://lambda", 200, headers, None)
        self._content = json.dumps(body).encode()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A session of an account that allows ten functions at once."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with mock_aws():
        # Within a run that has begun moto before, this begins no new account.
        secretsmanager_backends[ACCOUNT_ID][REGION].reset()
        yield session(10)


def session(concurrency: int, region: str | None = REGION) -> Any:
    made: Any = boto3.session.Session(region_name=region)
    body = {"AccountLimit": {"ConcurrentExecutions": concurrency}}
    made.events.register("before-send.lambda.GetAccountSettings", lambda **_: Answer(body))
    return made


def tool(folder: Path, name: str, code: int = 0) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the path with every tool in it."""
    monkeypatch.setattr(doctor, "ROOT", tmp_path / "nowhere")
    for name in ("sam", "python3.13", "docker"):
        tool(tmp_path, name)
    return tmp_path


def missing(account: Any, tools: Path, profile: Profile = PROFILE, **options: bool) -> list[str]:
    return doctor.diagnose(profile, account, {"PATH": str(tools)}, **options).missing


def store(account: Any, keys: dict[str, str], profile: Profile = PROFILE) -> list[str]:
    return credentials.store(profile, keys, account.client("secretsmanager"))


def test_nothing_is_missing_and_the_secrets_are_found_by_their_names(account: Any, tools: Path) -> None:
    store(account, KEYS)
    found = doctor.diagnose(PROFILE, account, {"PATH": str(tools)})
    assert found.missing == []
    assert set(found.arns) == {one.parameter for one in credentials.CREDENTIALS}
    assert ":secret:kindling-dev/agentmail-webhook-" in found.arns["AgentMailWebhookSecretArn"]


def test_all_that_is_missing_is_named_at_once(account: Any, tools: Path) -> None:
    tool(tools, "python3.13", 1)
    (tools / "sam").unlink()
    said = missing(account, tools)
    assert [sentence.split(" is missing")[0] for sentence in said if "is missing" in sentence] == [
        "The SAM CLI",
        "The secret kindling-dev/agentmail",
        "The secret kindling-dev/instantly",
        "The secret kindling-dev/cloudflare",
        "The secret kindling-dev/agentmail-webhook",
    ]
    assert len(said) == 6
    assert said[1].startswith("python3.13 with pip")
    assert "ARGS=--use-container" in said[1]


def test_a_build_in_a_container_needs_docker_instead_of_python(account: Any, tools: Path) -> None:
    store(account, KEYS)
    (tools / "python3.13").unlink()
    assert missing(account, tools, container=True) == []
    tool(tools, "docker", 1)
    assert missing(account, tools, container=True) == ["Docker does not run, which --use-container needs."]


def test_without_a_region_aws_is_not_asked(tools: Path, account: Any) -> None:
    assert missing(session(10, region=None), tools) == [
        "AWS: no region is chosen: set AWS_REGION, or 'region' in the AWS profile."
    ]


def test_without_credentials_aws_is_not_asked(tools: Path, account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "get_credentials", lambda: None)
    assert missing(account, tools) == ["AWS: there are no credentials: set AWS_PROFILE, or log in."]


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [
        ("AGENTMAIL_API_KEY", "", "is empty or has spaces or lines"),
        ("INSTANTLY_API_KEY", "inst_1\n", "is empty or has spaces or lines"),
        ("CLOUDFLARE_API_TOKEN", '{"token":"x"}', "is JSON; only the key itself belongs there"),
        ("AGENTMAIL_WEBHOOK_SECRET", "ZXhhbXBsZQ==", "is not whsec_ and base64"),
        ("AGENTMAIL_WEBHOOK_SECRET", "whsec_ZXhhbXBsZQ", "is not whsec_ and base64"),
        ("AGENTMAIL_WEBHOOK_SECRET", "whsec_", "is not whsec_ and base64"),
    ],
)
def test_a_secret_that_cannot_be_right_is_named(
    account: Any, tools: Path, variable: str, text: str, fault: str
) -> None:
    store(account, KEYS)
    (one,) = [one for one in credentials.CREDENTIALS if one.variable == variable]
    client = account.client("secretsmanager")
    client.put_secret_value(SecretId=one.path("kindling-dev"), SecretString=text or " ")
    assert missing(account, tools) == [
        f"The secret {one.path('kindling-dev')} {fault}: set {variable} and run 'make secrets PROFILE=dev'."
    ]


@pytest.mark.parametrize(("waiting", "enough"), [("5", True), ("6", False)])
def test_half_of_lambdas_concurrency_may_wait_and_no_more(
    account: Any, tools: Path, waiting: str, enough: bool
) -> None:
    store(account, KEYS)
    profile = Profile("dev", "kindling-dev", None, {"WaitingRequests": waiting})
    said = missing(account, tools, profile)
    assert said == [] if enough else said[0].startswith("Lambda runs 10 functions at once")


def test_secrets_are_created_once_and_replaced_later(account: Any) -> None:
    given = {name: text for name, text in KEYS.items() if name != "AGENTMAIL_WEBHOOK_SECRET"}
    assert store(account, given) == [
        "created kindling-dev/agentmail",
        "created kindling-dev/instantly",
        "created kindling-dev/cloudflare",
        "created kindling-dev/agentmail-webhook",
    ]
    read = account.client("secretsmanager").get_secret_value(SecretId="kindling-dev/agentmail-webhook")
    assert credentials.CREDENTIALS[-1].fault(read["SecretString"]) == ""
    # Before AgentMail has made the webhook its secret is a placeholder, which a later call replaces and none renews.
    assert store(account, {"AGENTMAIL_WEBHOOK_SECRET": "whsec_bmV3"}) == ["replaced kindling-dev/agentmail-webhook"]
    assert store(account, {"INSTANTLY_API_KEY": "inst_2"}) == ["replaced kindling-dev/instantly"]


def test_no_secret_is_stored_unless_all_can_be(account: Any) -> None:
    with pytest.raises(Refused, match=r"INSTANTLY_API_KEY is JSON.*CLOUDFLARE_API_TOKEN is not set"):
        store(account, {"AGENTMAIL_API_KEY": "am_us_1", "INSTANTLY_API_KEY": "{}"})
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []


def test_two_stacks_have_secrets_of_their_own(account: Any) -> None:
    store(account, KEYS)
    store(account, KEYS, Profile("prod", "kindling", None, {}))
    names = {one["Name"] for one in account.client("secretsmanager").list_secrets()["SecretList"]}
    assert len(names) == 8


@pytest.mark.parametrize(("name", "stack"), [("dev", "kindling-dev"), ("prod", "kindling")])
def test_a_profile_names_its_stack_and_its_parameters(name: str, stack: str) -> None:
    profile = profiles.read(name)
    assert profile.stack == stack
    kept = "true" if name == "prod" else "false"
    assert (profile.parameters["TableDeletionProtection"], profile.parameters["TablePointInTimeRecovery"]) == (
        kept,
        kept,
    )
    assert profile.parameters["Rollout"] == ("Canary10Percent5Minutes" if name == "prod" else "AllAtOnce")


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(Refused, match=r"no profile 'test'; it has dev, prod\."):
        profiles.read("test")
