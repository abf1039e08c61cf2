"""Trouble of ours or of a provider, at any moment of any saga: the saga ends where it would have ended without.

Every saga is run undisturbed, and then once for each of its states and each kind of trouble that begins there. The
clock is simulated, so that waiting costs nothing. `--whole` runs all of the matrix.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any, cast

import pytest

from kindling.errors import ProviderRefused
from kindling.operations import service as operations
from kindling.platform import aws
from tests.conftest import EVERYTHING, Clock, Kindling, Sample, _forget, issue
from tests.harness.cloud import EMPTIED
from tests.harness.lambdas import Api, Handler
from tests.harness.machines import Died, definition, fails
from tests.statemachines.test_asl_rules import OUR_TROUBLE

DOMAINS, ACCOUNTS = "/api/email/domains", "/api/email/accounts"
METHODS = ("GET", "POST", "PATCH", "DELETE")
ROOTS = {"agentmail": "/v0/*", "instantly": "/api/v2/*", "cloudflare": "/client/v4/*"}


@dataclass
class Scenario:
    """A saga: what has to be there before it, what starts it, and functions that definitely fail in it."""

    machine: str
    start: Callable[[Kindling, dict[str, Any]], object]
    prepare: Callable[[Kindling], dict[str, Any]] = lambda _: {}
    failing: tuple[str, ...] = ()


def register(kindling: Kindling, _: dict[str, Any]) -> None:
    kindling.api.post(DOMAINS, {"domain": "acme.example"})


def create(kindling: Kindling, domain: dict[str, Any]) -> None:
    kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]})


def create_two(kindling: Kindling, domain: dict[str, Any]) -> None:
    rows = [{"username": name, "domain_id": domain["id"]} for name in ("kim", "lou")]
    kindling.api.post(f"{ACCOUNTS}/batch", {"accounts": rows})


def an_account(kindling: Kindling) -> dict[str, Any]:
    return kindling.account("kim", kindling.verified_domain())


def a_domain_with_an_account(kindling: Kindling) -> dict[str, Any]:
    domain = kindling.verified_domain()
    kindling.account("kim", domain)
    return domain


SCENARIOS = {
    "onboard": Scenario("OnboardDomain", register),
    "onboard, undone": Scenario("OnboardDomain", register, failing=("SaveDomainFunction",)),
    "provision": Scenario("ProvisionAccount", create, Kindling.verified_domain),
    "provision, undone": Scenario(
        "ProvisionAccount", create, Kindling.verified_domain, failing=("SaveAccountFunction",)
    ),
    "provision, refused": Scenario(
        "ProvisionAccount", create, Kindling.verified_domain, failing=("CreateInboxFunction",)
    ),
    "provision many": Scenario("ProvisionAccounts", create_two, Kindling.verified_domain),
    "deprovision": Scenario(
        "DeprovisionAccount", lambda kindling, made: kindling.api("DELETE", f"{ACCOUNTS}/{made['id']}"), an_account
    ),
    "offboard": Scenario(
        "OffboardDomain",
        lambda kindling, made: kindling.api("DELETE", f"{DOMAINS}/{made['id']}"),
        a_domain_with_an_account,
    ),
}


@dataclass
class Weather:
    """The trouble of one run: it begins when a state is entered, and lasts for `seconds`."""

    clock: Clock
    state: str
    seconds: float
    begun: float | None = None
    entered: list[str] = field(default_factory=list)

    def __call__(self, real: Handler, event: Any) -> Any:
        if event["state"] not in self.entered:
            self.entered.append(event["state"])
        if event["state"] == self.state and self.begun is None:
            self.begun = self.clock.monotonic()
            self.begin()
        if self.begun is not None and self.clock.monotonic() >= self.begun + self.seconds:
            self.end()
        return self.run(real, event)

    @property
    def rages(self) -> bool:
        return self.begun is not None and self.clock.monotonic() < self.begun + self.seconds

    def begin(self) -> None:
        """The trouble begins."""

    def end(self) -> None:
        """It is over."""

    def run(self, real: Handler, event: Any) -> Any:
        return real(event, None)


@dataclass
class Throttle(Weather):
    """Lambda or a function fails with `error`: in one state or in all, without or `after` its work."""

    error: str = "Lambda.TooManyRequestsException"
    everywhere: bool = False
    after: bool = False

    def run(self, real: Handler, event: Any) -> Any:
        if not self.rages or not (self.everywhere or event["state"] == self.state):
            return real(event, None)
        if self.after:
            real(event, None)
        raise Died(self.error)


@dataclass
class Outage(Weather):
    """A provider answers every call with a fault."""

    kindling: Kindling = None  # type: ignore[assignment]
    provider: str = ""
    fault: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def begin(self) -> None:
        for method in METHODS:
            self.kindling.world.fault(self.provider, method, ROOTS[self.provider], self.fault, **self.details)

    def end(self) -> None:
        self.kindling.world.heal()


SECONDS = (8, 60, 300)
ERRORS = [error for error in OUR_TROUBLE if error != "Lambda.TooManyRequestsException"]
THROTTLES: list[dict[str, Any]] = [
    *({"seconds": seconds, "everywhere": everywhere} for seconds in SECONDS for everywhere in (False, True)),
    *({"seconds": seconds, "error": "Sandbox.Timedout", "after": True} for seconds in SECONDS),
    *({"seconds": 60, "error": error} for error in ERRORS),
]
OUTAGES: list[dict[str, Any]] = [
    {"provider": provider, **cast("dict[str, Any]", outage)}
    for provider in ROOTS
    for outage in (
        *({"fault": "rate_limit", "details": {"seconds": s}, "seconds": s} for s in (10, 60, 600)),
        *({"fault": "refuse", "details": {"status": status}, "seconds": 600} for status in (401, 403)),
        {"fault": "refuse", "details": {"status": 503}, "seconds": 300},
        {"fault": "timeout_after", "seconds": 300},
    )
]
# Of how many runs the sample has one.
ONE_IN = 271
# What is drawn, or differs with the time that passes.
VOLATILE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(T[\d:.]+Z)?|[0-9a-f]{24,}"
    r"|am_us_[0-9a-f]+|p=MII[\w+/=\\\" ]+"
)
UNTOLD = ("KEY#", "QUOTA#", "WAITING")
UNTOLD_FIELDS = ("due_shard", "expires_at", "execution_arn", "revision")


def renew(kindling: Kindling) -> None:
    """A deployment as at the beginning, of the same tenant."""
    for empty in EMPTIED.values():
        empty()
    _forget()
    kindling.world.admin("POST", "reset")
    kindling.lambdas.overrides.clear()
    kindling.lambdas.weather = Weather(kindling.clock, "", 0)
    kindling.clock.at = kindling.clock.start
    kindling.api = Api(issue(kindling.user_id, EVERYTHING))
    random.seed(0)


def outcome(kindling: Kindling, scenario: Scenario, weather: Weather) -> Counter[str]:
    """How a run of the saga ends, and every row and resource that is there once cleanups and checks had their time."""
    made = scenario.prepare(kindling)
    kindling.lambdas.weather = weather
    refused = ProviderRefused("no")
    kindling.lambdas.overrides.update({function: fails(refused) for function in scenario.failing})
    scenario.start(kindling, made)
    execution = kindling.last_execution(scenario.machine)
    weather.end()
    kindling.retry_warmups(hours=1)
    while kindling.run_cleanups():
        pass
    for domain in kindling.api.get(DOMAINS).body["domains"]:
        kindling.api("POST", f"{DOMAINS}/{domain['id']}/verify", query={"poll": "true"})
    rows = aws.table().scan(ConsistentRead=True)["Items"]
    told = [
        {name: value for name, value in row.items() if name not in UNTOLD_FIELDS}
        for row in rows
        # The audit log tells how long a request waited: its answer is 201 or 202.
        if not str(row["pk"]).startswith(UNTOLD) and "#AUDIT#" not in str(row["pk"])
    ]
    end = f"{execution.status} {execution.error} {execution.path}"
    kinds = [kind for held in kindling.world.inventory().values() for kind in held.items()]
    resources = [plain((name, thing)) for name, things in kinds for thing in things]
    return Counter([end, *resources, *(plain(row) for row in told)])


def plain(value: Any) -> str:
    return VOLATILE.sub("*", json.dumps(value, default=str, sort_keys=True))


@pytest.mark.parametrize("name", SCENARIOS)
def test_trouble_that_passes_changes_nothing(kindling: Kindling, sample: Sample, name: str) -> None:
    scenario = SCENARIOS[name]
    renew(kindling)
    calm = Weather(kindling.clock, "", 0)
    expected = outcome(kindling, scenario, calm)
    # The sagas that one starts have a scenario of their own.
    states = [state for state in calm.entered if f'"{state}": {{' in definition(scenario.machine)]
    for state, trouble in sample(list(product(states, THROTTLES + OUTAGES)), one_in=ONE_IN):
        renew(kindling)
        names = {"clock": kindling.clock, "state": state, **trouble}
        weather = Outage(kindling=kindling, **names) if "provider" in trouble else Throttle(**names)
        found = outcome(kindling, scenario, weather)
        assert weather.begun is not None
        assert (state, trouble, found - expected, expected - found) == (state, trouble, Counter(), Counter())


def test_an_execution_that_is_merely_repeated_is_not_undone(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    undone: list[int] = []

    class Reconciled(Throttle):
        def run(self, real: Handler, event: Any) -> Any:
            kindling.lambdas.weather = lambda real, event: real(event, None)
            undone.append(operations.reconcile())
            kindling.lambdas.weather = self
            return super().run(real, event)

    kindling.lambdas.weather = Reconciled(kindling.clock, "CreateInbox", 900)
    create(kindling, domain)
    assert kindling.clock.monotonic() > 900
    assert kindling.last_execution("ProvisionAccount").path[-1] == "Provisioned"
    assert set(undone) == {0}
