"""Kindling in one process: moto for AWS, the sandbox for the providers, and a clock that tests move."""

import gc
import json
import signal
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx
import pytest
from moto import mock_aws

from kindling import providers
from kindling.accounts import saga as provisioning
from kindling.accounts.model import ProvisionAccount
from kindling.cleanups import service as cleanups
from kindling.domains import saga as onboarding
from kindling.domains.model import OnboardDomain
from kindling.errors import ProviderError
from kindling.events import delivering
from kindling.keys import authentication, quota
from kindling.keys import service as keys
from kindling.keys.model import Scope, new_token
from kindling.metrics import refusals
from kindling.operations import store as operations
from kindling.platform import aws, clock, due, observability, tenancy
from kindling.platform.settings import settings
from kindling.platform.tenancy import SHARED
from kindling.providers import authoritative, credentials
from kindling.providers import client as provider_client
from kindling.sending import service as sending
from local.sandbox import Sandbox
from local.sandbox.postmaster import tokens
from local.sandbox.world import World as SandboxWorld
from tests.harness import dynamodb, machines
from tests.harness.cases import Gateway
from tests.harness.cloud import ACCOUNT, REGION, Cloud
from tests.harness.lambdas import Api, invoke
from tests.harness.nameserver import SandboxNameserver
from tests.harness.rows import running
from tests.harness.template import RESOURCES

T = TypeVar("T")


@dataclass
class Clock:
    """A clock that moves only by `advance` and `sleep`."""

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
    """The providers, which tests inspect and disturb."""

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
    """A deployed Kindling: API keys, functions and state machines."""

    user_id: str
    api: Api
    lambdas: machines.Lambdas
    arns: dict[str, str]
    clock: Clock
    world: World

    @cached_property
    def test_api(self) -> Api:
        return Api(issue(self.user_id, EVERYTHING, live=False))

    @cached_property
    def reader(self) -> Api:
        return Api(issue(self.user_id, ["read"]))

    @cached_property
    def other(self) -> Api:
        return Api(issue(str(uuid.uuid4()), EVERYTHING))

    def work(self, function: str, queue: str) -> list[Any]:
        """Run a worker on all messages in its queue; returns its batch item failures, which SQS would redeliver."""
        url = getattr(settings(), f"{queue}_queue_url")
        messages = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return []
        records = [{"messageId": m["MessageId"], "body": m["Body"], "eventSource": "aws:sqs"} for m in messages]
        answer = invoke(function, {"Records": records})
        for message in messages:
            aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return list(answer["batchItemFailures"])

    def enable_warmups(self) -> None:
        """Run the worker that enables the queued warmups, in an execution environment of its own."""
        providers._warmup.cache_clear()
        assert self.work("EnableWarmupsFunction", "warmups") == []
        providers._warmup.cache_clear()

    def retry_warmups(self, **later: float) -> int:
        """Let time pass, run the poller and the worker on what it queued; the number queued."""
        self.clock.advance(**later)
        queued = invoke("RetryWarmupsFunction", {})["queued"]
        self.enable_warmups()
        return int(queued)

    def run_cleanups(self) -> int:
        """Run the poller an hour later, and the worker on what it queued."""
        self.clock.advance(hours=1)
        queued = invoke("RunCleanupsFunction", {})["queued"]
        self.work("AttemptCleanupFunction", "cleanups")
        return int(queued)

    def execution(self, operation: dict[str, Any]) -> machines.Execution:
        return machines.read(operation["execution_arn"])

    def last_execution(self, machine: str) -> machines.Execution:
        client = aws.stepfunctions()
        found = client.list_executions(stateMachineArn=self.arns[machine])["executions"]
        return machines.read(max(found, key=lambda e: e["startDate"])["executionArn"])

    def verified_domain(self, name: str = "acme.example") -> dict[str, Any]:
        """Create a verified domain of the first tenant without a state machine."""
        saga = OnboardDomain(**self._operation(name), domain_id=str(uuid.uuid4()), domain=name)
        with tenancy.working_for(self.user_id):
            onboarding.claim_name(saga)
            onboarding.register_domain(saga)
            dns_sync = onboarding.publish_dns(saga)
            onboarding.trigger_verification(saga)
            onboarding.save_domain(saga, dns_sync.model_dump(), triggered=True)
        self.clock.advance(seconds=30)
        shown = self.api("POST", f"/api/email/domains/{saga.domain_id}/verify", query={"poll": "true"})
        domain: dict[str, Any] = shown.body["domain"]
        assert domain["status"] == "verified", domain
        return domain

    def account(self, username: str = "kim", domain: dict[str, Any] | None = None) -> dict[str, Any]:
        """Create an account of the first tenant without a state machine; it is warming unless the provider fails."""
        domain = domain or self.verified_domain()
        names = {"domain_id": domain["id"], "domain": domain["domain"], "username": username}
        saga = ProvisionAccount(**self._operation(username), account_id=str(uuid.uuid4()), **names)
        with tenancy.working_for(self.user_id):
            provisioning.reserve_address(saga)
            inbox_id = provisioning.create_inbox(saga)
            provisioning.register_warmup_account(saga)
            warming = True
            try:
                provisioning.enable_warmup(saga)
                self.enable_warmups()
                provisioning.confirm_warmup(saga)
            except ProviderError:
                warming = False
            tags = provisioning.assign_tags(saga)
            provisioning.save_account(saga, tags, inbox_id=inbox_id, warming=warming)
        account: dict[str, Any] = self.api.get(f"/api/email/accounts/{saga.account_id}").body["account"]
        return account

    def hold_a_lease(self) -> None:
        """Make four requests in this window: the last one leases four, of which three are left."""
        quota._leases.clear()
        caller = authentication.authenticate(f"Bearer {self.api.key}", "127.0.0.1")
        for _ in range(4):
            quota.admit_request(caller)

    def _operation(self, name: str) -> dict[str, str]:
        """Write the row of a running operation, as the API does before it starts an execution."""
        row = running(self.user_id, str(uuid.uuid4()), name=name)
        operations.put(row, {})
        return {"operation_id": row.operation_id, "user_id": row.user_id}


class Sample(Protocol):
    """Selects cases of a generated matrix: every `one_in`-th, or all with `--whole`."""

    def __call__(self, cases: list[T], *, one_in: int) -> list[T]: ...


def pytest_configure() -> None:
    """Heed SIGINT also in the background of a shell, which has it ignored by every process that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run generated matrices whole instead of a fixed sample")
    parser.addoption("--write", action="store_true", help="keep what the story of examples is answered")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write what tests want to be read of their results, wherever they ran."""
    for report in terminalreporter.stats.get("passed", []):
        for name, text in report.user_properties:
            if name == "said":
                terminalreporter.write_line(text)


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> Sample:
    whole = request.config.getoption("--whole")

    def pick(cases: list[T], *, one_in: int) -> list[T]:
        return cases if whole else cases[::one_in]

    return pick


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the objects created during collection from garbage collection, since they live until the end."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()
    return collected


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
    monkeypatch.setattr(authoritative, "nameserver", partial(SandboxNameserver, sandbox))
    return World(sandbox)


@pytest.fixture(scope="session")
def aws_account() -> Iterator[Cloud]:
    """Start moto once, since creating clients and resources is slow."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "TABLE_NAME": "kindling",
            "RESERVED_NAMES": "allow",
            "AGENTMAIL_URL": "http://sandbox",
            "INSTANTLY_URL": "http://sandbox",
            "CLOUDFLARE_URL": "http://sandbox/client/v4",
            "POSTMASTER_URL": "http://sandbox",
            "DNS_RESOLVERS": "127.0.0.1:8793",
            "ZONE_BINDING": "first",
            # A write for each request would cost a third of the run; the tests of the limits set them.
            "AGENTMAIL_REQUESTS_PER_SECOND": "0",
            "INSTANTLY_REQUESTS_PER_SECOND": "0",
            "CLOUDFLARE_REQUESTS_PER_SECOND": "0",
        }.items():
            patch.setenv(name, value)
        with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
            settings.cache_clear()
            dynamodb.install(patch, ACCOUNT, REGION)
            machines.install(patch)
            yield Cloud()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, aws_account: Cloud) -> Iterator[None]:
    """The template's table, queues and secrets, and the environment of its functions."""
    aws_account.deployed("dynamodb", _table)
    for name, url in aws_account.deployed("sqs", _queues).items():
        monkeypatch.setenv(f"{name.upper()}_QUEUE_URL", url)
    monkeypatch.setenv("EVENT_BUS_NAME", "kindling")
    for provider, arn in aws_account.deployed("secretsmanager", _secrets).items():
        monkeypatch.setenv(f"{provider.upper()}_SECRET", arn)
    # moto is not made for several threads at once.
    monkeypatch.setattr(due, "THREADS", 1)
    monkeypatch.setattr(sending, "SEND_THREADS", 1)
    _forget()
    # What a test calls itself works for nobody; functions are invoked in a context of their own.
    with tenancy.working_for(SHARED):
        yield
    _forget()


TABLE_PROPERTIES = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
QUEUES = ("verifications", "cleanups", "judgements", "reviews", "warmups", "deliveries")
SECRETS = {
    "agentmail": "am_us_test",
    "agentmail_webhook": "whsec_ZXhhbXBsZSBzZWNyZXQgb2YgMjQgYnl0ZQ==",
    "instantly": "inst_test",
    "cloudflare": "cf_test",
    "postmaster": json.dumps(tokens.key_file(SandboxWorld(), "sandbox")),
    "deployment": "d" * 64,
}


def _table() -> dict[str, str]:
    properties = {k: v for k, v in RESOURCES["Table"]["Properties"].items() if k in TABLE_PROPERTIES}
    return {
        "table": aws.dynamodb_client().create_table(TableName="kindling", **properties)["TableDescription"]["TableArn"]
    }


def _queues() -> dict[str, str]:
    return {name: aws.sqs().create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}


def _secrets() -> dict[str, str]:
    return {name: aws.secrets().create_secret(Name=name, SecretString=text)["ARN"] for name, text in SECRETS.items()}


@pytest.fixture
def kindling(
    monkeypatch: pytest.MonkeyPatch,
    aws_account: Cloud,
    cloud: None,
    world: World,
    steady_clock: Clock,
) -> Kindling:
    arns = aws_account.deployed("stepfunctions", machines.create)
    monkeypatch.setenv("ONBOARD_DOMAIN_ARN", arns["OnboardDomain"])
    monkeypatch.setenv("PROVISION_ACCOUNT_ARN", arns["ProvisionAccount"])
    monkeypatch.setenv("PROVISION_ACCOUNTS_ARN", arns["ProvisionAccounts"])
    monkeypatch.setenv("OFFBOARD_DOMAIN_ARN", arns["OffboardDomain"])
    monkeypatch.setenv("DEPROVISION_ACCOUNT_ARN", arns["DeprovisionAccount"])
    settings.cache_clear()
    user = str(uuid.uuid4())

    def wait(seconds: float) -> None:
        """While an execution waits for a retry, the worker of warmups runs."""
        steady_clock.sleep(seconds)
        deployed.enable_warmups()

    deployed = Kindling(
        user_id=user,
        api=Api(issue(user, EVERYTHING)),
        lambdas=machines.answered(monkeypatch, wait),
        arns=arns,
        clock=steady_clock,
        world=world,
    )
    return deployed


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, kindling: Kindling, tmp_path: Path) -> Gateway:
    """The HTTP API with the console, which reaches the API in this process, too."""
    from kindling.console import api

    made = Gateway(tmp_path)
    monkeypatch.setattr(api, "transport", lambda: httpx.MockTransport(made))
    return made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """State machines retry three times at most, which is enough to see where a failure leads."""
    machines.lose_patience(monkeypatch, attempts=3)


EVERYTHING = [scope.value for scope in Scope]


def issue(user_id: str, scopes: list[str], *, live: bool = True) -> str:
    token = str(new_token(live=live))
    keys.seed(user_id, token, scopes, "test")
    return token


def _forget() -> None:
    """Clear the caches that an execution environment keeps between invocations."""
    doors = (providers._mail, providers._warmup, providers._dns, providers._reputation, providers.resolver)
    for function in (settings, aws.table, aws.table_without_retries, *doors):
        function.cache_clear()
    keys = (authentication._cache, aws._secrets, credentials._cache)
    caches = (*keys, quota._leases, sending._claims, refusals._gathered, cleanups._resting, delivering._resting)
    for memory in (*caches, observability._noted):
        memory.clear()
