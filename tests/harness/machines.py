"""The real state machines in process: moto interprets the ASL, the real handlers answer.

Four seams, all private names of a pinned moto, all here: JSONata expressions are evaluated by jsonata-python
(moto ships no evaluator), `lambda:invoke` calls our handlers, a retry's pause moves the test's clock, and a
definition is parsed once for the whole run.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import jsonata
import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from kindling import aws
from tests.harness.lambdas import Handler, handler
from tests.harness.template import MACHINES, ROOT

Override = Callable[[Handler, Any], Any]
ACCOUNT = "123456789012"


@dataclass
class Lambdas:
    """Answers every `lambda:invoke`; `overrides` stand between a machine and a function, by logical id."""

    overrides: dict[str, Override] = field(default_factory=dict)
    payloads: list[Any] = field(default_factory=list)

    def invoke(self, parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
        """In the place of moto's own call to Lambda: its answer, or an error document as Lambda words it."""
        arn = parameters["FunctionName"]
        function = arn.rsplit(":", 1)[-1]
        event = json.loads(parameters["Payload"])
        self.payloads.append(event)
        real = handler(function)
        context = SimpleNamespace(
            function_name=function,
            memory_limit_in_mb=512,
            invoked_function_arn=arn,
            aws_request_id="step",
        )
        try:
            override = self.overrides.get(function)
            answer = override(lambda e, _: real(e, context), event) if override else real(event, context)
        except Exception as error:  # noqa: BLE001
            name = error.args[0] if isinstance(error, Died) else type(error).__name__
            document = {"errorType": name, "errorMessage": str(error)}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": document}
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(answer))}


class Died(Exception):
    """A function that ended without an answer of its own: the first argument is what Lambda calls that."""


def dies_after_work(name: str = "Sandbox.Timedout") -> Override:
    """The function does all its work, and nobody hears of it."""

    def run(real: Handler, event: Any) -> Any:
        real(event, None)
        raise Died(name)

    return run


def fails(error: Exception, *, times: int | None = None) -> Override:
    """The function raises `error`, the first `times` calls or always."""
    calls = iter(range(times)) if times is not None else None

    def run(real: Handler, event: Any) -> Any:
        if calls is None or next(calls, None) is not None:
            raise error
        return real(event, None)

    return run


@dataclass
class Execution:
    status: str
    error: str | None
    cause: str | None
    path: list[str]
    history: str


def definition(machine: str) -> str:
    """The ASL with each function's ARN filled in, its logical id as name."""
    properties = MACHINES[machine]
    text: str = (ROOT / properties["DefinitionUri"]).read_text()
    for name, value in properties["DefinitionSubstitutions"].items():
        function = value["GetAtt"].removesuffix(".Arn")
        text = text.replace("${" + name + "}", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}")
    assert "${" not in text, "a substitution has no value"
    return text


_parse = cache(AmazonStateLanguageParser.parse)


@contextmanager
def running(
    monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], None]
) -> Iterator[tuple[Lambdas, dict[str, str]]]:
    """Both machines, created in moto; the functions' stand-in and each machine's ARN."""
    lambdas = Lambdas()

    monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", lambdas.invoke)
    monkeypatch.setattr(moto_jsonata, "_eval_jsonata", lambda text: jsonata.Jsonata(text).evaluate(None))
    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(AmazonStateLanguageParser, "parse", staticmethod(_parse))
    client = aws.stepfunctions()
    client.meta.events.register("after-call.sfn.StartExecution", _until_done, unique_id="until-done")
    role = f"arn:aws:iam::{ACCOUNT}:role/machine"
    arns = {
        name: client.create_state_machine(name=name, definition=definition(name), roleArn=role)["stateMachineArn"]
        for name in MACHINES
    }
    yield lambdas, arns


def _until_done(parsed: dict[str, Any], **_: Any) -> None:
    # moto's table is safe in one thread only: whoever starts an execution waits here for its end.
    client = aws.stepfunctions()
    while (
        parsed.get("executionArn")
        and client.describe_execution(executionArn=parsed["executionArn"])["status"] == "RUNNING"
    ):
        time.sleep(0.01)


def read(arn: str) -> Execution:
    """How an execution went: its end, and the states that it entered."""
    client = aws.stepfunctions()
    told = client.describe_execution(executionArn=arn)
    history = client.get_execution_history(executionArn=arn, maxResults=1000)
    path = [e["stateEnteredEventDetails"]["name"] for e in history["events"] if e["type"].endswith("StateEntered")]
    text = json.dumps([told, history["events"]], default=str)
    return Execution(told["status"], told.get("error"), told.get("cause"), path, text)
