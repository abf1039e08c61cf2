"""The whole of Kindling in one process: moto for AWS, the sandbox for the providers, a clock that tests move."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws

from kindling import aws, clock, providers
from kindling.keys import service as keys
from kindling.keys.model import Scope, new_token
from kindling.providers import client as provider_client
from kindling.settings import settings
from local.sandbox import Sandbox
from tests.harness import machines
from tests.harness.lambdas import Api
from tests.harness.template import RESOURCES

REGION = "us-east-1"


@dataclass
class Clock:
    """Stands still until it is moved; a sleep moves it."""

    at: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 9, 0, tzinfo=UTC))
    start: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 9, 0, tzinfo=UTC))

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def advance(self, **amount: float) -> None:
        self.at += timedelta(**amount)

    def monotonic(self) -> float:
        return (self.at - self.start).total_seconds()


@dataclass
class World:
    """The providers' side, as tests see and disturb it."""

    sandbox: Sandbox

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.sandbox.handle(httpx.Request(method, f"http://sandbox/_admin/{path}", json=body))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def inventory(self) -> Any:
        return self.admin("GET", "inventory")

    def fault(self, provider: str, method: str, path: str, fault: str, **details: Any) -> None:
        self.admin("POST", "faults", {"provider": provider, "method": method, "path": path, "fault": fault, **details})

    def heal(self) -> None:
        self.admin("DELETE", "faults")

    def set(self, **settings: Any) -> None:
        self.admin("POST", "settings", settings)


@dataclass
class Kindling:
    """A deployed Kindling: two tenants' keys, its functions and its machines."""

    user_id: str
    api: Api
    test_api: Api
    reader: Api
    other: Api
    lambdas: machines.Lambdas
    arns: dict[str, str]
    clock: Clock
    world: World

    def execution(self, operation: dict[str, Any]) -> machines.Execution:
        return machines.read(operation["execution_arn"])

    def last_execution(self, machine: str) -> machines.Execution:
        client = aws.stepfunctions()
        found = client.list_executions(stateMachineArn=self.arns[machine])["executions"]
        return machines.read(max(found, key=lambda e: e["startDate"])["executionArn"])

    def verified_domain(self, name: str = "acme.example") -> dict[str, Any]:
        """A domain of the first tenant, brought to `verified` by the provider's own word."""
        created = self.api.post("/api/email/domains", {"domain": name})
        assert created.status == 201, created.body
        self.clock.advance(seconds=30)
        shown = self.api("POST", f"/api/email/domains/{created.body['domain']['id']}/verify", query={"poll": "true"})
        domain: dict[str, Any] = shown.body["domain"]
        assert domain["status"] == "verified", domain
        return domain

    def account(self, username: str = "kim", domain: dict[str, Any] | None = None) -> dict[str, Any]:
        domain = domain or self.verified_domain()
        created = self.api.post("/api/email/accounts", {"username": username, "domain_id": domain["id"]})
        assert created.status == 201, created.body
        account: dict[str, Any] = created.body["account"]
        return account


@pytest.fixture(autouse=True)
def _offline(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("system") is None:
        request.getfixturevalue("socket_disabled")


@pytest.fixture
def steady_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(clock, "now", fake.now)
    monkeypatch.setattr(clock, "sleep", fake.sleep)
    monkeypatch.setattr(clock, "monotonic", fake.monotonic)
    return fake


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, steady_clock: Clock) -> World:
    sandbox = Sandbox()
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(sandbox.handle))
    return World(sandbox)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS as the template makes it: the table, the queue, the secrets, and what a function's environment says."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "TABLE_NAME": "kindling",
        "AGENTMAIL_URL": "http://sandbox",
        "INSTANTLY_URL": "http://sandbox",
        "CLOUDFLARE_URL": "http://sandbox/client/v4",
        "POWERTOOLS_METRICS_NAMESPACE": "Kindling",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        _forget()
        properties = {k: v for k, v in RESOURCES["Table"]["Properties"].items() if k in TABLE_PROPERTIES}
        boto3.client("dynamodb").create_table(TableName="kindling", **properties)
        queue = boto3.client("sqs").create_queue(QueueName="verifications")["QueueUrl"]
        monkeypatch.setenv("VERIFICATIONS_QUEUE_URL", queue)
        for provider, text in SECRETS.items():
            secret = boto3.client("secretsmanager").create_secret(Name=provider, SecretString=text)
            monkeypatch.setenv(f"{provider.upper()}_SECRET", secret["ARN"])
        yield
        _forget()


TABLE_PROPERTIES = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
SECRETS = {"agentmail": "am_us_test", "instantly": "inst_test", "cloudflare": "cf_test"}


@pytest.fixture
def kindling(
    monkeypatch: pytest.MonkeyPatch,
    cloud: None,
    world: World,
    steady_clock: Clock,
) -> Iterator[Kindling]:
    with machines.running(monkeypatch, steady_clock.sleep) as (lambdas, arns):
        monkeypatch.setenv("ONBOARD_DOMAIN_ARN", arns["OnboardDomain"])
        monkeypatch.setenv("PROVISION_ACCOUNT_ARN", arns["ProvisionAccount"])
        settings.cache_clear()
        user, other = str(uuid.uuid4()), str(uuid.uuid4())
        everything = [scope.value for scope in Scope]
        yield Kindling(
            user_id=user,
            api=Api(issue(user, everything)),
            test_api=Api(issue(user, everything, live=False)),
            reader=Api(issue(user, ["read"])),
            other=Api(issue(other, everything)),
            lambdas=lambdas,
            arns=arns,
            clock=steady_clock,
            world=world,
        )


def issue(user_id: str, scopes: list[str], *, live: bool = True) -> str:
    token = str(new_token(live=live))
    keys.seed(user_id, token, scopes, "test")
    return token


def _forget() -> None:
    """What an execution environment remembers between invocations."""
    cached: tuple[Callable[..., Any], ...] = (
        settings,
        aws.dynamodb,
        aws.table,
        aws.records,
        aws.stepfunctions,
        aws.sqs,
        providers.mail,
        providers.warmup,
        providers.dns,
    )
    for function in cached:
        function.cache_clear()  # type: ignore[attr-defined]
    keys._seen.clear()
    aws._secrets.clear()
