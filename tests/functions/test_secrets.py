"""No secret is stored or logged in clear text, from the first key to the last deletion."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from kindling.platform import aws
from tests.conftest import SECRETS, Kindling
from tests.harness import machines
from tests.harness.lambdas import Api, Reply

DOMAINS, ACCOUNTS, KEYS = "/api/email/domains", "/api/email/accounts", "/api/keys"


def fine(reply: Reply) -> Any:
    assert reply.status < 400, reply.body
    return reply.body


def live(kindling: Kindling) -> list[str]:
    """Run everything from the first key to the last deletion, including an undone saga; the keys that were created."""
    api = kindling.api
    made = fine(api.post(KEYS, {"name": "a", "scopes": ["admin"]}, Idempotency_Key="k1"))["key"]
    again = fine(api.post(KEYS, {"name": "a", "scopes": ["admin"]}, Idempotency_Key="k1"))["key"]
    assert again["api_key"] == made["api_key"]
    other = fine(api.post(KEYS, {"name": "b"}))["key"]
    turned = fine(api.post(f"{KEYS}/{made['id']}/rotate", {"overlap_hours": 1}, Idempotency_Key="k2"))["key"]
    fine(api.get(KEYS))
    assert Api("kd_live_aaaaaaaaaaaaaaaa_" + "A" * 43).get(KEYS).status == 401
    domain = fine(api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="d1"))["domain"]
    kindling.clock.advance(seconds=30)
    fine(api.get(DOMAINS))
    request = {"username": "kim", "domain_id": domain["id"]}
    account = fine(api.post(ACCOUNTS, request, Idempotency_Key="a1"))["account"]
    kindling.world.fault("instantly", "POST", "/api/v2/custom-tags/toggle-resource", "refuse", status=400)
    assert api.post(ACCOUNTS, request | {"username": "max"}, Idempotency_Key="a2").status == 502
    kindling.world.heal()
    kindling.clock.advance(minutes=1)
    fine(api.patch(f"{ACCOUNTS}/{account['id']}", {"warmup_enabled": False}))
    email = {"from": "kim@acme.example", "to": ["pat@example.com"], "text_body": "Hello"}
    fine(api.post("/v1/send", email, Idempotency_Key="s1"))
    fine(kindling.test_api.post("/v1/send", email, Idempotency_Key="s1"))
    fine(api("DELETE", f"{KEYS}/{other['id']}"))
    return [made["api_key"], other["api_key"], turned["api_key"]]


def secrets_of(kindling: Kindling, made: list[str]) -> dict[str, str]:
    """Every secret of the run, by its kind."""
    keys = [kindling.api.key, kindling.test_api.key, *made]
    found = {f"key {i}": key.split("_", 3)[3] for i, key in enumerate(keys)}
    found |= {f"{name} of the deployment": text for name, text in SECRETS.items()}
    world = kindling.world.sandbox._world
    found |= {f"inbox key {key.api_key_id}": key.api_key for key in world.api_keys.values()}
    passwords = [account.body["imap_password"] for account in world.accounts.values()]
    return found | {f"password {i}": text for i, text in enumerate(passwords)}


def places(kindling: Kindling, logged: list[str]) -> Iterator[tuple[str, str]]:
    """Everything that is stored: the table, the logs, executions with their data, and queued messages."""
    yield "the table", json.dumps(aws.table().scan()["Items"], default=str)
    yield "the logs", "\n".join(logged)
    client = aws.stepfunctions()
    for name, arn in kindling.arns.items():
        for execution in client.list_executions(stateMachineArn=arn)["executions"]:
            yield f"an execution of {name}", machines.read(execution["executionArn"]).history
    yield "what machines hand to functions", json.dumps(kindling.lambdas.payloads)
    for url in aws.sqs().list_queues().get("QueueUrls", []):
        messages = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        yield url, json.dumps([message["Body"] for message in messages])


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every log line."""
    from kindling.platform.observability import logger

    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record))

    formatter = logger.registered_formatter
    collector = Collector()
    own = logging.getLogger("kindling")
    own.addHandler(collector)
    yield lines
    own.removeHandler(collector)


def test_no_secret_of_a_whole_life_outlives_its_use(kindling: Kindling, logged: list[str]) -> None:
    made = live(kindling)
    secrets = secrets_of(kindling, made)
    assert len(secrets) >= 5 + len(SECRETS) + 2
    found = [
        (what, where) for where, text in places(kindling, logged) for what, secret in secrets.items() if secret in text
    ]
    assert found == []


def test_the_scan_sees_what_it_looks_for(kindling: Kindling, logged: list[str]) -> None:
    """Check that each place contains the data of the run."""
    live(kindling)
    seen = dict(places(kindling, logged))
    assert "acme.example" in seen["the table"]
    assert "request answered" in seen["the logs"]
    assert (
        "kim@acme.example" in seen["an execution of ProvisionAccount"]
        or "kim" in seen["what machines hand to functions"]
    )
