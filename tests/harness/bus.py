"""The stack's EventBridge bus, and what a rule brings of it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kindling.platform import aws
from kindling.platform.settings import settings


class Heard:
    """A queue that is the target of a rule."""

    def __init__(self, url: str) -> None:
        self._url = url

    def take(self) -> list[Any]:
        """The events that the rule has brought since they were taken last, as EventBridge wraps them."""
        taken: list[Any] = []
        while messages := aws.sqs().receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                taken.append(json.loads(message["Body"]))
                aws.sqs().delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return taken


@contextmanager
def listening(**pattern: list[str]) -> Iterator[Heard]:
    """The bus, in the block, with a rule for events of the pattern; `-` in its names is written `_`."""
    client, name = aws.eventbridge(), settings().event_bus_name
    client.create_event_bus(Name=name)
    url = aws.sqs().create_queue(QueueName=f"heard-{uuid.uuid4()}")["QueueUrl"]
    arn = aws.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    wanted = json.dumps({name.replace("_", "-"): values for name, values in pattern.items()})
    client.put_rule(Name="rule", EventBusName=name, EventPattern=wanted)
    client.put_targets(Rule="rule", EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
    try:
        yield Heard(url)
    finally:
        client.remove_targets(Rule="rule", EventBusName=name, Ids=["queue"])
        client.delete_rule(Name="rule", EventBusName=name)
        client.delete_event_bus(Name=name)
        aws.sqs().delete_queue(QueueUrl=url)
