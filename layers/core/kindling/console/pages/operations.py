"""The list of operations, and the page of one, which draws its state machine with where it stands."""

import json
from itertools import groupby
from typing import Any

from kindling.console import machine
from kindling.console.html import NOTHING, Html, join, tag
from kindling.console.layout import badge, empty, facts, page, pager, section, table
from kindling.console.numbers import code, count, full, moment, seconds_between
from kindling.console.visit import Visit
from kindling.operations import executions, service
from kindling.operations.executions import Execution, StateRun
from kindling.operations.model import Operation, OperationState
from kindling.operations.rows import Row, RowState
from kindling.platform import clock
from kindling.platform.paging import Page, Paging

PATH = "/console/operations"
ROWS = 50
KINDS = {OperationState.SUCCEEDED: "good", OperationState.FAILED: "bad"}
ROW_KINDS = {RowState.SUCCEEDED: "good", RowState.EXISTS: "good", RowState.FAILED: "bad", RowState.RUNNING: "busy"}
MOST_CHARACTERS = 2_000
# The account of the local cloud, which has no console of AWS.
LOCAL = "000000000000"


def show_all(visit: Visit) -> Html:
    """A page of the tenant's operations, newest first."""
    found = service.page_of(visit.caller, visit.read(Paging, "cursor", limit=ROWS))
    heads = ("Operation", "About", "State", "Begun", "Changed")
    rows = [
        (
            tag("a", code(one.kind), href=f"{PATH}/{one.operation_id}"),
            one.name,
            state(one),
            moment(one.created_at),
            moment(one.updated_at),
        )
        for one in found.rows
    ]
    none = empty(
        "There is no operation yet.",
        "Registering a ",
        tag("a", "domain", href="/console/domains"),
        " or making an ",
        tag("a", "account", href="/console/accounts"),
        " begins one.",
    )
    listed = table("Operations, newest first", heads, rows) if rows else none
    return page(visit, "Operations", tag("h1", "Operations"), listed, pager(visit, found.next_cursor))


def state(operation: Operation) -> Html:
    """An operation's state as a badge."""
    return badge(operation.state, KINDS.get(operation.state, "busy"))


def show(visit: Visit) -> Html:
    """The page of one of the tenant's operations. Raises NotFound."""
    operation, rows = service.get(visit.caller, visit.ids["operation_id"], visit.read(Paging, "cursor", limit=ROWS))
    execution = executions.read(operation.execution_arn)
    return page(
        visit,
        f"{code(operation.kind)} of {operation.name}",
        tag("h1", code(operation.kind).capitalize(), " of ", operation.name, " ", state(operation)),
        _failure(operation),
        _facts(operation),
        _rows(visit, operation, rows) if rows else NOTHING,
        _machine(execution) if execution else _gone(),
        _answers(execution) if execution else NOTHING,
        trail=((PATH, "Operations"),),
        live=not operation.finished,
    )


def _failure(operation: Operation) -> Html:
    told = operation.failure
    if told is None:
        return NOTHING
    says = f"It failed in the step {machine.words(told.step).lower()}, and what was done before was undone: "
    return tag("p", says, told.message, class_="notice bad")


def _facts(operation: Operation) -> Html:
    end = clock.parse(operation.updated_at) if operation.finished else clock.now()
    return facts(
        ("Step", machine.words(operation.current_step) if operation.current_step else "none"),
        ("Begun", full(operation.created_at)),
        ("Took" if operation.finished else "Runs for", seconds_between(clock.parse(operation.created_at), end)),
        ("About", _subject(operation)),
        ("Execution", _execution(operation.execution_arn)),
        wide="Execution",
    )


def _subject(operation: Operation) -> Html | str:
    section = {"onboard_domain": "domains", "provision_account": "accounts"}.get(operation.kind)
    made = section and operation.state == OperationState.SUCCEEDED
    return tag("a", operation.name, href=f"/console/{section}/{operation.subject_id}") if made else operation.name


def _execution(arn: str) -> Html:
    """A link to the execution in AWS's console; in the local cloud, whose picture this page is, its name."""
    _, partition, _, region, account, *_ = arn.split(":")
    name = tag("code", arn.rpartition(":")[2])
    if account == LOCAL:
        return name
    host = {"aws-us-gov": "console.amazonaws-us-gov.com", "aws-cn": "console.amazonaws.cn"}.get(
        partition, f"{region}.console.aws.amazon.com"
    )
    url = f"https://{host}/states/home?region={region}#/v2/executions/details/{arn}"
    return join(tag("a", "Open it on AWS", href=url, rel="noreferrer"), " ", name)


def _machine(execution: Execution) -> Html:
    picture = machine.draw(execution, "The steps of this operation, and where it stands")
    says = "Steps go down on the left. When one fails, what was done is undone upwards on the right."
    scrolls = tag(
        "div", picture, class_="plot machine", tabindex="0", role="region", aria_label="Picture, scrolls sideways"
    )
    return section("Steps", tag("p", says, class_="faint"), scrolls, id_="steps")


def _gone() -> Html:
    says = "Step Functions does not know the execution any more: it forgets one 90 days after its end."
    return section("Steps", tag("p", says, class_="faint"), id_="steps")


def _answers(execution: Execution) -> Html:
    shown = [run for run in execution.runs if execution.states[run.name]["Type"] in ("Task", "Map", "Fail")]
    heads = ("Step", "State", "Entered", "Took", "Answer")
    rows = [
        (
            tag("span", machine.words(run.name), id=f"state-{run.name}"),
            _standing(run, execution),
            tag("time", f"{run.entered:%H:%M:%S}", datetime=run.entered.isoformat()),
            seconds_between(run.entered, run.left) if run.left else "",
            _answer(run),
        )
        for run in shown
    ]
    return section(
        "What each step answered", table("Steps, in the order of time", heads, rows, numeric=(3,)), id_="answers"
    )


def _standing(run: StateRun, execution: Execution) -> Html:
    kind = machine.standing(run, execution)
    return badge(machine.SAYS[kind], {"done": "good", "failed": "bad", "running": "busy"}.get(kind, ""))


def _answer(run: StateRun) -> Html:
    """The failures of its attempts, those alike that follow each other in one line, and its answer."""
    failures = []
    number = 1
    for failure, alike in groupby(run.failures):
        last = number + len(list(alike)) - 1
        attempts = f"Attempt {number}" if last == number else f"Attempts {number} to {last}"
        failures.append(tag("p", f"{attempts}: {failure.error}. ", failure.message))
        number = last + 1
    return join(failures, _payload(run.answer))


def _payload(answer: Any) -> Html:
    if answer is None or answer is True:
        return tag("span", "nothing to tell" if answer else "", class_="faint")
    return tag("code", json.dumps(answer, ensure_ascii=False)[:MOST_CHARACTERS], class_="long")


def _rows(visit: Visit, operation: Operation, rows: Page[Row]) -> Html:
    progress = operation.progress or {}
    whole = facts(*((code(name).capitalize(), count(n)) for name, n in progress.items()))
    heads = ("Name", "Number", "State", "Why")
    listed = [
        (
            tag("a", row.name, href=f"/console/accounts/{row.subject_id}") if row.wire()["subject_id"] else row.name,
            count(row.number),
            badge(row.state, ROW_KINDS.get(row.state, "")),
            row.failure.message if row.failure else "",
        )
        for row in rows.rows
    ]
    return section(
        "Rows", whole, table("Rows, in the order sent", heads, listed), pager(visit, rows.next_cursor), id_="rows"
    )
