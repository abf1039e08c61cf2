"""Events in the local cloud: from a change in the table to a queue that is the target of a rule."""

import json
import uuid
from typing import Any

import pytest

from local.aws import client
from tests.system.conftest import GROUP, Local
from tests.system.test_webhooks import until

pytestmark = [pytest.mark.system, GROUP]


def test_a_change_reaches_the_target_of_an_operators_rule(local: Local) -> None:
    events, sqs = (client(name, local.description["engine_url"]) for name in ("events", "sqs"))
    (bus,) = (one["Name"] for one in events.list_event_buses()["EventBuses"] if one["Name"] != "default")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["kindling"], "detail-type": ["suppression.created"]})
    events.put_rule(Name="rule", EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule="rule", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    email = f"{uuid.uuid4().hex[:8]}@example.com"
    assert local.api.post("/v1/suppressions", json={"email": email}).status_code == 201
    heard: list[Any] = []

    def told() -> bool:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        heard.extend(json.loads(message["Body"]) for message in messages)
        return any(event["detail"]["data"]["email"] == email for event in heard)

    until(told)
    event = next(event for event in heard if event["detail"]["data"]["email"] == email)
    assert (event["source"], event["detail-type"]) == ("kindling", "suppression.created")
    assert event["detail"]["user_id"] == local.description["user_id"]
    events.remove_targets(Rule="rule", EventBusName=bus, Ids=["queue"])
    events.delete_rule(Name="rule", EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)
