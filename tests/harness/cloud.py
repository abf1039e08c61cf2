"""AWS in moto, deployed once for the whole run and empty for every test."""

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
    # moto remembers every row that it ever copied, also where nobody can ask for it.
    reset_model_data()


def _without_executions() -> None:
    for machine in stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
        machine.executions.clear()


EMPTIED = {"dynamodb": _without_rows, "stepfunctions": _without_executions}
# A queue has too many places for a message, and few tests send one.
RENEWED = {"sqs": sqs_backends, "secretsmanager": secretsmanager_backends}


class Cloud:
    def __init__(self) -> None:
        self._made: dict[str, Names] = {}
        for client in (aws.sqs(), aws.secrets()):
            client.meta.events.register("before-call", self._note)

    def deployed(self, service: str, create: Callable[[], Names]) -> Names:
        """What `create` made in the service, by name; it runs again where a test may have left something."""
        if service in EMPTIED:
            EMPTIED[service]()
        elif service not in self._made:
            RENEWED[service][ACCOUNT][REGION].reset()
        if service not in self._made:
            made = create()
            self._made[service] = made
        return self._made[service]

    def _note(self, model: Any, **_: Any) -> None:
        if model.name != "GetSecretValue":
            self._made.pop(model.service_model.service_name, None)
