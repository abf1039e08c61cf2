"""A stack that is pointed at a restored copy of its table."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local import restore
from local.settings import Refused
from local.transform import transformed
from tests.harness.template import ROOT

NAME = "kindling-restored"
ARN = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{NAME}"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return transformed((ROOT / "template.yaml").read_text(), ROOT)


def test_nothing_refers_to_the_stacks_own_table_any_more(template: dict[str, Any]) -> None:
    made = restore.pointed(template, NAME, ARN)
    text = json.dumps(made)
    assert "Table" not in made["Resources"]
    assert [mark for mark in ('"Ref": "Table"', '["Table", "Arn"]', "${Table}", "${Table.") if mark in text] == []
    assert made["Outputs"]["TableName"]["Value"] == NAME
    assert made["Resources"]["SendEmailFunction"]["Properties"]["Environment"]["Variables"]["TABLE_NAME"] == NAME
    index = made["Resources"]["ListPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]
    assert index == {"Fn::Sub": f"{ARN}/index/by_owner"}


def test_all_else_is_as_it_was(template: dict[str, Any]) -> None:
    made = restore.pointed(template, NAME, ARN)
    assert made["Resources"].keys() == template["Resources"].keys() - {"Table"}
    assert made["Resources"]["Logs"] == template["Resources"]["Logs"]
    # Whoever has a table in the name is not meant.
    assert made["Parameters"] == template["Parameters"]


def test_the_import_changes_nothing_but_that_the_table_is_there(template: dict[str, Any]) -> None:
    made = restore.adopting(template, NAME, ARN)
    assert made["Resources"]["Table"] == template["Resources"]["Table"]
    assert made["Resources"]["Table"]["DeletionPolicy"] == "Retain"
    rest = {name: one for name, one in made["Resources"].items() if name != "Table"}
    assert {**made, "Resources": rest} == restore.pointed(template, NAME, ARN)


def test_a_stack_or_a_table_that_does_not_exist_is_refused() -> None:
    with mock_aws(), pytest.raises(Refused, match="AWS refused the call"):
        restore.prepare("kindling", NAME, boto3.session.Session(region_name="eu-central-1"))
