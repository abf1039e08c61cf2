"""The official `postscale` package as a client of the local cloud: the /v1 routes that it has."""

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from postscale import AsyncPostscale, Postscale

from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ABSENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
PATIENCE_SECONDS = 20


@pytest.fixture
def client(local: Local) -> Iterator[Postscale]:
    with Postscale(local.description["api_key"], base_url=local.description["api_url"], max_retries=0) as made:
        yield made


def fine(result: Any) -> Any:
    """The client's result, with the id of the request."""
    assert result.error is None, result.error
    assert result.headers.request_id
    return result.data


def refused(result: Any, status: int, code: str, **extras: Any) -> Any:
    """The error that the client raised."""
    error = result.error
    assert (result.data, error.status_code, error.code) == (None, status, code), error
    assert error.message == error.body["message"]
    assert error.request_id == result.headers.request_id == error.body["request_id"]
    assert {name: error.body[name] for name in extras} == extras
    return error


def eventually(look: Callable[[], bool]) -> None:
    """Wait for a result of webhooks, which are asynchronous."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def new_name() -> str:
    return f"p-{uuid.uuid4().hex[:8]}.example"


def verified(local: Local, client: Postscale) -> dict[str, Any]:
    created = fine(client.domains.create({"domain": new_name(), "type": "both"}))
    local.advance(seconds=10)
    found = fine(client.domains.verify(created["id"]))
    assert found["verified"] is True, found
    return dict(found)


def sender(local: Local, domain: dict[str, Any]) -> str:
    """Create an account on the domain that may send immediately."""
    made = local.api.post("/api/email/accounts", json={"username": "kim", "domain_id": domain["id"]})
    assert made.status_code == 201, made.text
    account = made.json()["account"]
    changed = local.api.patch(f"/api/email/accounts/{account['id']}", json={"warmup_enabled": False})
    assert changed.status_code == 200, changed.text
    return str(account["email_address"])


def test_domains(local: Local, client: Postscale) -> None:
    name = new_name()
    # Longer than a saga may take on a busy machine.
    local.sandbox.post("/_admin/settings", json={"settle_seconds": 60})
    created = fine(client.domains.create({"domain": name, "type": "outbound"}))
    assert UUID.fullmatch(created["id"])
    assert (created["domain"], created["type"], created["verified"], created["active"]) == (
        name,
        "outbound",
        False,
        True,
    )
    listed = fine(client.domains.list({"limit": 1, "offset": 0}))
    assert ([domain["domain"] for domain in listed["domains"]], listed["limit"], listed["offset"]) == ([name], 1, 0)
    assert fine(client.domains.get(created["id"])) == fine(client.domains.get(name)) == created
    local.advance(seconds=70)
    local.sandbox.post("/_admin/settings", json={"settle_seconds": 3})
    checked = fine(client.domains.verify(created["id"]))
    assert (checked["verified"], checked["spf_verified"], checked["dkim_verified"]) == (True, True, True)
    assert checked["summary"] == f"{name} is verified; all records stand."
    dns = fine(client.domains.dns(created["id"]))
    assert {"type", "name", "value"} <= set(dns["records"][0])
    assert fine(client.domains.update(created["id"], {"type": "both"}))["type"] == "both"
    refused(client.domains.create({"domain": name}), 409, "domain_exists")
    error = refused(client.domains.create({"domain": "nonsense"}), 400, "invalid_request")
    assert [field["field"] for field in error.body["fields"]] == ["domain"]
    refused(client.domains.update(created["id"], {"colour": "red"}), 400, "invalid_request")
    refused(client.domains.list({"limit": 101}), 400, "invalid_request")
    assert fine(client.domains.delete(created["id"])) == {"success": True}
    for missing in (client.domains.get, client.domains.verify, client.domains.dns, client.warming.get_status):
        refused(missing(created["id"]), 404, "not_found")
    refused(client.domains.delete(ABSENT), 404, "not_found")


def test_warming(local: Local, client: Postscale) -> None:
    domain = fine(client.domains.create({"domain": f"external-{new_name()}", "type": "outbound"}))
    rest = fine(client.warming.get_status(domain["id"]))
    assert (rest["phase"], rest["remaining_today"], rest["remaining_this_hour"]) == ("not_started", 0, 0)
    error = refused(client.warming.start(domain["id"]), 400, "prerequisites_not_met")
    assert (error.body["spf_verified"], error.body["dkim_verified"]) == (False, False)
    refused(client.warming.pause(domain["id"]), 409, "not_warming", current_phase="not_started")
    refused(client.warming.resume(domain["id"]), 409, "not_paused", current_phase="not_started")
    started = fine(client.warming.start(domain["id"], {"force": True}))
    assert started == {"message": "warming started", "phase": "phase_1"}
    refused(client.warming.start(domain["id"], {"force": True}), 409, "already_warming", current_phase="phase_1")
    status = fine(client.warming.get_status(domain["id"]))
    assert status["current_limits"] == {"daily_limit": 50, "hourly_limit": 10, "per_minute_limit": 5}
    assert (status["today_sent"], status["remaining_today"], status["next_phase"]) == (0, 50, "phase_2")
    assert status["next_phase_limits"] == {"daily_limit": 2_000, "hourly_limit": 200, "per_minute_limit": 8}
    assert (status["metrics"]["period_days"], status["eligible_for_advancement"]) == (7, False)
    assert "minimum 7 days in phase required (currently 0)" in status["advancement_blockers"]
    paused = fine(client.warming.pause(domain["id"], {"reason": "holidays"}))
    assert paused == {"message": "warming paused", "previous_phase": "phase_1", "reason": "holidays"}
    assert fine(client.warming.resume(domain["id"])) == {"message": "warming resumed", "phase": "phase_1"}
    history = fine(client.warming.history(domain["id"], {"limit": 2}))
    assert [entry["reason"] for entry in history["history"]] == ["warming_resumed", "holidays"]
    rest = fine(client.warming.history(domain["id"], {"limit": 2, "cursor": history["next_cursor"]}))
    assert [(entry["reason"], entry["triggered_by"]) for entry in rest["history"]] == [("warming_started", "api")]
    refused(client.warming.history(domain["id"], {"cursor": "x"}), 400, "invalid_request")
    # Warming has started on verification.
    assert fine(client.warming.get_status(verified(local, client)["id"]))["phase"] == "phase_1"


def test_sending_and_its_figures(local: Local, client: Postscale) -> None:
    domain = verified(local, client)
    address = sender(local, domain)
    message = {"from": address, "to": ["pat@gmail.com"], "subject": "Hello", "html_body": "<p>Hello</p>"}
    queued = fine(client.emails.send(message))
    assert queued["status"] == "queued"
    sent = [one for one in local.inventory()["agentmail"]["messages"] if one["inbox_id"] == address]
    assert [one["message_id"] for one in sent] == [queued["message_id"]]
    too_many = client.emails.send({**message, "to": [f"p{number}@example.com" for number in range(6)]})
    error = refused(too_many, 429, "rate_limit_exceeded", limit_type="per_minute", limit=5, warming_phase="phase_1")
    assert error.message.startswith("per-minute sending limit exceeded: 6 recipients are more than the whole")
    assert too_many.headers.retry_after == str(error.body["retry_after_seconds"])
    assert 1 <= int(too_many.headers.retry_after) <= 86_400
    local.advance(minutes=1)
    batch = fine(
        client.emails.send_batch(
            [
                {**message, "to": ["bounce@simulator.example"]},
                {**message, "to": ["softbounce@simulator.example"]},
                {**message, "from": "nobody@elsewhere.example"},
            ]
        )
    )
    assert [one.get("error", one["status"]) for one in batch["results"]] == ["queued", "queued", "unknown_sender"]
    assert fine(client.emails.send_batch({"emails": [message]}))["accepted"] == 1
    eventually(lambda: fine(client.stats.aggregate(domain["id"]))["metrics"]["total_bounced"] == 2)
    eventually(lambda: fine(client.stats.aggregate(domain["id"]))["metrics"]["total_delivered"] == 2)
    total = fine(client.stats.aggregate(domain["id"], {"days": 1}))
    assert (total["period_days"], total["today_sent"]) == (1, 4)
    assert (total["metrics"]["total_sent"], total["metrics"]["total_hard_bounce"]) == (4, 1)
    assert (total["metrics"]["delivery_rate"], total["metrics"]["bounce_rate"]) == (0.5, 0.5)
    daily = fine(client.stats.daily(domain["id"], {"days": 3}))
    assert (len(daily["stats"]), daily["stats"][-1]["total_sent"]) == (3, 4)
    hourly = fine(client.stats.hourly(domain["id"], {"hours": 2}))
    assert sum(hour["total_sent"] for hour in hourly["stats"]) == 4
    by_provider = {entry["isp"]: entry["total_sent"] for entry in fine(client.stats.isp(domain["id"]))["stats"]}
    assert by_provider == {"gmail": 2, "other": 2}
    refused(client.stats.aggregate(domain["id"], {"days": 91}), 400, "invalid_request")
    # A bounced address is suppressed.
    refused(
        client.emails.send({**message, "cc": ["bounce@simulator.example"]}),
        422,
        "recipients_suppressed",
        suppressed=["bounce@simulator.example"],
    )
    refused(client.emails.send({"from": address, "to": []}), 400, "invalid_request")
    refused(client.emails.send({**message, "from": "nobody@elsewhere.example"}), 403, "unknown_sender")
    fine(client.warming.pause(domain["id"]))
    refused(client.emails.send(message), 403, "warming_paused", warming_phase="paused")
    with Postscale(
        local.description["test_api_key"], base_url=local.description["api_url"], max_retries=0
    ) as test_client:
        fine(client.warming.resume(domain["id"]))
        simulated = fine(test_client.emails.send(message))
        assert (simulated["status"], simulated["environment"]) == ("simulated", "test")
        refused(test_client.warming.pause(domain["id"]), 403, "live_key_required")


def test_suppressions(local: Local, client: Postscale) -> None:
    address = f"{uuid.uuid4().hex[:8]}+news@example.com"
    added = fine(client.suppressions.add({"email": address, "reason": "unsubscribe"}))
    assert (added["email"], added["reason"], added["scope_type"]) == (address, "unsubscribe", "org")
    listed = fine(client.suppressions.list({"query": address, "reason": "unsubscribe", "limit": 200}))
    assert (listed["suppressions"], listed["total"], listed["limit"], listed["offset"]) == ([added], 1, 200, 0)
    assert fine(client.suppressions.check({"email": address})) == {"suppressed": True, "entry": added}
    refused(client.suppressions.add({"email": "nobody"}), 400, "invalid_request")
    refused(client.suppressions.check({}), 400, "invalid_request")
    assert fine(client.suppressions.remove(added["id"])) == {"success": True}
    assert fine(client.suppressions.check({"email": address})) == {"suppressed": False, "entry": None}
    refused(client.suppressions.remove(address), 404, "not_found")


def test_keys_and_tenants(local: Local, client: Postscale) -> None:
    domain = fine(client.domains.create({"domain": new_name()}))
    url = local.description["api_url"]
    with Postscale("ps_live_nonsense", base_url=url, max_retries=0) as nobody:
        refused(nobody.domains.list(), 401, "unauthorized")
    with Postscale(local.description["second_api_key"], base_url=url, max_retries=0) as other:
        for identity in (domain["id"], domain["domain"]):
            for ask in (other.domains.get, other.warming.get_status, other.warming.history, other.stats.isp):
                refused(ask(identity), 404, "not_found")
            refused(other.warming.pause(identity), 404, "not_found")
        assert domain["id"] not in [row["id"] for row in fine(other.domains.list())["domains"]]
    fine(client.domains.delete(domain["id"]))


def test_the_asynchronous_client(local: Local, client: Postscale) -> None:
    domain = verified(local, client)
    address = sender(local, domain)

    async def story() -> None:
        key, url = local.description["api_key"], local.description["api_url"]
        async with AsyncPostscale(key, base_url=url, max_retries=0) as made:
            status, history, total = await asyncio.gather(
                made.warming.get_status(domain["id"]),
                made.warming.history(domain["id"]),
                made.stats.aggregate(domain["id"]),
            )
            assert (fine(status)["phase"], fine(total)["today_sent"]) == ("phase_1", 0)
            assert len(fine(history)["history"]) == 1
            message = {"from": address, "to": ["pat@example.com"], "text_body": "Hello"}
            # More concurrent sends than the minute's limit allows.
            answers = await asyncio.gather(*(made.emails.send(message) for _ in range(12)))
            admitted = [answer for answer in answers if answer.error is None]
            assert len({fine(answer)["message_id"] for answer in admitted}) == len(admitted)
            assert 5 <= len(admitted) <= 10
            for answer in answers:
                if answer.error:
                    refused(answer, 429, "rate_limit_exceeded")
                    assert answer.headers.retry_after
            assert fine(await made.warming.get_status(domain["id"]))["today_sent"] == len(admitted)
            refused(await made.domains.get(ABSENT), 404, "not_found")
            refused(await made.suppressions.remove("nobody@example.com"), 404, "not_found")

    asyncio.run(story())
