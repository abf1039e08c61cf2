"""Every figure of the template that an operator feels, written down a second time: whoever changes one means it."""

import os
from typing import Any

import pytest

from kindling.events import delivering
from kindling.platform import clock, due, table
from kindling.platform.settings import settings
from kindling.providers import client
from tests.harness.template import FUNCTIONS, MAPPINGS, RESOURCES, TEMPLATE, of_type, routes
from tests.template.test_policies import environment

FORTNIGHT = 14 * 24 * 3600
CADENCES = {
    "VerifyDomainsFunction": "rate(1 minute)",
    "ReconcileOperationsFunction": "rate(5 minutes)",
    "RunCleanupsFunction": "rate(5 minutes)",
    "AdvanceWarmingFunction": "rate(15 minutes)",
    "GraduateAccountsFunction": "rate(15 minutes)",
    "RetryWarmupsFunction": "rate(1 minute)",
    "ReconcileInventoryFunction": "rate(1 day)",
    "ReadSpamRatesFunction": "rate(1 day)",
}
# Functions that need longer than the others, in seconds.
TIMEOUTS = {
    "VerifyDomainsFunction": 60,
    "ReconcileOperationsFunction": 300,
    "RunCleanupsFunction": 300,
    "AdvanceWarmingFunction": 900,
    "GraduateAccountsFunction": 900,
    "RetryWarmupsFunction": 60,
    "ReconcileInventoryFunction": 900,
    "ReadSpamRatesFunction": 900,
    "CheckDomainFunction": 120,
    "AttemptCleanupFunction": 120,
    "JudgeWarmingFunction": 60,
    "ReviewAccountsFunction": 300,
    "EnableWarmupsFunction": 300,
    "PublishChangesFunction": 60,
    "AnnounceChangesFunction": 60,
    "DeliverEventsFunction": 120,
}
# A whole CPU for those that fill a queue.
FILLERS = ("VerifyDomains", "RunCleanups", "AdvanceWarming", "GraduateAccounts", "RetryWarmups")
MEMORIES = {f"{name}Function": 1769 for name in FILLERS} | {
    "ReconcileInventoryFunction": 1024,
    "PreviewImportFunction": 1769,
}
# Messages a worker is given at once, and workers at once.
BATCHES = {
    "CheckDomainFunction": (5, 2),
    "ReviewAccountsFunction": (1, 2),
    "EnableWarmupsFunction": (100, 2),
    "AttemptCleanupFunction": (5, 2),
    "JudgeWarmingFunction": (10, 20),
    "DeliverEventsFunction": (5, 10),
}
# Seconds for which a message is hidden while it is worked on, how often it is tried, and for how long it is kept.
QUEUES = {
    "VerificationsQueue": (720, 5, 21600),
    "CleanupsQueue": (720, 5, 21600),
    "JudgementsQueue": (360, 5, 21600),
    "ReviewsQueue": (1800, 5, 21600),
    "WarmupsQueue": (1800, 5, 21600),
    "DeliveriesQueue": (720, 5, 21600),
}
WORKING = {name: p for name, p in of_type("AWS::SQS::Queue").items() if "RedrivePolicy" in p}
SECONDS = {"minute": 60, "minutes": 60, "hour": 3600, "day": 86400}
DEFAULTS: dict[str, Any] = {
    "ZoneBinding": "operator",
    "ReservedNames": "refuse",
    "LoopbackWebhooks": "refuse",
    "ProvisionConcurrency": 10,
    "TenantRequestsPerSecond": 50,
    "KeyRequestsPerSecond": 25,
    "TenantCreatesPerHour": 2000,
    "KeyCreatesPerHour": 1000,
    "FailedAuthenticationsPerMinute": 60,
    "WaitingRequests": 5,
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


def test_a_function_has_30_seconds_and_512_megabytes_unless_it_works_through_more_than_one_thing() -> None:
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


def test_a_message_is_hidden_while_it_is_worked_on_tried_five_times_and_kept_for_a_fortnight_when_dead() -> None:
    assert {
        name: (p["VisibilityTimeout"], p["RedrivePolicy"]["maxReceiveCount"], p["MessageRetentionPeriod"])
        for name, p in WORKING.items()
    } == QUEUES
    others = {name: p for name, p in of_type("AWS::SQS::Queue").items() if name not in WORKING}
    assert {p["MessageRetentionPeriod"] for p in others.values()} == {FORTNIGHT}


def test_an_item_is_leased_for_longer_than_its_message_can_live_and_a_message_lives_for_all_its_tries() -> None:
    hidden = max(p["VisibilityTimeout"] for p in WORKING.values())
    for name, p in WORKING.items():
        # A message that is taken at its last moment is worked on for as long as it is hidden.
        assert due.LEASE.total_seconds() >= p["MessageRetentionPeriod"] + hidden, name
        assert p["MessageRetentionPeriod"] > p["VisibilityTimeout"] * p["RedrivePolicy"]["maxReceiveCount"], name
    # And by no more, so that a lost message is not missed for longer than it has to be.
    assert due.LEASE.total_seconds() == max(p["MessageRetentionPeriod"] for p in WORKING.values()) + hidden


def test_a_message_is_hidden_for_six_times_the_time_that_its_worker_has() -> None:
    for mapping in MAPPINGS.values():
        queue = WORKING[mapping["EventSourceArn"]["GetAtt"].removesuffix(".Arn")]
        assert queue["VisibilityTimeout"] == 6 * FUNCTIONS[mapping["FunctionName"]["Ref"]]["Timeout"]


def test_a_tick_may_last_until_the_next_one_and_no_longer() -> None:
    for name, cadence in CADENCES.items():
        number, unit = cadence.removeprefix("rate(").removesuffix(")").split()
        pause = int(number) * SECONDS[unit]
        assert FUNCTIONS[name]["Timeout"] == min(pause, 900), name
        assert FUNCTIONS[name]["Timeout"] > 2 * due.RESERVE_SECONDS


def test_each_message_of_a_batch_has_time_for_a_provider_that_does_not_answer() -> None:
    # One worker handles its messages together.
    for mapping in (one for one in MAPPINGS.values() if one["FunctionName"]["Ref"] != "EnableWarmupsFunction"):
        name = mapping["FunctionName"]["Ref"]
        if any(secret in environment(name) for secret in ("AGENTMAIL_SECRET", "INSTANTLY_SECRET")):
            assert (FUNCTIONS[name]["Timeout"] - clock.ANSWER_SECONDS) / mapping["BatchSize"] > client.CALL_SECONDS
        assert FUNCTIONS[name]["Timeout"] / mapping["BatchSize"] > table.WAIT_SECONDS
        if name == "DeliverEventsFunction":
            share = (FUNCTIONS[name]["Timeout"] - clock.ANSWER_SECONDS) / mapping["BatchSize"]
            assert share > delivering.TIMEOUT_SECONDS + table.WAIT_SECONDS
            # An attempt is over before another one may begin.
            assert delivering.LEASE.total_seconds() > share


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
    alarms = {name: a for name, a in of_type("AWS::CloudWatch::Alarm").items() if name.endswith("DeadAlarm")}
    assert {name: {k: alarm[k] for k in wanted} for name, alarm in alarms.items()} == dict.fromkeys(alarms, wanted)


def test_the_api_takes_a_hundred_requests_a_second_and_twice_as_many_in_a_burst() -> None:
    settings = TEMPLATE["Globals"]["HttpApi"]["DefaultRouteSettings"]
    assert settings == {
        "ThrottlingBurstLimit": {"Ref": "ApiBurst"},
        "ThrottlingRateLimit": {"Ref": "ApiRequestsPerSecond"},
    }
    assert {name: TEMPLATE["Parameters"][name]["Default"] for name in ("ApiRequestsPerSecond", "ApiBurst")} == {
        "ApiRequestsPerSecond": 100,
        "ApiBurst": 200,
    }


def test_what_a_provider_or_a_probe_sends_has_a_throttle_of_its_own() -> None:
    assert RESOURCES["Api"]["Properties"]["RouteSettings"] == {
        "POST /webhooks/agentmail": {"ThrottlingBurstLimit": 1000, "ThrottlingRateLimit": 500},
        "GET /healthz": {"ThrottlingBurstLimit": 20, "ThrottlingRateLimit": 10},
    }
    assert set(RESOURCES["Api"]["Properties"]["RouteSettings"]) <= set(routes())


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
    assert found.waiting_requests == DEFAULTS["WaitingRequests"]
    assert found.zone_binding == DEFAULTS["ZoneBinding"]
    # One call to a provider, and a wait for a saga, leave a request time to answer within its gateway's 30 seconds.
    assert (found.provider_timeout_seconds, found.saga_wait_seconds) == (8, 20)


def test_items_end_by_the_attribute_that_the_code_sets() -> None:
    assert RESOURCES["Table"]["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
