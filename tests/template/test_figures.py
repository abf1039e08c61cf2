"""Every figure of the template that an operator feels, written down a second time: whoever changes one means it."""

import os
from typing import Any

import pytest

from kindling.platform.settings import settings
from tests.harness.template import FUNCTIONS, MAPPINGS, RESOURCES, TEMPLATE, of_type

FORTNIGHT = 14 * 24 * 3600
CADENCES = {
    "VerifyDomainsFunction": "rate(1 minute)",
    "ReconcileOperationsFunction": "rate(5 minutes)",
    "RunCleanupsFunction": "rate(5 minutes)",
    "AdvanceWarmingFunction": "rate(15 minutes)",
    "GraduateAccountsFunction": "rate(1 hour)",
    "ReconcileInventoryFunction": "rate(1 day)",
}
# Functions that need longer than the others, in seconds.
TIMEOUTS = {"ReviewAccountsFunction": 300, "ReconcileInventoryFunction": 900}
MEMORIES = {"ReconcileInventoryFunction": 1024}
# Messages a worker is given at once, and workers at once.
BATCHES = {
    "CheckDomainFunction": (5, 2),
    "ReviewAccountsFunction": (1, 2),
    "AttemptCleanupFunction": (5, 2),
    "JudgeWarmingFunction": (10, 10),
}
# Seconds for which a message is hidden while it is worked on, and how often it is tried.
QUEUES = {
    "VerificationsQueue": (180, 5),
    "CleanupsQueue": (180, 5),
    "JudgementsQueue": (180, 5),
    "ReviewsQueue": (1800, 5),
}
DEFAULTS: dict[str, Any] = {
    "ZoneBinding": "operator",
    "ReservedNames": "refuse",
    "TenantRequestsPerSecond": 50,
    "KeyRequestsPerSecond": 25,
    "TenantCreatesPerHour": 500,
    "KeyCreatesPerHour": 250,
    "FailedAuthenticationsPerMinute": 60,
}


def test_each_poller_ticks_at_its_own_pace_and_a_lost_tick_is_not_made_up_for() -> None:
    ticks = {
        name: event["Properties"]
        for name, properties in FUNCTIONS.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "ScheduleV2"
    }
    assert {name: tick["ScheduleExpression"] for name, tick in ticks.items()} == CADENCES
    # The next tick finds what this one left; only a second or two of trouble is worth a repeat.
    retried = {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 2}
    assert [name for name, tick in ticks.items() if tick["RetryPolicy"] != retried] == []


def test_a_function_has_30_seconds_and_512_megabytes_unless_it_walks_through_what_a_provider_holds() -> None:
    everybody = TEMPLATE["Globals"]["Function"]
    assert (everybody["Timeout"], everybody["MemorySize"]) == (30, 512)
    assert {name: p["Timeout"] for name, p in FUNCTIONS.items() if "Timeout" in p} == TIMEOUTS
    assert {name: p["MemorySize"] for name, p in FUNCTIONS.items() if "MemorySize" in p} == MEMORIES


def test_a_worker_takes_so_many_messages_and_runs_so_many_times_at_once() -> None:
    taken = {
        mapping["FunctionName"]["Ref"]: (mapping["BatchSize"], mapping["ScalingConfig"]["MaximumConcurrency"])
        for mapping in MAPPINGS.values()
    }
    assert taken == BATCHES


def test_a_message_is_hidden_while_it_is_worked_on_tried_five_times_and_kept_for_a_fortnight_after() -> None:
    queues = of_type("AWS::SQS::Queue")
    working = {name: p for name, p in queues.items() if "RedrivePolicy" in p}
    assert {
        name: (p["VisibilityTimeout"], p["RedrivePolicy"]["maxReceiveCount"]) for name, p in working.items()
    } == QUEUES
    assert {p["MessageRetentionPeriod"] for name, p in queues.items() if name not in working} == {FORTNIGHT}


def test_an_alarm_rings_for_the_first_dead_message_within_five_minutes() -> None:
    wanted = {
        "Namespace": "AWS/SQS",
        "Statistic": "Maximum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    alarms = of_type("AWS::CloudWatch::Alarm")
    assert {name: {k: alarm[k] for k in wanted} for name, alarm in alarms.items()} == dict.fromkeys(alarms, wanted)


def test_the_api_takes_a_hundred_requests_a_second_and_twice_as_many_in_a_burst() -> None:
    settings = TEMPLATE["Globals"]["HttpApi"]["DefaultRouteSettings"]
    assert settings == {"ThrottlingBurstLimit": 200, "ThrottlingRateLimit": 100}


def test_quotas_and_whom_zones_go_to_have_careful_defaults() -> None:
    assert {name: TEMPLATE["Parameters"][name]["Default"] for name in DEFAULTS} == DEFAULTS


def test_what_the_code_assumes_without_a_template_is_what_the_template_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    found = settings.__wrapped__()
    assert found.tenant_requests_per_second == DEFAULTS["TenantRequestsPerSecond"]
    assert found.key_requests_per_second == DEFAULTS["KeyRequestsPerSecond"]
    assert found.tenant_creates_per_hour == DEFAULTS["TenantCreatesPerHour"]
    assert found.key_creates_per_hour == DEFAULTS["KeyCreatesPerHour"]
    assert found.failed_authentications_per_minute == DEFAULTS["FailedAuthenticationsPerMinute"]
    assert found.zone_binding == DEFAULTS["ZoneBinding"]
    # One call to a provider, and a wait for a saga, leave a request time to answer within its gateway's 30 seconds.
    assert (found.provider_timeout_seconds, found.saga_wait_seconds) == (8, 20)


def test_items_end_by_the_attribute_that_the_code_sets_and_logs_after_90_days() -> None:
    assert RESOURCES["Table"]["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert RESOURCES["Logs"]["Properties"]["RetentionInDays"] == 90
