"""The local cloud with the small stack, as clients, queues, schedules and sagas use it."""

import base64
import json
import os
import secrets
import socket
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import processes
from local.aws import client
from local.launcher import running
from local.settings import HOST, STACK, Home, Ports, Refused
from tests.local.network import TEMPLATE, addresses_listened_on, call, free_ports

# One worker runs these tests, so that they share a cloud.
pytestmark = [pytest.mark.system, pytest.mark.xdist_group("small cloud")]


@dataclass
class Cloud:
    home: Home
    ports: Ports
    description: dict[str, Any]

    def call(self, method: str, path: str, *more: Any) -> Any:
        return call(self.ports.api, method, path, *more)

    def aws(self, name: str) -> Any:
        return client(name, self.ports.engine_url)

    def output(self, name: str) -> str:
        found = self.aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
        return str({output["OutputKey"]: output["OutputValue"] for output in found}[name])

    def item(self, partition: str, sort: str) -> Any:
        key = {"pk": {"S": partition}, "sk": {"S": sort}}
        return self.aws("dynamodb").get_item(TableName=self.description["table_name"], Key=key).get("Item")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home, ports = Home(tmp_path_factory.mktemp("cloud")), free_ports()
    with running(home.path, ports, TEMPLATE, say=lambda _line: None) as description:
        yield Cloud(home, ports, description)


def until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.2)
    return true()


def test_the_description_has_every_field_and_only_its_owner_can_read_it(cloud: Cloud) -> None:
    assert json.loads(cloud.home.description.read_text()) == cloud.description
    assert stat.S_IMODE(cloud.home.description.stat().st_mode) == 0o600
    assert list(cloud.description) == [
        "api_url",
        "api_key",
        "test_api_key",
        "user_id",
        "second_api_key",
        "engine_url",
        "sandbox_url",
        "console_url",
        "table_name",
        "region",
    ]


def test_it_listens_on_loopback_only(cloud: Cloud) -> None:
    listening = addresses_listened_on(cloud.home, processes.find(cloud.home))
    assert listening <= {"0100007F"}
    assert listening or not Path("/proc/net/tcp").exists()


def test_a_request_reaches_its_function_unchanged(cloud: Cloud) -> None:
    answer = cloud.call("GET", "/things/a%40b?x=1&x=2&y=%20z", None, [("X-Mixed", "V"), ("cookie", "k=1")])
    assert answer.status == 200
    assert answer.event["routeKey"] == "GET /things/{thing_id}"
    assert answer.event["rawPath"] == "/things/a@b"
    assert answer.event["rawQueryString"] == "x=1&x=2&y=%20z"
    assert answer.event["headers"]["x-mixed"] == "V"
    assert [text for name, text in answer.headers if name == "set-cookie"] == ["a=1; Path=/", "b=2; Path=/"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_any_method_is_passed_on(cloud: Cloud, method: str) -> None:
    answer = cloud.call(method, "/things/1")
    assert answer.status == 200
    if method == "HEAD":
        assert answer.body == b""
    else:
        assert answer.event["requestContext"]["http"]["method"] == method


def test_a_large_body_is_passed_on(cloud: Cloud) -> None:
    # In base64, as binary bodies travel, that is nearly all that Lambda takes.
    body = secrets.token_bytes(4 * 1024 * 1024)
    answer = cloud.call("POST", "/upload", body, [("content-type", "application/octet-stream")])
    assert base64.b64decode(answer.event["body"]) == body
    assert cloud.call("POST", "/upload", secrets.token_bytes(10 * 1024 * 1024 + 1)).status == 413


def test_a_functions_environment_is_the_templates_and_the_clock(cloud: Cloud) -> None:
    answer = cloud.call("GET", "/things/1").json
    assert answer["environment"]["TABLE_NAME"] == cloud.description["table_name"]
    assert answer["environment"]["AGENTMAIL_URL"] == cloud.description["sandbox_url"]
    assert answer["environment"]["DNS_RESOLVERS"] == f"{HOST}:{cloud.ports.dns}"
    assert answer["environment"]["KINDLING_CLOCK_FILE"] == str(cloud.home.clock)
    assert answer["environment"]["AWS_ENDPOINT_URL"] == cloud.ports.engine_url
    secret = cloud.aws("secretsmanager").get_secret_value(SecretId=answer["environment"]["SECRET_ARN"])
    assert secret["SecretString"].startswith("am_")
    assert answer["handler_is_compiled"]
    assert not answer["sees_repository"]


def test_webhooks_of_the_sandbox_are_signed_with_the_secret_of_the_api(cloud: Cloud) -> None:
    headers = {"Authorization": "Bearer am_local"}
    with httpx.Client(base_url=cloud.description["sandbox_url"], headers=headers, trust_env=False) as sandbox:
        (webhook,) = sandbox.get("/v0/webhooks").json()["webhooks"]
        assert webhook["url"] == f"{cloud.description['api_url']}/webhooks/agentmail"
        assert {"message.sent", "message.clicked", "domain.verified"} < set(webhook["event_types"])
        environment = cloud.call("GET", "/things/1").json["environment"]
        secret = cloud.aws("secretsmanager").get_secret_value(SecretId=environment["WEBHOOK_SECRET_ARN"])
        assert secret["Name"] == "kindling/agentmail-webhook"
        assert secret["SecretString"] == webhook["secret"]
        address = sandbox.post("/v0/inboxes", json={}).json()["inbox_id"]
        sandbox.post(f"/v0/inboxes/{address}/messages/send", json={"to": "you@else.test"}).raise_for_status()
        assert until(lambda: sandbox.get("/_admin/webhooks").json()["pending"] == 0, 20)
        assert sandbox.get("/_admin/webhooks").json() == {"pending": 0, "delivered": 2, "failed": 0}


@pytest.mark.parametrize("how", ["raise", "exit", "hang", "nonsense"])
def test_a_failing_function_is_a_500_as_on_aws(cloud: Cloud, how: str) -> None:
    answer = cloud.call("POST", f"/misbehave/{how}")
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')


def test_a_function_may_answer_502_itself(cloud: Cloud) -> None:
    answer = cloud.call("POST", "/misbehave/own")
    assert (answer.status, answer.body) == (502, b"my own words")


def test_clients_that_disconnect_do_no_harm(cloud: Cloud) -> None:
    for sent in (
        b"GET /things/1?sleep=0.5 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nx",
    ):
        with socket.create_connection((HOST, cloud.ports.api)) as connection:
            connection.sendall(sent)
    assert cloud.call("GET", "/things/1").status == 200


def test_twenty_calls_of_one_function_run_concurrently(cloud: Cloud) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda at: cloud.call("GET", f"/things/{at}?sleep=3"), range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["process"] for answer in answers}) > 10


def test_a_bad_message_fails_alone_and_ends_in_the_dead_letter_queue(cloud: Cloud) -> None:
    queue, queues = cloud.output("JobsUrl"), cloud.aws("sqs")
    for body in ("one", "bad", "two"):
        queues.send_message(QueueUrl=queue, MessageBody=body)
    assert until(lambda: bool(cloud.item("JOBS", "one") and cloud.item("JOBS", "two")), 20)
    attributes = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_a_saga_catches_an_error_by_its_own_name(cloud: Cloud) -> None:
    sagas, machine = cloud.aws("stepfunctions"), cloud.output("SagaArn")
    outputs = []
    for given in ({"decline": True}, {"decline": False}):
        execution = sagas.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        assert until(lambda: sagas.describe_execution(executionArn=execution)["status"] != "RUNNING", 20)  # noqa: B023
        outputs.append(json.loads(sagas.describe_execution(executionArn=execution)["output"]))
    assert outputs == [{"declined": True}, {"done": {"decline": False}}]


def test_the_tenants_keys_are_in_the_table(cloud: Cloud) -> None:
    rows = cloud.aws("dynamodb").scan(TableName=cloud.description["table_name"])["Items"]
    text = json.dumps(rows)
    for name in ("api_key", "test_api_key", "second_api_key"):
        key_id, secret = cloud.description[name].split("_")[2:]
        assert key_id in text
        assert secret not in text
    assert cloud.description["user_id"] in text


def test_a_second_launcher_is_refused(cloud: Cloud) -> None:
    with (
        pytest.raises(Refused, match=f"is running already \\(process {os.getpid()}\\)"),
        running(cloud.home.path, free_ports(), TEMPLATE),
    ):
        pass


def test_a_schedule_fires(cloud: Cloud) -> None:
    assert until(lambda: cloud.item("TICKS", "TICKS") is not None, 90)
