"""Runs the real state machines in process: moto interprets the ASL and calls the real handlers.

Seven private functions of moto, which is pinned, are patched here: jsonata-python evaluates JSONata (moto has no
evaluator), `lambda:invoke` calls our handlers, a retry's delay moves the test's clock, a definition is parsed once per
run, retries may be limited, and an execution and the items of a map run in the thread that starts it.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any

import jsonata
import pytest
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsDecl, MaxAttemptsOutcome
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from kindling.platform import aws
from tests.harness.cloud import ACCOUNT, REGION
from tests.harness.lambdas import Handler, handler
from tests.harness.template import MACHINES, ROOT, TEMPLATE

Override = Callable[[Handler, Any], Any]


@dataclass
class Lambdas:
    """Runs every `lambda:invoke`. `overrides` replace or wrap functions, by logical id; all run in a `weather`."""

    overrides: dict[str, Override] = field(default_factory=dict)
    weather: Override = field(default=lambda real, event: real(event, None))
    payloads: list[Any] = field(default_factory=list)
    called: list[tuple[str, int]] = field(default_factory=list)

    def invoke(self, parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
        """Replaces moto's call to Lambda: returns the function's result, or an error document as Lambda does."""
        arn = parameters["FunctionName"]
        function, version = arn.split(":")[-2:]
        self.called.append((function, int(version)))
        event = json.loads(parameters["Payload"])
        self.payloads.append(event)
        real = handler(function)
        context = SimpleNamespace(
            function_name=function,
            memory_limit_in_mb=512,
            invoked_function_arn=arn,
            aws_request_id="step",
            get_remaining_time_in_millis=lambda: 30_000,
        )
        try:
            override: Override = self.overrides.get(function, lambda handler, e: handler(e, None))

            def run(sent: Any, _: Any) -> Any:
                return override(lambda e, _: real(e, context), sent)

            answer = self.weather(run, event)
        except Exception as error:  # noqa: BLE001
            name = error.args[0] if isinstance(error, Died) else type(error).__name__
            document = {"errorType": name, "errorMessage": str(error)}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": document}
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(answer))}


class Died(Exception):
    """A function ended without a result. The first argument is Lambda's name of the error."""


def dies_after_work(name: str = "Sandbox.Timedout") -> Override:
    """The function does its work, but ends without returning a result."""

    def run(real: Handler, event: Any) -> Any:
        real(event, None)
        raise Died(name)

    return run


def fails(error: Exception, *, times: int | None = None) -> Override:
    """The function raises `error`, on the first `times` calls or always."""
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


@cache
def definition(machine: str, version: int = 1) -> str:
    """The ASL with the ARNs of the functions' `version` substituted; a function's name is its logical id."""
    properties = MACHINES[machine]
    text: str = (ROOT / properties["DefinitionUri"]).read_text()
    for name, value in properties["DefinitionSubstitutions"].items():
        function, _, pinned = value["Ref"].partition(".")
        if pinned == "Version":
            substitute = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}:{version}"
        else:
            substitute = str(TEMPLATE["Parameters"][function]["Default"])
        text = text.replace("${" + name + "}", substitute)
    assert "${" not in text, "a substitution has no value"
    return text


_parse = cache(AmazonStateLanguageParser.parse)
_parse_jsonata = lru_cache(maxsize=1000)(jsonata.Jsonata)

# Expressions as moto composes them: `($states:={...};$saga:={...};<expression>)`, also inside `$exists()` or `$type()`.
_OPENING = re.compile(r"(\$\w+\()?\(")
_DECLARATION = re.compile(r"(\$\w+):=")


def _not_decoded(number: str) -> float:
    raise ValueError(number)


# JSONata makes 1 of 1.0, Python does not.
_LITERALS = json.JSONDecoder(parse_float=_not_decoded, parse_constant=_not_decoded)


def _eval_jsonata(text: str) -> Any:
    """Evaluate an expression. Parsing is slow, so its values are bound instead, and the rest is parsed only once."""
    bindings = {}
    opening = _OPENING.match(text)
    start = end = opening.end() if opening else 0
    while declared := _DECLARATION.match(text, end):
        try:
            value, after = _LITERALS.raw_decode(text, declared.end())
        except ValueError:
            break
        if not text.startswith(";", after):
            break
        bindings[declared[1][1:]], end = _bound(value), after + 1
    parsed = _parse_jsonata(text[:start] + text[end:])
    jsonata.Jsonata.CURRENT.jsonata = parsed
    return parsed.evaluate(None, bindings)


def _bound(value: Any) -> Any:
    """`value` in the evaluator's types: None becomes its null, since None means undefined."""
    if isinstance(value, dict):
        return {name: _bound(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_bound(inner) for inner in value]
    return Utils.NULL_VALUE if value is None else value


def install(patch: pytest.MonkeyPatch) -> None:
    """Apply the patches that are the same for every test."""
    patch.setattr(moto_jsonata, "_eval_jsonata", _eval_jsonata)
    patch.setattr(AmazonStateLanguageParser, "parse", staticmethod(_parse))
    # moto's table is not thread-safe, so the caller of StartExecution runs the execution, a map's items one by one.
    patch.setattr(ExecutionWorker, "start", ExecutionWorker._execution_logic)
    patch.setattr(InlineIterationComponent, "_launch_worker", _run_items)


def _run_items(self: Any, env: Any, eval_input: Any, job_pool: Any) -> Any:
    """Run all items that are left of a map, as the first of its workers."""
    worker = self._create_worker(env=env, eval_input=eval_input, job_pool=job_pool)
    worker.eval()
    return worker


def create() -> dict[str, str]:
    """Create the template's state machines in moto; returns their ARNs by logical id."""
    client = aws.stepfunctions()
    role = f"arn:aws:iam::{ACCOUNT}:role/machine"
    return {
        name: client.create_state_machine(name=name, definition=definition(name), roleArn=role)["stateMachineArn"]
        for name in MACHINES
    }


def answered(monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], None]) -> Lambdas:
    """Let executions call the handlers during one test. `sleep` is called for a retry's delay."""
    lambdas = Lambdas()
    monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", lambdas.invoke)
    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=sleep))
    return lambdas


def lose_patience(monkeypatch: pytest.MonkeyPatch, attempts: int) -> None:
    """Limit the retries of every retrier during one test, for what happens after the last of them."""

    def limited(self: MaxAttemptsDecl, env: Any) -> None:
        number = self._access_attempt_number(env=env) + 1
        env.stack.append(MaxAttemptsOutcome(number < min(self.attempts, attempts)))
        self._store_attempt_number(env=env, attempt_number=number)

    monkeypatch.setattr(MaxAttemptsDecl, "_eval_body", limited)


def read(arn: str) -> Execution:
    """The result of an execution and the states that it entered."""
    description = aws.stepfunctions().describe_execution(executionArn=arn)
    # Read where moto keeps it, since serializing a history takes longer than the execution.
    events = stepfunctions_parser_backends[ACCOUNT][REGION].get_execution_history(arn)["events"]
    path = [e["stateEnteredEventDetails"]["name"] for e in events if e["type"].endswith("StateEntered")]
    text = json.dumps([description, events], default=str)
    return Execution(description["status"], description.get("error"), description.get("cause"), path, text)
