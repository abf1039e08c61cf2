"""Points a stack at a restored copy of its table, and has CloudFormation adopt that copy.

DynamoDB restores into a new table. A stack cannot exchange a table that functions and policies refer to in one step, so
there are three: the stack is updated with the copy's name and ARN written out and without its own table, which is kept;
the copy is imported as the stack's table; and the next ordinary deployment refers to it again.
"""

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.settings import ROOT, Refused

TABLE = "Table"
FOLDER = ROOT / ".aws-sam/restore"


def pointed(template: dict[str, Any], name: str, arn: str) -> dict[str, Any]:
    """The template without its table, and with the name and ARN of another wherever it refers to its own."""
    resources = {key: value for key, value in template["Resources"].items() if key != TABLE}
    found: dict[str, Any] = _replaced({**template, "Resources": resources}, name, arn)
    return found


def adopting(template: dict[str, Any], name: str, arn: str) -> dict[str, Any]:
    """The template of `pointed` with the table in it again, for the import: nothing else may change in an import."""
    found = pointed(template, name, arn)
    return {**found, "Resources": {**found["Resources"], TABLE: template["Resources"][TABLE]}}


def prepare(stack: str, name: str, session: Any, folder: Path = FOLDER) -> list[str]:
    """Write both templates for the stack on AWS into a folder, and return what to run, in order. Raises Refused."""
    try:
        answer = session.client("cloudformation").get_template(StackName=stack, TemplateStage="Processed")
        arn = session.client("dynamodb").describe_table(TableName=name)["Table"]["TableArn"]
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"AWS refused the call: {error}") from None
    template = answer["TemplateBody"]
    folder.mkdir(parents=True, exist_ok=True)
    for file, made in (("pointed", pointed(template, name, arn)), ("adopting", adopting(template, name, arn))):
        (folder / f"{file}.json").write_text(json.dumps(made))
    parameters = " ".join(f"ParameterKey={key},UsePreviousValue=true" for key in template.get("Parameters", {}))
    common = f"--stack-name {stack} --capabilities CAPABILITY_IAM --parameters {parameters}"
    kind, identifier = template["Resources"][TABLE]["Type"], {"TableName": name}
    imported = [{"ResourceType": kind, "LogicalResourceId": TABLE, "ResourceIdentifier": identifier}]
    return [
        f"aws s3 cp {folder} s3://BUCKET/restore --recursive",
        f"aws cloudformation update-stack --template-url https://BUCKET.s3.amazonaws.com/restore/pointed.json {common}",
        f"aws cloudformation wait stack-update-complete --stack-name {stack}",
        "aws cloudformation create-change-set --change-set-name adopt --change-set-type IMPORT "
        f"--resources-to-import '{json.dumps(imported)}' "
        f"--template-url https://BUCKET.s3.amazonaws.com/restore/adopting.json {common}",
        f"aws cloudformation execute-change-set --change-set-name adopt --stack-name {stack}",
    ]


def _replaced(value: Any, name: str, arn: str) -> Any:
    if isinstance(value, str):
        return value.replace(f"${{{TABLE}.Arn}}", arn).replace(f"${{{TABLE}}}", name)
    if isinstance(value, list):
        return [_replaced(one, name, arn) for one in value]
    if not isinstance(value, dict):
        return value
    if value == {"Ref": TABLE}:
        return name
    if value.get("Fn::GetAtt") in ([TABLE, "Arn"], f"{TABLE}.Arn"):
        return arn
    return {key: _replaced(one, name, arn) for key, one in value.items()}
