"""The template as CloudFormation gets it: names, size, versions and the way from one release to the next."""

import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from local.transform import Change, changes, transformed
from tests.harness.template import FUNCTIONS, MACHINES, POLICIES, ROOT, policies

TEXT = (ROOT / "template.yaml").read_text()
MOST_RESOURCES = 500  # docs.aws.amazon.com/AWSCloudFormation, "Understand CloudFormation quotas"
SPARE_RESOURCES = 20
# A policy of this type is named within its role.
INLINE = "AWS::IAM::Policy"
# What gives a name its room: a function, an API or an application.
ROOMS = {"FunctionName", "ApiId", "ApplicationName"}
SERVER_ERRORS = "${AWS::StackName}-server-errors"
PROVIDER_POLICIES = {"AgentMailPolicy", "InstantlyPolicy", "CloudflarePolicy"}

Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return transformed(TEXT, ROOT)


@pytest.fixture(scope="module")
def resources(template: dict[str, Any]) -> Resources:
    found: Resources = template["Resources"]
    return found


def resolved(value: Any, stack: str) -> Any:
    """A property in the stack of a name; what CloudFormation generates has the stack's name in it."""
    if isinstance(value, dict) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return stack if argument == "AWS::StackName" else f"{stack}/{argument}"
        if function == "Fn::Sub" and isinstance(argument, str):
            return re.sub(r"\$\{([\w:.]+)\}", lambda found: str(resolved({"Ref": found[1]}, stack)), argument)
        if function == "Fn::GetAtt":
            return f"{stack}/{argument}"
    return value


def naming(kind: str) -> set[str]:
    """The properties by which a resource of a type is told apart from others in an account and region."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    identifiers = [schema["primaryIdentifier"], *schema.get("additionalIdentifiers", [])]
    given = set(itertools.chain(*identifiers)) - set(schema.get("readOnlyProperties", []))
    return {path.removeprefix("/properties/") for path in given} | {"Name", "LayerName", f"{kind.split('::')[2]}Name"}


def names(resources: Resources, stack: str) -> set[tuple[Any, ...]]:
    """Type and name of every resource of a stack that does not leave its name to CloudFormation."""
    found = set()
    for resource in resources.values():
        kind, properties = resource["Type"], resource.get("Properties", {})
        given = {key: resolved(properties[key], stack) for key in naming(kind) | ROOMS if key in properties}
        if given.keys() - ROOMS and kind != INLINE:
            found.add((kind, *sorted(given.items())))
    return found


def versions(resources: Resources) -> set[str]:
    return {name for name, resource in resources.items() if resource["Type"] == "AWS::Lambda::Version"}


def test_two_stacks_in_one_account_have_no_name_in_common(resources: Resources) -> None:
    one, two = names(resources, "one"), names(resources, "two")
    assert len(one) > 40
    assert one & two == set()


def test_nothing_is_exported_under_a_name_that_another_stack_would_export_too(template: dict[str, Any]) -> None:
    assert [name for name, output in template["Outputs"].items() if "Export" in output] == []


def test_a_name_that_is_written_down_is_found(resources: Resources) -> None:
    named = copy.deepcopy(resources["Logs"])
    named["Properties"]["LogGroupName"] = "/kindling"
    assert names({"Logs": named}, "one") & names({"Logs": named}, "two") == {
        ("AWS::Logs::LogGroup", ("LogGroupName", "/kindling"))
    }
    scheduled = copy.deepcopy(resources["VerifyDomainsFunctionTick"])
    scheduled["Properties"]["Name"] = "Tick"
    assert len(names({"Tick": scheduled}, "one") & names({"Tick": scheduled}, "two")) == 1


def test_the_stack_fits_cloudformation_with_room_for_more(resources: Resources) -> None:
    assert len(resources) <= MOST_RESOURCES - SPARE_RESOURCES


def test_steps_and_the_routes_that_act_outside_of_the_table_have_versions_which_are_kept(resources: Resources) -> None:
    published = {resources[name]["Properties"]["FunctionName"]["Ref"] for name in versions(resources)}
    assert published == {name for name, properties in FUNCTIONS.items() if "AutoPublishAlias" in properties}
    assert {resources[name]["DeletionPolicy"] for name in versions(resources)} == {"Retain"}


def test_traffic_shifts_gradually_to_what_sends_calls_a_provider_or_starts_a_saga(resources: Resources) -> None:
    def acts(properties: dict[str, Any]) -> bool:
        granted = policies(properties)
        outside = any(policy.get("Ref") in PROVIDER_POLICIES for policy in granted)
        (event,) = properties["Events"].values()
        return "states:StartExecution" in str(granted) or (outside and event["Properties"].get("Method") != "GET")

    entered = {name: p for name, p in FUNCTIONS.items() if p["CodeUri"].startswith(("functions/api/", "functions/web"))}
    acting = {name for name, properties in entered.items() if acts(properties)} | {"ReceiveAgentmailFunction"}
    preferences = {name: p["DeploymentPreference"] for name, p in FUNCTIONS.items() if "DeploymentPreference" in p}
    assert set(preferences) == acting
    wanted = {"Type": {"Ref": "Rollout"}, "Alarms": [{"Sub": SERVER_ERRORS}]}
    assert all(preference == wanted for preference in preferences.values())
    assert set(POLICIES) >= PROVIDER_POLICIES


def test_an_alarm_takes_a_shift_back_and_with_it_the_deployment() -> None:
    resources = transformed(TEXT, ROOT, {"Rollout": "Canary10Percent5Minutes"})["Resources"]
    group = resources["SendEmailFunctionDeploymentGroup"]["Properties"]
    assert resources["ApiServerErrorsAlarm"]["Properties"]["AlarmName"] == {"Fn::Sub": SERVER_ERRORS}
    assert group["AlarmConfiguration"] == {"Enabled": True, "Alarms": [{"Name": {"Fn::Sub": SERVER_ERRORS}}]}
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": "Canary10Percent5Minutes"}
    route = resources["SendEmailFunctionRoutePermission"]["Properties"]["FunctionName"]
    assert route == {"Ref": "SendEmailFunctionAliaslive"}


def references(value: Any) -> Iterator[str]:
    """The logical ids that a part of a transformed template refers to."""
    if isinstance(value, list):
        for part in value:
            yield from references(part)
    if not isinstance(value, dict):
        return
    for key, part in value.items():
        if key == "Fn::Sub":
            yield from re.findall(r"\$\{(\w+)", part if isinstance(part, str) else part[0])
        if key == "Fn::GetAtt":
            yield part[0] if isinstance(part, list) else part.partition(".")[0]
        elif key in ("Ref", "DependsOn"):
            yield from [part] if isinstance(part, str) else part
        yield from references(part)


def test_no_resource_waits_for_itself_not_even_by_way_of_its_update_policy(resources: Resources) -> None:
    waits = {name: set(references(resource)) & resources.keys() for name, resource in resources.items()}
    # What waits for nothing is made, and then whatever waited for that alone.
    while free := {name for name, others in waits.items() if not others}:
        waits = {name: others - free for name, others in waits.items() if name not in free}
    assert waits == {}


def test_a_change_of_the_core_layer_is_a_new_version_of_every_function_that_has_any(resources: Resources) -> None:
    # What stands in for other code in the layer.
    moved = transformed(TEXT.replace("ContentUri: layers/core", "ContentUri: layers/dependencies"), ROOT)["Resources"]
    assert versions(moved) & versions(resources) == set()
    assert len(versions(moved)) == len(versions(resources))


def test_a_change_of_one_function_is_a_new_version_of_that_one(resources: Resources) -> None:
    moved = transformed(
        TEXT.replace("CodeUri: functions/steps/claim_name", "CodeUri: functions/steps/release_name"), ROOT
    )
    (gone,) = versions(resources) - versions(moved["Resources"])
    assert gone.startswith("ClaimNameFunctionVersion")


def test_a_machine_names_the_versions_of_its_release(resources: Resources) -> None:
    for machine in MACHINES:
        substitutions = resources[machine]["Properties"]["DefinitionSubstitutions"]
        for name, value in substitutions.items():
            assert name == "ProvisionConcurrency" or value["Ref"] in versions(resources)


def test_the_difference_of_two_templates_is_told_by_resource(template: dict[str, Any]) -> None:
    assert list(changes(template, template)) == []
    assert {change.action for change in changes({}, template)} == {"created"}
    altered = copy.deepcopy(template)
    del altered["Resources"]["TickDeadLetters"]
    altered["Resources"]["Logs"]["Properties"]["RetentionInDays"] = 30
    assert list(changes(template, altered)) == [
        Change("changed", "AWS::Logs::LogGroup", "Logs"),
        Change("removed", "AWS::SQS::Queue", "TickDeadLetters"),
    ]
