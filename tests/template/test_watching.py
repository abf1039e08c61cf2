"""Alarms and the dashboard: what they watch is measured, what they ask of the operator stands in the runbook."""

import re
from datetime import timedelta
from typing import Any

import pytest

from kindling import providers
from kindling.errors import ProviderRefused
from kindling.platform.observability import METRICS
from kindling.platform.settings import settings
from kindling.platform.tenancy import SHARED
from kindling.warming import gate
from tests.conftest import Kindling
from tests.functions.api.test_send import SEND, email, sender
from tests.functions.api.test_warming import act, stand
from tests.functions.test_pollers import DOMAINS, begun, reconcile, tick, verifying, work
from tests.functions.test_webhooks import report
from tests.harness.lambdas import invoke
from tests.harness.machines import fails
from tests.harness.template import FUNCTIONS, MACHINES, RESOURCES, ROOT, TEMPLATE
from tests.harness.watching import (
    OURS,
    Watched,
    alarms,
    measured,
    of_alarm,
    of_widget,
    refers_to,
    widgets,
)

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
# What AWS measures, with the names of the dimensions under which it does. Sources: "HTTP API metrics" (API Gateway),
# "Types of metrics for Lambda functions", "Monitoring Step Functions metrics using CloudWatch", "Available CloudWatch
# metrics for Amazon SQS", "DynamoDB Metrics and dimensions".
THEIRS: dict[str, dict[tuple[str, ...], set[str]]] = {
    "AWS/ApiGateway": {("ApiId",): {"4xx", "5xx", "Count", "Latency"}},
    "AWS/Lambda": {("FunctionName",): {"Errors", "Invocations"}, (): {"ConcurrentExecutions", "Throttles"}},
    "AWS/States": {("StateMachineArn",): {"ExecutionsStarted", "ExecutionsFailed"}},
    "AWS/SQS": {("QueueName",): {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}},
    "AWS/DynamoDB": {
        ("TableName",): {
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        },
        ("TableName", "GlobalSecondaryIndexName"): {"WriteThrottleEvents"},
    },
}
# The type of resource that a dimension names, and the text by which the template refers to it.
NAMED = {
    "ApiId": ("AWS::Serverless::HttpApi", "${%s}"),
    "FunctionName": ("AWS::Serverless::Function", "${%s}"),
    "StateMachineArn": ("AWS::Serverless::StateMachine", "${%s}"),
    "QueueName": ("AWS::SQS::Queue", "${%s.QueueName}"),
    "TableName": ("AWS::DynamoDB::Table", "${%s}"),
}
INDEXES = {index["IndexName"] for index in RESOURCES["Table"]["Properties"]["GlobalSecondaryIndexes"]}
PERIODS = {"minute": 60, "minutes": 60, "day": 86400}
# Alarms that the operator hears of through another.
CHILDREN = {"ApiServerErrorsAlarm", "ApiSlowAlarm"}


def watched() -> set[Watched]:
    of_alarms = {metric for alarm in alarms().values() for metric in of_alarm(alarm)}
    return of_alarms | {metric for widget in widgets().values() for metric in of_widget(widget)}


def headings() -> set[str]:
    return set(re.findall(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE))


def poller_rate(function: str) -> int:
    """The seconds between two ticks."""
    expression = FUNCTIONS[function]["Events"]["Tick"]["Properties"]["ScheduleExpression"]
    found = re.fullmatch(r"rate\((\d+) (\w+)\)", expression)
    assert found
    return int(found[1]) * PERIODS[found[2]]


def test_whatever_is_watched_of_ours_was_seen_to_be_measured(
    kindling: Kindling, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    account = sender(kindling)
    domain_id = account["domain_id"]
    # 50 recipients a day, 40 of them at one mailbox provider, 10 an hour and 5 a minute; then each phase that lets
    # nothing out.
    stand(kindling, domain_id, budgets={"other": 40})
    for n, status in ((1, 202), (50, 429), (40, 429), (11, 429), (6, 429)):
        assert kindling.api.post(SEND, email(n)).status == status
    assert act(kindling, "pause", reason="holiday").status == 200
    assert kindling.api.post(SEND, email()).status == 403
    for phase in ("not_started", "suspended"):
        stand(kindling, domain_id, phase=phase)
        assert kindling.api.post(SEND, email()).status == 403
    assert act(kindling, "start", force=True).status == 200
    # Otherwise only mail after the day of the start is judged.
    stand(kindling, domain_id, judged_from="2026-03-01")
    assert report(kindling, "sent", 200, timestamp=kindling.clock.at.isoformat())
    assert report(kindling, "bounced", 60, type="Undetermined")
    kindling.work("JudgeWarmingFunction", "judgements")
    for state in (-1, -2):
        user = f"lee{-state}"
        other = kindling.account(user, {"id": domain_id, "domain": "acme.example"})
        kindling.world.set(warmup_states={other["email_address"]: state})
        assert kindling.api.get("/api/email/accounts/warmup-analytics").status == 200
    invoke("RetryWarmupsFunction", {})
    invoke("ReadSpamRatesFunction", {})
    # A domain that nobody verifies, one whose saga is refused, and one whose undo fails as well.
    verifying(kindling, "slow.example")
    kindling.clock.advance(hours=12)
    assert (tick(), work()) == (1, [])
    kindling.lambdas.overrides["TriggerVerificationFunction"] = fails(ProviderRefused("No."))
    assert kindling.api.post(DOMAINS, {"domain": "no.example"}).status == 502
    kindling.lambdas.overrides["UnpublishDnsFunction"] = fails(ProviderRefused("No."))
    begun(kindling, DOMAINS, {"domain": "stuck.example"})
    kindling.lambdas.overrides.clear()
    assert reconcile(kindling) == 1
    kindling.lambdas.overrides["AssignTagsFunction"] = fails(ProviderRefused("No."))
    body = {"username": "max", "domain_id": domain_id}
    assert kindling.api.post("/api/email/accounts", body).status == 502
    seen = measured(capsys.readouterr().out)
    assert {metric for metric in watched() if metric.namespace == OURS} - seen == set()
    # The table of names is complete, and nothing else is measured.
    assert {(metric.name, tuple(name for name, _ in metric.dimensions)) for metric in seen} == {
        (metric.name, metric.dimensions) for metric in METRICS
    }


@pytest.mark.parametrize("metric", sorted(watched(), key=repr), ids=lambda metric: f"{metric.name}{metric.dimensions}")
def test_whatever_is_watched_of_aws_has_a_name_that_aws_uses_and_is_of_this_stack(metric: Watched) -> None:
    if metric.namespace == OURS:
        return
    names = tuple(name for name, _ in metric.dimensions)
    assert metric.name in THEIRS[metric.namespace][names]
    for name, value in metric.dimensions:
        if name == "GlobalSecondaryIndexName":
            assert value in INDEXES
        else:
            kind, form = NAMED[name]
            (resource,) = refers_to(metric)
            assert (RESOURCES[resource]["Type"], value) == (kind, form % resource)


@pytest.mark.parametrize("name", alarms())
def test_an_alarm_names_its_heading_of_the_runbook_and_is_told(name: str) -> None:
    alarm = alarms()[name]
    what, _, heading = alarm["AlarmDescription"].rpartition(": runbook, ")
    assert what
    assert heading in headings()
    assert alarm.get("AlarmActions") == (None if name in CHILDREN else [{"Ref": "AlarmTopic"}])


def test_a_heading_of_the_runbook_has_what_to_check_and_what_to_fix_with_a_command() -> None:
    named = {alarm["AlarmDescription"].rpartition(": runbook, ")[2] for alarm in alarms().values()}
    for heading in (*named, "Executions that died"):
        section = re.split(r"^## ", RUNBOOK.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
        assert "**Check**" in section, heading
        assert "**Fix**" in section or heading == "Customers see errors", heading
        assert "\n    aws " in section, heading


def test_customers_see_errors_when_the_api_fails_or_is_slow() -> None:
    rule = alarms()["CustomersSeeErrorsAlarm"]["AlarmRule"]["Sub"]
    assert set(re.findall(r'ALARM\("\$\{(\w+)\}"\)', rule)) == CHILDREN
    assert rule.count(" OR ") == len(CHILDREN) - 1


def test_every_poller_has_an_alarm_that_rings_when_it_is_silent_for_two_ticks_or_more() -> None:
    silent = {name: alarm for name, alarm in alarms().items() if name.endswith("SilentAlarm")}
    pollers = {name for name, p in FUNCTIONS.items() if p["CodeUri"].startswith("functions/pollers/")}
    watched_pollers = set()
    for alarm in silent.values():
        (metric,) = of_alarm(alarm)
        (function,) = refers_to(metric)
        watched_pollers.add(function)
        assert (metric.name, alarm["Statistic"]) == ("Invocations", "Sum")
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "LessThanThreshold")
        # Without a service account nothing runs, and nothing is amiss.
        optional = {"If": ["ReadsSpamRates", "breaching", "notBreaching"]}
        assert alarm["TreatMissingData"] == (optional if function == "ReadSpamRatesFunction" else "breaching")
        assert alarm["Period"] * alarm["EvaluationPeriods"] >= 2 * poller_rate(function)
        # CloudWatch: an alarm looks back a week at most, and a day with periods below an hour.
        longest = timedelta(days=7) if alarm["Period"] >= 3600 else timedelta(days=1)
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= longest.total_seconds()
    assert watched_pollers == pollers


def failing(alarm: str) -> set[str]:
    """The functions whose errors an alarm adds up."""
    metrics = of_alarm(alarms()[alarm])
    assert {metric.name for metric in metrics} == {"Errors"}
    return {function for metric in metrics for function in refers_to(metric)}


def test_errors_of_every_poller_and_every_worker_are_watched() -> None:
    for kinds, alarm in ((("pollers",), "PollersFailAlarm"), (("workers", "streams"), "WorkersFailAlarm")):
        folders = tuple(f"functions/{kind}/" for kind in kinds)
        assert failing(alarm) == {n for n, p in FUNCTIONS.items() if p["CodeUri"].startswith(folders)}
        # Lambda tries an asynchronous invocation three times: one tick that fails for good is told.
        assert (alarms()[alarm]["Threshold"], alarms()[alarm]["EvaluationPeriods"]) == (2, 1)


def test_the_age_of_every_queue_with_a_worker_is_watched_and_told_after_an_hour() -> None:
    queues = {name for name, r in RESOURCES.items() if r["Type"] == "AWS::SQS::Queue" and name.endswith("Queue")}
    alarm = alarms()["QueuesOldAlarm"]
    assert {queue for metric in of_alarm(alarm) for queue in refers_to(metric)} == queues
    assert alarm["Threshold"] == 3600


def test_thresholds_that_matter() -> None:
    thresholds = {
        name: (a["Threshold"], a["EvaluationPeriods"], a.get("DatapointsToAlarm")) for name, a in own().items()
    }
    assert thresholds == {
        "ApiServerErrorsAlarm": (1, 5, 3),
        "ApiSlowAlarm": (25000, 5, 3),
        "ProvidersFailAlarm": (0.2, 3, None),
        "TableThrottledAlarm": (0, 5, 3),
        "ThrottlesAlarm": (0, 5, 3),
        "UndosStuckAlarm": (0, 1, None),
    }
    for alarm in own().values():
        assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("GreaterThanThreshold", "notBreaching")


def own() -> dict[str, dict[str, Any]]:
    """The alarms that no other test describes whole."""
    known = ("SilentAlarm", "DeadAlarm", "PollersFailAlarm", "WorkersFailAlarm", "QueuesOldAlarm")
    return {name: a for name, a in alarms().items() if "Threshold" in a and not name.endswith(known)}


def test_the_dashboard_begins_with_every_alarm_and_shows_every_limit_machine_provider_and_queue() -> None:
    first, *others = widgets().values()
    assert sorted(first["alarms"]) == sorted(f"${{{name}.Arn}}" for name in alarms())
    shown = {metric for widget in others for metric in of_widget(widget)}
    refused = {value for metric in shown if metric.name == "SendsRefused" for _, value in metric.dimensions}
    assert refused == {"daily", "mailbox_provider", "hourly", "per_minute", *gate._PHASE_ERRORS}
    for name in ("ExecutionsStarted", "ExecutionsFailed"):
        machines = {machine for metric in shown if metric.name == name for machine in refers_to(metric)}
        assert machines == set(MACHINES)
    made = {value for metric in shown if metric.name == "ProviderErrors" for _, value in metric.dimensions}
    doors = (providers._mail, providers._warmup, providers._dns, providers._reputation)
    assert made == {type(door.__wrapped__(SHARED, "a secret")).__name__ for door in doors}


def test_a_tenant_a_domain_or_an_address_is_a_dimension_of_nothing() -> None:
    assert {name for metric in METRICS for name in metric.dimensions} == {"Limit", "Saga", "Of", "To", "Provider"}


def test_the_runbook_lists_every_metric_with_its_unit_and_its_dimensions() -> None:
    rows = [line.split("|")[1:4] for line in RUNBOOK.splitlines() if line.startswith("| `")]
    assert [tuple(cell.strip() for cell in row) for row in rows] == [
        (f"`{metric.name}`", metric.unit.value, ", ".join(f"`{name}`" for name in metric.dimensions))
        for metric in METRICS
    ]


def test_metrics_of_two_stacks_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["METRICS_NAMESPACE"] == {"Sub": OURS}
    monkeypatch.setenv("METRICS_NAMESPACE", "Kindling/mine")
    assert settings.__wrapped__().metrics_namespace == "Kindling/mine"


def test_whoever_publishes_to_the_topic_is_an_alarm_or_a_rule_of_this_account() -> None:
    (statement,) = RESOURCES["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"]["Service"] == ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert RESOURCES["AlarmSubscription"]["Condition"] == "HasAlarmEmail"
