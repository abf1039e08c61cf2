"""AWS in moto: resources are created once per run, and emptied for every test."""

from collections.abc import Callable
from typing import Any

from moto.core.model_instances import reset_model_data
from moto.dynamodb.models import dynamodb_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from kindling.platform import aws

ACCOUNT = "123456789012"
REGION = "us-east-1"

Names = dict[str, str]


def _without_rows() -> None:
    for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
        table.items.clear()
    # moto keeps every row that it ever copied, which would slow down later tests.
    reset_model_data()


def _without_executions() -> None:
    for machine in stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
        machine.executions.clear()


EMPTIED = {"dynamodb": _without_rows, "stepfunctions": _without_executions}
# A queue holds messages in several places and few tests send one, so it is recreated after a change.
RENEWED = {"sqs": sqs_backends, "secretsmanager": secretsmanager_backends}


class Cloud:
    def __init__(self) -> None:
        self._created: dict[str, Names] = {}
        for client in (aws.sqs(), aws.secrets()):
            client.meta.events.register("before-call", self._forget_changed)

    def deployed(self, service: str, create: Callable[[], Names]) -> Names:
        """The resources that `create` made in the service, by name. It runs again after a test has changed any."""
        if service in EMPTIED:
            EMPTIED[service]()
        elif service not in self._created:
            RENEWED[service][ACCOUNT][REGION].reset()
        if service not in self._created:
            created = create()
            self._created[service] = created
        return self._created[service]

    def _forget_changed(self, model: Any, **_: Any) -> None:
        if model.name != "GetSecretValue":
            self._created.pop(model.service_model.service_name, None)
