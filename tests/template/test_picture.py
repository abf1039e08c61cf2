"""The picture of the architecture: what it shows is what the template says, and docs/ has it as it is drawn now."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local.picture import drawing, landscape
from local.picture.landscape import Landscape
from tests.harness.template import FUNCTIONS, MACHINES, ROOT

TEMPLATE = ROOT / "template.yaml"
PICTURE = ROOT / "docs/architecture.svg"

# Two functions, one machine and one queue, written in the forms that the template itself does not use as well.
SMALL = """
Parameters:
  AgentMailUrl: {Type: String}
  AgentMailSecretArn: {Type: String}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {GlobalSecondaryIndexes: [{IndexName: due}]}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn}}
  Dead: {Type: AWS::SQS::Queue, Properties: {}}
  Machine: {Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: machine.json}}
  StarterPolicy:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Statement: [{Action: "states:StartExecution", Resource: !Ref Machine}]}}
  PollFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/pollers/poll
      Environment: {Variables: {WORK_QUEUE_URL: !Ref Queue, TABLE_NAME: !Ref Table}}
      Policies: [!Ref StarterPolicy]
      Events: {Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}}
  WorkFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/workers/work
      Environment: {Variables: {AGENTMAIL_SECRET: !Ref AgentMailSecretArn}}
  Feed:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref WorkFunction, EventSourceArn: !GetAtt Queue.Arn}
"""


@pytest.fixture(scope="module")
def now() -> Landscape:
    return landscape.read(TEMPLATE)


def test_the_picture_in_docs_is_drawn_from_the_template_as_it_is(now: Landscape) -> None:
    assert PICTURE.read_text() == drawing.draw(now), "run 'make picture'"


def test_every_function_stands_in_the_picture(now: Landscape) -> None:
    shown = {name for rows in now.rows.values() for row in rows for name in row.functions}
    assert shown == {Path(properties["CodeUri"]).name for properties in FUNCTIONS.values()}
    assert [name for name in shown if name not in PICTURE.read_text()] == []


def test_every_machine_and_queue_leads_to_a_row_and_is_reached_by_one(now: Landscape) -> None:
    rows = [row for band in now.rows.values() for row in band]
    entries = [row.entry for row in rows if row.entry]
    assert sorted(entries) == sorted(lane.key for lane in now.machines + now.queues)
    assert set(entries) <= {key for row in rows for key in row.reaches}
    assert {lane.key for lane in now.machines} == set(MACHINES)


def test_nothing_is_reached_without_a_lane(now: Landscape) -> None:
    lanes = {lane.key for lane in now.machines + now.queues + now.secrets}
    assert {key for band in now.rows.values() for row in band for key in row.reaches} == lanes


def test_managed_policies_and_event_source_mappings_are_understood(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(SMALL)
    (tmp_path / "machine.json").write_text('{"States": {}}')
    small = landscape.read(tmp_path / "template.yaml")
    (poller,), (worker,) = small.rows["Pollers"], small.rows["Workers"]
    assert (poller.note, poller.reaches) == ("every hour", frozenset({"Queue", "Machine"}))
    assert (worker.entry, worker.reaches) == ("Queue", frozenset({"AgentMailSecretArn"}))
    assert [lane.owner for lane in small.secrets] == ["AgentMail"]
    assert [lane.key for lane in small.queues] == ["Queue"]


def test_nothing_is_drawn_beyond_the_edge() -> None:
    numbers = re.findall(r' (?:x|cx)="(\d+)|[HM](\d+)', PICTURE.read_text())
    across = [int(number) for found in numbers for number in found if number]
    assert across
    assert max(across) <= drawing.WIDTH - drawing.MARGIN


def test_the_picture_brings_nothing_from_elsewhere_and_knows_the_dark() -> None:
    text = PICTURE.read_text()
    root = ElementTree.fromstring(text)  # noqa: S314
    assert root.attrib["width"] == str(drawing.WIDTH)
    assert {element.tag.partition("}")[2] for element in root.iter()} == {
        "svg", "title", "style", "rect", "text", "path", "g", "circle",
    }  # fmt: skip
    assert "prefers-color-scheme: dark" in text
    assert [word for word in ("href", "url(", "@import", "@font-face") if word in text] == []
