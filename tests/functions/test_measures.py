"""What functions measure, by the lines that CloudWatch makes metrics of."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kindling.accounts import store
from kindling.accounts.model import BANNED
from kindling.errors import ProviderRefused
from kindling.platform.observability import invocation
from tests.conftest import Kindling
from tests.functions.api.test_send import SEND, email, sender
from tests.functions.test_pollers import DOMAINS, begun, dies_in, reconcile
from tests.functions.test_warmups import pending
from tests.functions.test_webhooks import report
from tests.harness.lambdas import invoke
from tests.harness.machines import fails

Measured = Callable[[], dict[tuple[str, ...], list[float]]]


@pytest.fixture
def measured(kindling: Kindling, capsys: pytest.CaptureFixture[str]) -> Measured:
    """All values since it was asked last, by the metric's name and the values of its dimensions."""

    def read() -> dict[tuple[str, ...], list[float]]:
        found: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for line in capsys.readouterr().out.splitlines():
            document: dict[str, Any] = json.loads(line) if line.startswith('{"_aws"') else {}
            for made in document.get("_aws", {}).get("CloudWatchMetrics", []):
                values = tuple(document[name] for name in made["Dimensions"][0])
                for metric in made["Metrics"]:
                    found[metric["Name"], *values] += document[metric["Name"]]
        return found

    return read


def test_recipients_are_counted_as_admitted_or_under_the_limit_that_refused_them(
    kindling: Kindling, measured: Measured
) -> None:
    sender(kindling)
    measured()
    assert kindling.api.post(SEND, email(3)).status == 202
    assert kindling.api.post(SEND, email(4)).status == 429
    found = measured()
    assert (found["SendsAdmitted",], found["SendsRefused", "per_minute"]) == ([3], [4])
    assert kindling.test_api.post(SEND, email(1)).status == 202
    assert ("SendsAdmitted",) not in measured()


def test_a_saga_that_was_undone_counts_once_under_its_name(kindling: Kindling, measured: Measured) -> None:
    kindling.lambdas.overrides["SaveDomainFunction"] = fails(ProviderRefused("No."))
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}).status == 502
    assert measured()["SagasUndone", "onboard_domain"] == [1]
    kindling.lambdas.overrides.clear()
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}).status == 201
    assert ("SagasUndone", "onboard_domain") not in measured()


def test_an_undo_needs_help_once_it_has_failed_and_not_when_somebody_stopped_its_saga(
    kindling: Kindling, impatient: None, measured: Measured
) -> None:
    dies_in(kindling, "RegisterDomain")
    begun(kindling, DOMAINS, {"domain": "acme.example"})
    # Its undo is stopped as well.
    dies_in(kindling, "DeregisterDomain")
    assert reconcile(kindling) == 1
    assert ("UndosStuck",) not in measured()
    kindling.lambdas.overrides.clear()
    assert reconcile(kindling) == 1
    assert measured()["UndosStuck",] == [1]
    kindling.lambdas.overrides["SaveDomainFunction"] = fails(ProviderRefused("No."))
    kindling.lambdas.overrides["ReleaseNameFunction"] = fails(ProviderRefused("No."))
    begun(kindling, DOMAINS, {"domain": "other.example"})
    kindling.lambdas.overrides.clear()
    assert reconcile(kindling) == 1
    assert measured()["UndosStuck",] == [1]


def test_the_warmups_that_wait_are_counted_each_minute_whether_due_or_not(
    kindling: Kindling, measured: Measured
) -> None:
    domain = kindling.verified_domain()
    pending(kindling, "kim", domain)
    kindling.clock.advance(minutes=2)
    pending(kindling, "lee", domain)
    measured()
    assert invoke("RetryWarmupsFunction", {}) == {"queued": 1}
    assert measured()["WarmupsPending",] == [2]
    kindling.world.heal()
    kindling.retry_warmups(hours=7)
    measured()
    invoke("RetryWarmupsFunction", {})
    assert measured()["WarmupsPending",] == [0]


def test_a_webhook_is_late_by_the_time_since_its_event_and_never_early(kindling: Kindling, measured: Measured) -> None:
    kindling.account()
    for seconds in (90, -5):
        report(kindling, "sent", 1, timestamp=(kindling.clock.at - timedelta(seconds=seconds)).isoformat())
    report(kindling, "sent", 1)
    assert measured()["WebhookLag",] == [90, 0]


def test_a_change_counts_once_under_what_it_leads_to(kindling: Kindling, measured: Measured) -> None:
    account = kindling.account()
    found = measured()
    assert (found["Transitions", "domain", "verified"], found["Transitions", "account", "warming"]) == ([1], [1])
    row = store.get(kindling.user_id, account["id"])
    assert row is not None
    with invocation():
        assert (store.swap(row, BANNED), store.swap(row, BANNED)) == (True, False)
    assert measured()["Transitions", "account", "banned"] == [1]


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        ({}, [0]),
        ({"fault": "refuse", "status": 422}, [0]),
        ({"fault": "refuse", "status": 401}, [1]),
        ({"fault": "refuse", "status": 402}, [1]),
        ({"fault": "refuse", "status": 503}, [1]),
        ({"fault": "drop_answer"}, [1]),
    ],
)
def test_a_request_to_a_provider_failed_unless_it_was_answered_for_what_it_asks(
    kindling: Kindling, measured: Measured, fault: dict[str, Any], errors: list[float]
) -> None:
    sender(kindling)
    if fault:
        kindling.world.fault("agentmail", "POST", "/v0/inboxes/*", **{"calls": [1], **fault})
    measured()
    kindling.api.post(SEND, email(1))
    found = measured()
    # A failed one is repeated.
    assert found["ProviderErrors", "AgentMail"][:1] == errors
    assert len(found["ProviderLatency", "AgentMail"]) == len(found["ProviderErrors", "AgentMail"])
