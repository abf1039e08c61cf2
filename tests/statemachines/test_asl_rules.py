"""Rules for all state machines that neither SAM nor Step Functions checks at deployment.

A creation is undone when a step fails. A deletion only goes on: a step either goes on for hours, or leaves a cleanup.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from kindling import errors
from kindling.cleanups.model import CleanupKind
from tests.harness.template import FUNCTIONS, MACHINES, ROOT, TEMPLATE, states

INVOKE = "arn:aws:states:::lambda:invoke"
AWS_NAMES = ("States.", "Lambda.", "Sandbox.", "Runtime.")
DAY = 24 * 3600
PATIENT_SECONDS = 2 * 3600
# How long our own trouble and a provider's silence are waited out, and what a retrier of full jitter may fall short of
# its mean: five standard deviations.
WAITED_SECONDS = 15 * 60
UNLUCKY = 5
DEFAULT_TIMEOUT = TEMPLATE["Globals"]["Function"]["Timeout"]

# Targets of a step's Catch other than its own undo, and why.
TOLERATED = {
    "EnableWarmup": ("AssignTags", "a refused warmup is not a failure: the account is saved pending"),
    "ConfirmWarmup": ("AssignTags", "an unconfirmed warmup is not a failure: the account is saved pending"),
    "PublishDns": ("SaveDomain", "an unpublished domain is pending: its owner adds the records"),
    "TriggerVerification": ("UndoPublishDns", "nothing to undo of its own: it asked a question"),
}
# Steps without an undo of their own, because the undo of another step covers them.
WITHOUT_UNDO = {"ConfirmWarmup", "TriggerVerification"}

Retrier = dict[str, Any]


def retrier(names: list[str], interval: int, attempts: int, rate: float, longest: int) -> Retrier:
    """A retrier with jitter; `interval` and `longest`, the first and the longest pause, in seconds."""
    return {
        "ErrorEquals": names,
        "IntervalSeconds": interval,
        "MaxAttempts": attempts,
        "BackoffRate": rate,
        "MaxDelaySeconds": longest,
        "JitterStrategy": "FULL",
    }


# Whatever Lambda and DynamoDB answer when they are short of something, and a runtime that was killed.
OUR_TROUBLE = [
    "StoreUnavailable",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Runtime.ExitError",
]
PROVIDER_TROUBLE = ["ProviderUnavailable", "States.Timeout", "Sandbox.Timedout"]
# A provider's trouble by its other names, and our key's.
PASSING = [
    "ProviderUnavailable",
    "MailboxNotReady",
    "TagVanished",
    "KeyRefused",
    "States.Timeout",
    "Sandbox.Timedout",
    *OUR_TROUBLE,
]
STEP = retrier(PASSING, 1, 60, 2, 60)
UNDO = retrier(["States.ALL"], 2, 60, 2, 300)
DELETION = retrier(["States.ALL"], 1, 60, 2, 300)
# A cleanup that a provider fails twice is left to the workers.
CLEANUP = retrier(PROVIDER_TROUBLE, 1, 1, 2, 4)
# AgentMail allows deleting a domain a moment after its last inbox.
LAST_CLEANUP = retrier(PROVIDER_TROUBLE, 1, 4, 2, 4)
OWN_CLEANUP = retrier(OUR_TROUBLE, 1, 60, 2, 60)
# A row is looked at for a day.
ROW = retrier(["RowRunning"], 2, 3000, 1.5, 30)
# Further errors that a step retries.
OWN_RETRIERS = {
    "ConfirmWarmup": retrier(["WarmupUnconfirmed"], 1, 6, 1.5, 3),
}

DELETIONS = ("OffboardDomain", "DeprovisionAccount")
BATCHES = ("ProvisionAccounts",)
CREATIONS = tuple(name for name in MACHINES if name not in (*DELETIONS, *BATCHES))

State = dict[str, Any]


@dataclass
class Machine:
    name: str
    properties: dict[str, Any]

    @property
    def text(self) -> str:
        uri: str = self.properties["DefinitionUri"]
        return (ROOT / uri).read_text()

    @property
    def definition(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def states(self) -> dict[str, State]:
        """All states, those inside maps too."""
        return states(self.name)

    @property
    def inner(self) -> set[str]:
        """The names of the states inside maps."""
        return set(self.states) - set(self.definition["States"])

    @property
    def tasks(self) -> dict[str, State]:
        return {name: state for name, state in self.states.items() if state["Type"] == "Task"}

    @property
    def undos(self) -> dict[str, State]:
        return {name: task for name, task in self.tasks.items() if name.startswith("Undo")}

    @property
    def steps(self) -> dict[str, State]:
        return {name: task for name, task in self.tasks.items() if not name.startswith("Undo")}


@pytest.fixture(params=MACHINES, ids=str)
def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param, MACHINES[request.param])


@pytest.fixture(params=CREATIONS, ids=str)
def creation(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param, MACHINES[request.param])


@pytest.fixture(params=DELETIONS, ids=str)
def deletion(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param, MACHINES[request.param])


def targets(state: State) -> list[str]:
    """The possible next states."""
    hops = [state.get("Next"), state.get("Default"), state.get("ItemProcessor", {}).get("StartAt")]
    hops += [hop["Next"] for hop in state.get("Catch", []) + state.get("Choices", [])]
    return [hop for hop in hops if hop]


def function(task: State) -> str:
    """The logical id of the function that a task calls."""
    name: str = task["Arguments"]["FunctionName"]
    return name.removeprefix("${").removesuffix("Arn}")


def substitution(value: dict[str, str]) -> str:
    """The name that a substitution should have; `!Ref X.Version` is the ARN of a version."""
    name, _, attribute = value["Ref"].partition(".")
    return f"{name}Arn" if attribute == "Version" else name


def longest_walk(states: dict[str, State], state: str) -> list[str]:
    """The states of the longest path from `state` to an end, without failures and undos."""
    hops = [hop for hop in (targets({**states[state], "Catch": []})) if not hop.startswith("Undo")]
    return [state, *max((longest_walk(states, hop) for hop in hops), key=len, default=[])]


def undo_walk(states: dict[str, State], state: str) -> list[str]:
    """The states from `state` on when a saga is undone: the default of a Choice continues the undo."""
    onward = states[state].get("Default") or states[state].get("Next")
    return [state, *(undo_walk(states, onward) if onward else [])]


def pauses(found: Retrier) -> list[float]:
    """A retrier's pauses in seconds, without jitter."""
    found_pauses, pause = [], float(found["IntervalSeconds"])
    for _ in range(found["MaxAttempts"]):
        found_pauses.append(pause)
        pause = min(pause * found["BackoffRate"], float(found["MaxDelaySeconds"]))
    return found_pauses


def retrying_seconds(found: Retrier) -> float:
    """The total of a retrier's pauses, without jitter."""
    return sum(pauses(found))


def unlucky_seconds(found: Retrier) -> float:
    """What the total of its pauses falls short of once in three million times, as full jitter draws each evenly."""
    deviation = math.sqrt(sum(pause**2 for pause in pauses(found)) / 12)
    return retrying_seconds(found) / 2 - UNLUCKY * deviation


def retriers_of(machine: str, task: str) -> list[Retrier]:
    """The retriers that a task should have, by its kind."""
    if task.startswith("Undo"):
        return [UNDO]
    if task.startswith("CleanUp"):
        return [LAST_CLEANUP if task == "CleanUpMailDomain" else CLEANUP, OWN_CLEANUP]
    if machine in (*DELETIONS, *BATCHES):
        return [*([ROW] if task == "ProvisionRow" else []), DELETION]
    return [*(own for step, own in OWN_RETRIERS.items() if step == task), STEP]


def error_names(value: Any) -> set[str]:
    """Every error name in a definition: in Retry and Catch, and in Fail states."""
    if isinstance(value, list):
        return set[str]().union(*map(error_names, value))
    if not isinstance(value, dict):
        return set()
    found = set(value.get("ErrorEquals", []))
    if isinstance(value.get("Error"), str) and not value["Error"].startswith("{%"):
        found.add(value["Error"])
    return found.union(*map(error_names, value.values()))


def test_the_schema_of_step_functions_holds(machine: Machine) -> None:
    # The linter takes MaxConcurrency for a number; Step Functions evaluates it.
    definition = json.loads(re.sub(r'"\{% \$\{\w+\} %\}"', "1", machine.text))
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/machine", "Definition": definition}
    resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    assert lint(json.dumps({"Resources": resources}), config=ManualArgs(regions=["us-east-1"])) == []


def test_it_is_written_in_jsonata_and_says_what_it_does(machine: Machine) -> None:
    assert machine.definition["QueryLanguage"] == "JSONata"
    assert machine.definition["Comment"].endswith(".")
    assert '"QueryLanguage": "JSONPath"' not in machine.text


def test_the_substitutions_are_those_of_the_template(machine: Machine) -> None:
    substitutions = machine.properties["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", machine.text)) == set(substitutions)
    assert [substitution(value) for value in substitutions.values()] == list(substitutions)


def test_it_calls_its_functions_by_the_version_that_it_was_deployed_with(machine: Machine) -> None:
    substitutions = machine.properties["DefinitionSubstitutions"]
    pinned = {value["Ref"].removesuffix(".Version") for value in substitutions.values() if "." in value["Ref"]}
    assert pinned == {function(task) for task in machine.tasks.values()}
    assert {FUNCTIONS[name]["AutoPublishAlias"] for name in pinned} == {"live"}


def test_it_may_call_every_version_of_exactly_the_functions_that_it_uses(machine: Machine) -> None:
    logs, policy = machine.properties["Policies"]
    assert logs == {"Ref": "MachineLogsPolicy"}
    (statement,) = policy["Statement"]
    used = {function(task) for task in machine.tasks.values()}
    assert statement["Action"] == ["lambda:InvokeFunction"]
    # An execution that began before a deployment goes on to call the versions of then.
    assert statement["Resource"] == [{"Sub": f"${{{name}.Arn}}:*"} for name in sorted(used)]
    assert used <= set(FUNCTIONS)


def test_every_target_exists_and_every_state_is_reached(machine: Machine) -> None:
    led_to = {machine.definition["StartAt"], *(hop for state in machine.states.values() for hop in targets(state))}
    assert led_to == set(machine.states)


def test_every_state_has_a_name_in_pascal_case(machine: Machine) -> None:
    assert [name for name in machine.states if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []


def test_every_task_says_in_a_sentence_what_it_does(machine: Machine) -> None:
    assert [name for name, task in machine.tasks.items() if not task.get("Comment", "").endswith(".")] == []


def test_every_task_invokes_a_function_and_tells_it_where_it_runs(machine: Machine) -> None:
    for name, task in machine.tasks.items():
        assert task["Resource"] == INVOKE, name
        payload = task["Arguments"]["Payload"]
        # A map's items are executions of their own, without the variables of the one that started them.
        assert payload["saga"] == ("{% $states.input %}" if name in machine.inner else "{% $saga %}"), name
        assert payload["execution"] == "{% $states.context.Execution.Name %}", name
        assert payload["state"] == "{% $states.context.State.Name %}", name


def test_every_task_waits_longer_than_its_function_may_run(machine: Machine) -> None:
    for name, task in machine.tasks.items():
        assert isinstance(task["TimeoutSeconds"], int), name
        assert task["TimeoutSeconds"] > FUNCTIONS[function(task)].get("Timeout", DEFAULT_TIMEOUT), name


def test_every_task_retries_as_all_of_its_kind_do(machine: Machine) -> None:
    for name, task in machine.tasks.items():
        assert task["Retry"] == retriers_of(machine.name, name), name


def test_our_own_trouble_is_waited_out_by_every_task_for_a_quarter_of_an_hour_even_without_luck(
    machine: Machine,
) -> None:
    for name, task in machine.tasks.items():
        for error in OUR_TROUBLE:
            first = next(found for found in task["Retry"] if {error, "States.ALL"} & set(found["ErrorEquals"]))
            assert unlucky_seconds(first) >= WAITED_SECONDS, (name, error)


def test_a_providers_trouble_is_waited_out_by_every_step_of_a_creation_too(creation: Machine) -> None:
    for name, task in creation.steps.items():
        for error in PASSING:
            first = next(found for found in task["Retry"] if error in found["ErrorEquals"])
            assert unlucky_seconds(first) >= WAITED_SECONDS, (name, error)


def test_what_a_provider_definitely_refused_is_undone_at_once(creation: Machine) -> None:
    definite = {"ProviderRefused", "ProviderMisconfigured", "AddressTaken", "AddressBurnt", "DomainNotVerified"}
    for name, task in creation.steps.items():
        assert not definite & {error for found in task["Retry"] for error in found["ErrorEquals"]}, name


def test_every_retrier_of_a_step_of_its_own_has_that_step() -> None:
    steps = {step for name in CREATIONS for step in Machine(name, MACHINES[name]).steps}
    assert OWN_RETRIERS.keys() <= steps


def test_every_step_is_done_by_the_function_of_its_name(creation: Machine) -> None:
    assert {name: function(task) for name, task in creation.steps.items()} == {
        name: f"{name}Function" for name in creation.steps
    }


def test_no_step_retries_everything(creation: Machine) -> None:
    matched = {
        name: {e for found in task["Retry"] for e in found["ErrorEquals"]} for name, task in creation.steps.items()
    }
    assert [name for name, names in matched.items() if "States.ALL" in names] == []


def test_every_step_catches_everything_and_goes_to_its_own_undo(creation: Machine) -> None:
    for name, task in creation.steps.items():
        (catcher,) = task["Catch"]
        assert catcher["ErrorEquals"] == ["States.ALL"], name
        target, _reason = TOLERATED.get(name, (f"Undo{name}", ""))
        assert catcher["Next"] == target, name


def test_whatever_leads_to_an_undo_is_noted_with_its_step(creation: Machine) -> None:
    for name, task in creation.steps.items():
        (catcher,) = task["Catch"]
        if catcher["Next"].startswith("Undo"):
            assert catcher["Assign"]["failure"] == {
                "Error": "{% $states.errorOutput.Error %}",
                "Cause": "{% $states.errorOutput.Cause %}",
                "Step": name,
            }


def test_every_step_has_an_undo_but_those_that_need_none(creation: Machine) -> None:
    assert {f"Undo{name}" for name in creation.steps if name not in WITHOUT_UNDO} == set(creation.undos)


def test_no_undo_is_caught_so_that_it_can_be_redriven_where_it_stands(creation: Machine) -> None:
    assert [name for name, task in creation.undos.items() if "Catch" in task] == []


def test_every_undo_retries_everything_for_hours(creation: Machine) -> None:
    for name, task in creation.undos.items():
        last = task["Retry"][-1]
        assert last["ErrorEquals"] == ["States.ALL"], name
        assert retrying_seconds(last) >= PATIENT_SECONDS, name


def test_the_undos_run_in_the_reverse_order_of_their_steps(creation: Machine) -> None:
    forward = [name for name in longest_walk(creation.states, creation.definition["StartAt"]) if name in creation.steps]
    assert set(forward) == set(creation.steps)
    backward = [name for name in undo_walk(creation.states, f"Undo{forward[-1]}") if name in creation.undos]
    assert backward == [f"Undo{name}" for name in reversed(forward) if name not in WITHOUT_UNDO]


def test_the_reconciler_enters_at_the_first_undo(creation: Machine) -> None:
    forward = [name for name in longest_walk(creation.states, creation.definition["StartAt"]) if name in creation.steps]
    assert targets(creation.states["IsUndoWanted"]) == [forward[0], f"Undo{forward[-1]}"]


def test_every_walk_ends_in_success_or_in_a_failure_that_explains_itself(creation: Machine) -> None:
    ends = {name: state for name, state in creation.states.items() if not targets(state)}
    assert {state["Type"] for state in ends.values()} == {"Succeed", "Fail"}
    assert undo_walk(creation.states, next(iter(creation.undos)))[-1] in ends
    for name, state in ends.items():
        if state["Type"] == "Fail":
            assert state["Error"] == "{% $failure.Error %}", name
            assert state["Cause"], name


def test_a_deletion_never_fails_and_undoes_nothing(deletion: Machine) -> None:
    assert deletion.undos == {}
    assert {state["Type"] for state in deletion.states.values() if not targets(state)} == {"Succeed"}


def test_a_deletion_goes_on_whatever_happens(deletion: Machine) -> None:
    for name, task in deletion.tasks.items():
        if name.startswith("CleanUp"):
            (catcher,) = task["Catch"]
            assert catcher == {"ErrorEquals": ["States.ALL"], "Next": task["Next"]}, name
        else:
            (patient,) = task["Retry"]
            assert patient["ErrorEquals"] == ["States.ALL"], name
            assert retrying_seconds(patient) >= PATIENT_SECONDS, name
            assert "Catch" not in task, name


def test_a_deletion_takes_the_row_first_and_closes_its_operation_last(deletion: Machine) -> None:
    walk = [name for name in longest_walk(deletion.states, deletion.definition["StartAt"]) if name in deletion.tasks]
    assert set(walk) == set(deletion.tasks)
    assert walk[0].startswith("Retire")
    assert walk[-1] == "CloseOperation"


def test_a_cleanup_is_done_by_one_function_that_is_told_its_kind(deletion: Machine) -> None:
    for name, task in deletion.tasks.items():
        if name.startswith("CleanUp"):
            kind = re.sub(r"(?<!^)([A-Z])", r"_\1", name.removeprefix("CleanUp")).lower()
            assert (function(task), task["Arguments"]["Payload"]["kind"]) == ("CleanUpFunction", CleanupKind(kind))
        else:
            assert function(task) == f"{name}Function"


def test_every_kind_of_cleanup_is_tried_by_one_deletion() -> None:
    tasks = [task for name in DELETIONS for task in Machine(name, MACHINES[name]).tasks.values()]
    kinds = [task["Arguments"]["Payload"].get("kind") for task in tasks]
    assert sorted(kind for kind in kinds if kind) == sorted(CleanupKind)


def test_every_error_name_of_ours_is_a_class(machine: Machine) -> None:
    ours = {name for name in error_names(machine.definition) if not name.startswith(AWS_NAMES)}
    assert {name for name in ours if not issubclass(getattr(errors, name, object), errors.KindlingError)} == set()


def test_the_machines_own_timeout_is_days_and_leaves_every_undo_its_time(machine: Machine) -> None:
    longest = sum(
        retrying_seconds(found) + task["TimeoutSeconds"] * (found["MaxAttempts"] + 1)
        for task in machine.tasks.values()
        for found in task["Retry"]
    )
    assert machine.definition["TimeoutSeconds"] >= max(2 * DAY, longest)


def test_every_tolerated_failure_is_still_in_a_machine() -> None:
    steps = {step for name in CREATIONS for step in Machine(name, MACHINES[name]).steps}
    assert TOLERATED.keys() | WITHOUT_UNDO <= steps


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_goes_on_whatever_becomes_of_a_row_and_closes_its_operation(name: str) -> None:
    machine = Machine(name, MACHINES[name])
    (rows,) = (state for state in machine.states.values() if state["Type"] == "Map")
    assert rows["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert rows["ToleratedFailurePercentage"] == 100
    assert rows["MaxConcurrency"] == "{% ${ProvisionConcurrency} %}"
    assert rows["Next"] == "CloseOperation"
    assert [task for task in machine.tasks if "Catch" in machine.tasks[task]] == []
    assert retrying_seconds(ROW) >= DAY
    ends = [state for state in machine.states.values() if not targets(state) and not state.get("End")]
    assert {state["Type"] for state in ends} == {"Succeed"}
