"""The functions' roles after SAM's transformation, which attaches policies of its own."""

import json
import re
from collections import defaultdict
from typing import Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from tests.harness.template import FUNCTIONS, MACHINES, MAPPINGS, POLICIES, ROOT, policies, shared_role

LOGS = "service-role/AWSLambdaBasicExecutionRole"
TRACES = "AWSXrayWriteOnlyAccess"
SHIFTS = "service-role/AWSCodeDeployRoleForLambda"
MOST_POLICIES = 10  # docs.aws.amazon.com/IAM, "IAM and AWS STS quotas": managed policies attached to a role
FEWEST = 3
BOUNDARY = "LogsBoundary"
SHARED = set(filter(None, map(shared_role, FUNCTIONS.values())))
CODE = ("CodeUri", "ContentUri", "DefinitionUri")


class NoNames:
    """SAM's names of AWS's managed policies, of which the template uses none."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def roles() -> dict[str, dict[str, Any]]:
    """The properties of every role, by logical id, as in the packaged template."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        properties |= {
            key: "s3://bucket/key" for key in ("CodeUri", "ContentUri", "DefinitionUri") if key in properties
        }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        resources = transform(template, {}, NoNames())["Resources"]
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == "AWS::IAM::Role"}


def attached(role: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The managed policies of a role: AWS's, by their name, and the template's, by their logical id."""
    arns = [arn if isinstance(arn, dict) else {"Fn::Sub": arn} for arn in role.get("ManagedPolicyArns", [])]
    theirs = {arn["Fn::Sub"].partition(":policy/")[2] for arn in arns if "Fn::Sub" in arn}
    return theirs, {arn["Ref"] for arn in arns if "Ref" in arn}


def role_of(function: str) -> str:
    return shared_role(FUNCTIONS[function]) or f"{function}Role"


def test_a_function_has_of_awss_policies_those_for_logs_and_traces_and_a_machine_that_for_traces(
    roles: dict[str, dict[str, Any]],
) -> None:
    theirs = {name: attached(role)[0] for name, role in roles.items()}
    functions = {role_of(name): {LOGS, TRACES} for name in FUNCTIONS}
    machines = {f"{name}Role": {TRACES} for name in MACHINES}
    shifting = {"CodeDeployServiceRole": {SHIFTS}}
    assert {name: found for name, found in theirs.items() if found} == functions | machines | shifting


def test_no_role_is_for_every_queue_nor_for_everything_of_another_kind(roles: dict[str, dict[str, Any]]) -> None:
    for name, role in roles.items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert '"*"' not in json.dumps([statement["Action"], statement["Resource"]]), name


def test_no_role_has_more_managed_policies_than_iam_lets_it(roles: dict[str, dict[str, Any]]) -> None:
    most = max(len(role.get("ManagedPolicyArns", [])) for role in roles.values())
    assert most <= MOST_POLICIES


def test_every_policy_of_the_template_is_shared_by_several_functions(roles: dict[str, dict[str, Any]]) -> None:
    theirs = {name: attached(roles[role_of(name)])[1] for name in FUNCTIONS}
    theirs |= {name: attached(roles[f"{name}Role"])[1] for name in MACHINES}
    holders = {policy: [name for name, found in theirs.items() if policy in found] for policy in POLICIES}
    assert holders.pop(BOUNDARY) == []
    assert [name for name, found in holders.items() if len(found) < FEWEST] == []


def test_functions_without_versions_share_a_role_exactly_if_they_have_the_same_grants() -> None:
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for name, properties in FUNCTIONS.items():
        if "AutoPublishAlias" not in properties:
            alike[json.dumps(sorted(map(json.dumps, policies(properties))))].add(name)
    sharing = {frozenset(names) for names in alike.values() if len(names) > 1}
    assert {frozenset(n for n in FUNCTIONS if role_of(n) == role) for role in SHARED} == sharing


def test_a_function_that_shares_a_role_names_no_policies_which_sam_would_leave_out_without_a_word() -> None:
    assert [name for name, properties in FUNCTIONS.items() if {"Role", "Policies"} <= properties.keys()] == []


def test_a_shared_role_is_what_sam_would_give_to_each_of_its_functions(roles: dict[str, dict[str, Any]]) -> None:
    made = roles["CreateDomainFunctionRole"]
    (trust,) = made["AssumeRolePolicyDocument"]["Statement"]
    for name in SHARED:
        assert roles[name].keys() == {"AssumeRolePolicyDocument", "ManagedPolicyArns", "PermissionsBoundary"}
        assert roles[name]["PermissionsBoundary"] == made["PermissionsBoundary"]
        assert roles[name]["AssumeRolePolicyDocument"]["Statement"] == [trust]


def test_a_function_writes_logs_to_the_stacks_group_and_to_no_other(roles: dict[str, dict[str, Any]]) -> None:
    bounded = {name for name, role in roles.items() if role.get("PermissionsBoundary") == {"Ref": BOUNDARY}}
    assert bounded == {role_of(name) for name in FUNCTIONS}
    others, ours = POLICIES[BOUNDARY]["PolicyDocument"]["Statement"]
    assert others == {"Effect": "Allow", "NotAction": ["logs:*"], "Resource": "*"}
    assert ours == {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"GetAtt": "Logs.Arn"},
    }


def test_a_workers_mapping_has_the_name_that_sam_gave_it_so_that_a_stack_keeps_the_one_it_has() -> None:
    for name, mapping in MAPPINGS.items():
        assert re.fullmatch(rf"{mapping['FunctionName']['Ref']}(Checks|Work)", name)
