"""The commands of the operator's runbook, carried out by boto3 on the local cloud as the AWS CLI would."""

import json
import re
import shlex
import time
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from local.aws import client
from local.settings import ROOT, STACK
from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

COMMANDS = re.findall(r"^    aws (.+)$", (ROOT / "docs/runbook.md").read_text(), flags=re.MULTILINE)
# Options of the CLI itself, each with a value.
OF_THE_CLI = ("--cli-binary-format", "--query", "--output")


# What the engine does not do; boto3 has found the request in order by then.
UNKNOWN = ("sqs start-message-move-task",)


class Shell:
    """Runs commands of the AWS CLI, with the shell functions that the runbook defines."""

    def __init__(self, engine_url: str) -> None:
        self._engine_url = engine_url
        described = self._client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in described["Parameters"]}
        self._variables = {"$STACK": STACK, "$SECRET": parameters["AgentMailSecretArn"]}

    def run(self, command: str) -> Any:
        """The answer to `service operation --option value…`. What follows an option's one value is a file's name."""
        text = re.sub(r"\$\((name|arn) (\w+)\)", lambda found: getattr(self, found[1])(found[2]), command)
        for variable, value in self._variables.items():
            text = text.replace(variable, value)
        service, operation, *words = shlex.split(text)
        to = self._client(service)
        method = operation.replace("-", "_")
        model = to.meta.service_model.operation_model(to.meta.method_to_api_mapping[method])
        members = {xform_name(name, "-"): (name, shape.type_name) for name, shape in model.input_shape.members.items()}
        request: dict[str, Any] = {}
        for option, value in zip(words[::2], words[1::2], strict=False):
            if option not in OF_THE_CLI:
                name, kind = members[option.removeprefix("--")]
                request[name] = int(value) if kind in ("integer", "long") else [value] if kind == "list" else value
        return getattr(to, method)(**request)

    def name(self, resource: str) -> str:
        request = {"StackName": STACK, "LogicalResourceId": resource}
        answer = self._client("cloudformation").describe_stack_resource(**request)
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    def arn(self, queue: str) -> str:
        request = {"QueueUrl": self.name(queue), "AttributeNames": ["QueueArn"]}
        return str(self._client("sqs").get_queue_attributes(**request)["Attributes"]["QueueArn"])

    def _client(self, service: str) -> Any:
        return client(service, self._engine_url)


def since() -> str:
    """The option for lines from now on."""
    return f" --start-time {round(time.time() * 1000)}"


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_a_command_of_the_runbook_runs(local: Local, command: str) -> None:
    shell = Shell(local.description["engine_url"])
    if command.startswith(UNKNOWN):
        with pytest.raises(ClientError, match="InvalidAction"):
            shell.run(command)
        return
    assert shell.run(command)["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)


def test_a_line_of_a_request_is_found_by_its_id_and_tells_who_called_what(local: Local) -> None:
    began = since()
    request_id = local.api.get("/api/email/domains?skip_sync=true").headers["X-Request-ID"]
    (found,) = [command for command in COMMANDS if '"REQUEST"' in command]
    events = Shell(local.description["engine_url"]).run(found.replace("REQUEST", request_id) + began)["events"]
    # The engine does not read the pattern.
    (line,) = [json.loads(event["message"]) for event in events if request_id in event["message"]]
    assert (line["message"], line["route"]) == ("request answered", "GET /api/email/domains")
    assert line["user_id"] == local.description["user_id"]


def test_what_was_measured_stands_in_the_log(local: Local) -> None:
    shell = Shell(local.description["engine_url"])
    began = since()
    shell.run("lambda invoke --function-name $(name RetryWarmupsFunction)")
    events = shell.run("logs filter-log-events --log-group-name $(name Logs)" + began)["events"]
    made, *_ = [json.loads(event["message"]) for event in events if '"WarmupsPending"' in event["message"]]
    assert made["_aws"]["CloudWatchMetrics"][0]["Namespace"] == f"Kindling/{STACK}"
    assert len(made["WarmupsPending"]) == 1
