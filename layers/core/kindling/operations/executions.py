"""Reading an execution at Step Functions: its definition, and what each state answered or why it failed."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kindling.operations.model import Failure
from kindling.operations.service import read_failure
from kindling.platform import aws

# Step Functions, GetExecutionHistory: the most events of one call. A saga has about a hundred.
MOST_EVENTS = 1000
FAILURES = {
    "taskFailedEventDetails": "failed",
    "taskTimedOutEventDetails": "timed out",
    "lambdaFunctionFailedEventDetails": "failed",
    "lambdaFunctionTimedOutEventDetails": "timed out",
}
ENDS = {"ExecutionFailed": "failed", "ExecutionAborted": "aborted", "ExecutionTimedOut": "timed out"}


@dataclass
class StateRun:
    """One visit of a state: when it was entered and left, what it answered, and the failures of its attempts."""

    name: str
    entered: datetime
    left: datetime | None = None
    answer: Any = None
    failures: list[Failure] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether its last attempt failed, so that it was left by its Catch or not at all."""
        return bool(self.failures) and self.answer is None


@dataclass(frozen=True)
class Execution:
    """An execution; `states` are those of its definition by name, `runs` those that it has entered, in order.

    `end` says how it ended when it did not succeed.
    """

    start_at: str
    states: dict[str, dict[str, Any]]
    runs: list[StateRun]
    end: str | None


def read(execution_arn: str) -> Execution | None:
    """The execution; None when Step Functions does not know it, as 90 days after its end. Raises StoreUnavailable."""
    client = aws.stepfunctions()
    with aws.available():
        try:
            machine = client.describe_state_machine_for_execution(executionArn=execution_arn)
            history = client.get_execution_history(executionArn=execution_arn, maxResults=MOST_EVENTS)
        except client.exceptions.ExecutionDoesNotExist:
            return None
    definition = json.loads(machine["definition"])
    events: list[Any] = sorted(history["events"], key=lambda event: event["id"])
    end = next((ENDS[event["type"]] for event in events if event["type"] in ENDS), None)
    return Execution(definition["StartAt"], definition["States"], _runs(events, definition["States"]), end)


def _runs(events: list[dict[str, Any]], states: dict[str, Any]) -> list[StateRun]:
    """The states that were entered; those inside a Map, which run at the same time, are left out."""
    runs: list[StateRun] = []
    caught = False
    for event in events:
        entered, left = event.get("stateEnteredEventDetails"), event.get("stateExitedEventDetails")
        if entered and entered["name"] in states:
            runs.append(StateRun(entered["name"], event["timestamp"]))
            caught = False
        elif left and runs and left["name"] == runs[-1].name:
            runs[-1].left = event["timestamp"]
            # Left by its Catch, it tells what was caught.
            runs[-1].answer = None if caught else _answer(left.get("output"))
        elif runs and states[runs[-1].name]["Type"] == "Task":
            failures = _failures(event, runs[-1].name)
            runs[-1].failures += failures
            # A task that goes on after a failure is retried.
            caught = bool(failures)
    return runs


def _failures(event: dict[str, Any], step: str) -> list[Failure]:
    """The failure that an event tells of, if any."""
    found = [(event[name], word) for name, word in FAILURES.items() if name in event]
    return [
        read_failure({"Error": told.get("error") or f"It {word}", "Cause": told.get("cause") or "", "Step": step})
        for told, word in found
    ]


def _answer(output: str | None) -> Any:
    """What a state answered, of a function's answer its payload; True where it says nothing."""
    try:
        answer = json.loads(output or "null")
    except ValueError:
        return output
    payload = answer["Payload"] if isinstance(answer, dict) and "Payload" in answer else answer
    return True if payload is None else payload
