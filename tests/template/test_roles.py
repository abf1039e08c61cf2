"""The functions' roles after SAM's transformation, which attaches policies of its own."""

import json
import re
from typing import Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from tests.harness.template import FUNCTIONS, MACHINES, MAPPINGS, POLICIES, ROOT

LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
TRACES = "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"
SHIFTS = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"
MOST_POLICIES = 10  # docs.aws.amazon.com/IAM, "IAM and AWS STS quotas": managed policies attached to a role
BOUNDARY = "LogsBoundary"
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
    """The managed policies of a role: AWS's, by their ARN, and the template's, by their logical id."""
    arns = role.get("ManagedPolicyArns", [])
    return {arn for arn in arns if isinstance(arn, str)}, {arn["Ref"] for arn in arns if isinstance(arn, dict)}


def test_a_function_has_of_awss_policies_those_for_logs_and_traces_and_a_machine_that_for_traces(
    roles: dict[str, dict[str, Any]],
) -> None:
    theirs = {name: attached(role)[0] for name, role in roles.items()}
    functions = {f"{name}Role": {LOGS, TRACES} for name in FUNCTIONS}
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
    holders = {name: [role for role in roles.values() if name in attached(role)[1]] for name in POLICIES}
    assert holders.pop(BOUNDARY) == []
    assert [name for name, found in holders.items() if len(found) < 3] == []


def test_a_function_writes_logs_to_the_stacks_group_and_to_no_other(roles: dict[str, dict[str, Any]]) -> None:
    bounded = {name for name, role in roles.items() if role.get("PermissionsBoundary") == {"Ref": BOUNDARY}}
    assert bounded == {f"{name}Role" for name in FUNCTIONS}
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
