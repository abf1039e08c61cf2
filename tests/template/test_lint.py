"""The template: rules of CloudFormation, SQS and DynamoDB, and what an operator needs."""

import json
import re
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.harness.template import FUNCTIONS, MACHINES, MAPPINGS, RESOURCES, ROOT, STREAMS, TEMPLATE, of_type

QUEUES = of_type("AWS::SQS::Queue")
RULE = of_type("AWS::Events::Rule")["ExecutionsDiedRule"]
DEFAULT_TIMEOUT = TEMPLATE["Globals"]["Function"]["Timeout"]
VISIBILITY_FACTOR = 6  # docs.aws.amazon.com/lambda, "Configuring an SQS queue to use with Lambda"
NO_VALUE = {"Ref": "AWS::NoValue"}
OWN_KEY = {"If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, NO_VALUE]}
FORTNIGHT = 14 * 24 * 3600
# What the access log has of a request.
LOGGED = {
    "request_id",
    "at",
    "route",
    "status",
    "milliseconds",
    "bytes",
    "error",
    "function_status",
    "function_milliseconds",
    "function_error",
}


def triggers(kind: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The events of a type, by a unique name: the function and the event's properties."""
    return {
        f"{function}.{name}": (function, event["Properties"])
        for function, properties in FUNCTIONS.items()
        for name, event in properties.get("Events", {}).items()
        if event["Type"] == kind
    }


def attribute(value: dict[str, str]) -> str:
    """The logical id in `!GetAtt X.Arn`."""
    return value["GetAtt"].removesuffix(".Arn")


def headings() -> set[str]:
    """The headings of the operator's runbook."""
    return set(re.findall(r"^## (.+)$", (ROOT / "docs/runbook.md").read_text(), flags=re.MULTILINE))


def test_the_linter_finds_nothing() -> None:
    found = lint((ROOT / "template.yaml").read_text(), config=ManualArgs(regions=["us-east-1"]))
    assert [str(match) for match in found] == []


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_queue_hides_a_message_for_six_times_as_long_as_its_worker_may_take(mapping: str) -> None:
    queue = QUEUES[attribute(MAPPINGS[mapping]["EventSourceArn"])]
    worker = FUNCTIONS[MAPPINGS[mapping]["FunctionName"]["Ref"]]
    assert queue["VisibilityTimeout"] >= VISIBILITY_FACTOR * worker.get("Timeout", DEFAULT_TIMEOUT)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_worker_gives_back_single_messages_and_spares_its_provider(mapping: str) -> None:
    assert MAPPINGS[mapping]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Judgements call no provider, and the receivers of events are many.
    spared = {"JudgeWarmingFunctionWork": 20, "DeliverEventsFunctionWork": 10}.get(mapping, 2)
    assert MAPPINGS[mapping]["ScalingConfig"]["MaximumConcurrency"] <= spared


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_queue_with_a_worker_has_a_dead_letter_queue(mapping: str) -> None:
    queue = attribute(MAPPINGS[mapping]["EventSourceArn"])
    redrive = QUEUES[queue]["RedrivePolicy"]
    # One of its own, so that its alarm tells which worker fails.
    assert attribute(redrive["deadLetterTargetArn"]) == f"{queue.removesuffix('Queue')}DeadLetters"
    dead = QUEUES[attribute(redrive["deadLetterTargetArn"])]
    assert redrive["maxReceiveCount"] >= 3
    assert dead["MessageRetentionPeriod"] == FORTNIGHT


@pytest.mark.parametrize("name", QUEUES)
def test_every_queue_is_encrypted(name: str) -> None:
    key, aws_key = QUEUES[name]["KmsMasterKeyId"]["If"], QUEUES[name]["SqsManagedSseEnabled"]["If"]
    assert key == ["HasKmsKey", {"Ref": "KmsKeyArn"}, NO_VALUE]
    assert aws_key == ["HasKmsKey", NO_VALUE, True]


@pytest.mark.parametrize("trigger", triggers("ScheduleV2"))
def test_a_tick_that_could_not_be_delivered_is_kept(trigger: str) -> None:
    _, event = triggers("ScheduleV2")[trigger]
    dead = QUEUES[attribute(event["DeadLetterConfig"]["Arn"])]
    assert dead["MessageRetentionPeriod"] == FORTNIGHT
    assert event["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600


def test_every_poller_has_a_schedule_and_nothing_else() -> None:
    scheduled = {function for function, _ in triggers("ScheduleV2").values()}
    assert scheduled == {name for name, p in FUNCTIONS.items() if p["CodeUri"].startswith("functions/pollers/")}
    assert triggers("Schedule") == {}


def test_every_worker_has_a_queue_and_every_route_the_api() -> None:
    consumers = {mapping["FunctionName"]["Ref"] for mapping in MAPPINGS.values()}
    assert triggers("SQS") == {}
    assert consumers == {name for name, p in FUNCTIONS.items() if p["CodeUri"].startswith("functions/workers/")}
    followers = {mapping["FunctionName"]["Ref"] for mapping in STREAMS.values()}
    assert followers == {name for name, p in FUNCTIONS.items() if p["CodeUri"].startswith("functions/streams/")}
    served = {function for function, event in triggers("HttpApi").values() if event["ApiId"] == {"Ref": "Api"}}
    assert served == {
        name
        for name, p in FUNCTIONS.items()
        if p["CodeUri"].startswith(("functions/api/", "functions/webhooks/", "functions/console"))
    }


def test_the_table_outlives_the_stack_and_a_mistake() -> None:
    table = RESOURCES["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": OWN_KEY}
    settings = {
        "TableDeletionProtection": table["Properties"]["DeletionProtectionEnabled"],
        "TablePointInTimeRecovery": table["Properties"]["PointInTimeRecoverySpecification"][
            "PointInTimeRecoveryEnabled"
        ],
    }
    assert settings == {name: {"Ref": name} for name in settings}
    assert {name: TEMPLATE["Parameters"][name]["Default"] for name in settings} == dict.fromkeys(settings, "true")


def test_a_key_of_the_operators_own_encrypts_logs_and_the_deployments_secret_too() -> None:
    assert RESOURCES["Logs"]["Properties"]["KmsKeyId"] == OWN_KEY
    assert RESOURCES["DeploymentSecret"]["Properties"]["KmsKeyId"] == OWN_KEY


def test_whatever_dies_in_a_queue_raises_an_alarm() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm")
    watched = [
        (alarm["MetricName"], alarm["Dimensions"][0]["Value"]["GetAtt"])
        for name, alarm in alarms.items()
        if name.endswith("DeadAlarm")
    ]
    dead = [f"{name}.QueueName" for name in QUEUES if name.endswith("DeadLetters")]
    assert sorted(watched) == sorted(("ApproximateNumberOfMessagesVisible", name) for name in dead)


def test_an_execution_that_died_is_told_and_a_creation_that_was_undone_is_not() -> None:
    pattern = RULE["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == (["aws.states"], ["Step Functions Execution Status Change"])
    told = {
        (machine["Ref"], status)
        for either in pattern["detail"]["$or"]
        for machine in either["stateMachineArn"]
        for status in either["status"]
    }
    deletions = ("OffboardDomain", "DeprovisionAccount")
    assert told == {
        *((name, status) for name in MACHINES for status in ("ABORTED", "TIMED_OUT")),
        *((name, "FAILED") for name in deletions),
    }


def test_what_is_told_of_an_execution_names_it_its_machine_and_a_heading_of_the_runbook() -> None:
    (target,) = RULE["Targets"]
    assert target["Arn"] == {"Ref": "AlarmTopic"}
    text = target["InputTransformer"]["InputTemplate"]
    # EventBridge only sends text that is in quotation marks itself.
    assert text == f'"{text[1:-1]}"'
    assert set(re.findall(r"<(\w+)>", text)) == set(target["InputTransformer"]["InputPathsMap"])
    assert text[1:-1].partition("runbook, ")[2] in headings()
    assert RULE["Description"].partition("runbook, ")[2] in headings()


def test_a_request_is_logged_by_its_route_and_without_what_it_says() -> None:
    settings = RESOURCES["Api"]["Properties"]["AccessLogSettings"]
    assert settings["DestinationArn"] == {"GetAtt": "AccessLogs.Arn"}
    filled = re.sub(r"\$context\.[\w.]+", "1", settings["Format"])
    assert set(json.loads(filled)) == LOGGED
    assert set(re.findall(r"\$context\.([\w.]+)", settings["Format"])) == {
        "requestId",
        "requestTimeEpoch",
        "routeKey",
        "status",
        "responseLatency",
        "responseLength",
        "integrationStatus",
        "integrationLatency",
        "error.message",
        "integrationErrorMessage",
    }


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_logs_its_errors_and_nothing_of_its_data(machine: str) -> None:
    logging = MACHINES[machine]["Logging"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
    assert logging["Destinations"] == [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"GetAtt": "MachineLogs.Arn"}}}]
    assert {"Ref": "MachineLogsPolicy"} in MACHINES[machine]["Policies"]


def test_all_logs_are_kept_for_as_long_as_the_operator_says() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    assert set(groups) == {"Logs", "AccessLogs", "MachineLogs"}
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    assert TEMPLATE["Parameters"]["LogRetentionDays"]["Default"] == 90
