"""What functions write about a walk through an account's life: who, what and which request, and no address."""

import io
import json
import re
from typing import Any

import pytest

from kindling.errors import ProviderRefused
from kindling.platform.observability import hashed, logger
from tests.conftest import Kindling
from tests.functions.api.test_send import SEND, email
from tests.functions.test_pollers import ACCOUNTS, DOMAINS, dies_in, reconcile
from tests.functions.test_webhooks import report
from tests.harness.lambdas import Api, invoke
from tests.harness.machines import fails
from tests.harness.template import routes

ADDRESSES = ("kim@acme.example", "lee@acme.example", "max@acme.example", "pat@example.com")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    lines = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", lines)
    return lines


def walk(kindling: Kindling) -> None:
    """Create and refuse, send, hear of it, fail at the provider, die, be undone, and delete."""
    api = kindling.api
    domain_id = api.post(DOMAINS, {"domain": "acme.example"}).body["domain"]["id"]
    kindling.clock.advance(seconds=30)
    assert api.post(f"{DOMAINS}/{domain_id}/verify").status == 200
    made = api.post(ACCOUNTS, {"username": "kim", "domain_id": domain_id})
    assert made.status == 201, made.body
    account_id = made.body["account"]["id"]
    assert api.post(ACCOUNTS, {"username": "kim", "domain_id": domain_id}).status == 409
    kindling.lambdas.overrides["AssignTagsFunction"] = fails(ProviderRefused("No tags for lee@acme.example."))
    assert api.post(ACCOUNTS, {"username": "lee", "domain_id": domain_id}).status == 502
    kindling.lambdas.overrides.clear()
    dies_in(kindling, "CreateInbox")
    assert api.post(ACCOUNTS, {"username": "max", "domain_id": domain_id}, Prefer="respond-async").status == 202
    kindling.lambdas.overrides.clear()
    assert reconcile(kindling) == 1
    assert api.patch(f"{ACCOUNTS}/{account_id}", {"warmup_enabled": False}).status == 200
    assert api.post(SEND, email(["pat@example.com"])).status == 202
    kindling.world.fault("agentmail", "POST", "/v0/inboxes/*", "drop_answer")
    assert api.post(SEND, email(["pat@example.com"])).status == 502
    kindling.world.heal()
    assert report(kindling, "bounced", ["pat@example.com"], type="Permanent")
    assert api.get("/v1/suppressions/check", email="pat@example.com").status == 200
    kindling.work("JudgeWarmingFunction", "judgements")
    kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=500)
    assert api("DELETE", f"{ACCOUNTS}/{account_id}").status == 200
    kindling.run_cleanups()
    invoke("ReconcileInventoryFunction", {})
    assert Api("").get(DOMAINS).status == 401
    assert Api("").get("/nowhere/kim@acme.example").status == 404


def lines_of(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_walk_leaves_no_address_in_the_log_and_every_line_says_whom_it_is_about(
    kindling: Kindling, impatient: None, written: io.StringIO
) -> None:
    walk(kindling)
    text = written.getvalue()
    for address in ADDRESSES:
        dashed = re.sub(r"\W", "-", address)
        assert not {form for form in (address, address.replace("@", "%40"), dashed) if form in text}, address
    lines = lines_of(written)
    # The hash of an address leads to its lines.
    assert any(hashed("kim@acme.example") in json.dumps(line) for line in lines)
    answered = [line for line in lines if line["message"] == "request answered"]
    assert {line["status"] for line in answered} >= {200, 201, 202, 401, 409, 502}
    secret = kindling.api.key.rpartition("_")[2]
    assert secret not in text
    for line in answered:
        assert line["request_id"]
        # A template of a path, not the path.
        assert line["route"] in routes()
        with_key = line["status"] != 401 and "/webhooks/" not in line["route"]
        assert (line.get("user_id") == kindling.user_id) is with_key
        assert ("key_id" in line) is with_key
    steps = [line for line in lines if line["message"] == "step entered"]
    assert {"ReserveAddress", "UndoCreateInbox", "CleanUpInbox"} <= {line["state"] for line in steps}
    assert {line["user_id"] for line in steps} == {kindling.user_id}
    assert all(re.fullmatch(r"[0-9a-f-]{36}", line["operation_id"]) for line in steps)
    put_off = [line for line in lines if line["message"] == "cleanup put off"]
    assert put_off
    assert {line["user_id"] for line in put_off if "item" in line} == {kindling.user_id}
