"""The main job over HTTP, with the real template, state machines and functions, and the sandbox."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import httpx
import pytest

from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

ENABLE = ("instantly", "POST", "/api/v2/accounts/warmup/enable")
TOGGLE = ("instantly", "POST", "/api/v2/custom-tags/toggle-resource")


def together(count: int, call: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def until(found: Callable[[], Any], wanted: object, seconds: float) -> object:
    deadline = time.monotonic() + seconds
    seen = found()
    while seen != wanted and time.monotonic() < deadline:
        time.sleep(0.25)
        seen = found()
    return seen


def stuck(local: Local) -> dict[str, Any]:
    local.fault(*ENABLE, "refuse", status=402)
    body = {"username": "lou", "domain_id": local.new_domain()["id"]}
    created = local.api.post("/api/email/accounts", json=body, headers={"Prefer": "respond-async"})
    operation = local.ended(created.headers["Location"])
    local.heal()
    account = local.api.get(f"/api/email/accounts/{operation['subject_id']}").json()["account"]
    assert (account["status"], account["warmup_status"]) == ("pending", "not_started")
    return dict(account)


def test_the_poller_verifies_a_domain_by_its_own_schedule(local: Local) -> None:
    name = f"s-{time.monotonic_ns()}.example"
    domain = local.api.post("/api/email/domains", json={"domain": name}).json()["domain"]
    assert domain["status"] == "verifying"
    zone = [record for record in local.inventory()["cloudflare"]["records"] if record["zone_name"] == name]
    assert len(zone) == len(domain["dns_records"])
    local.advance(minutes=10, seconds=5)
    path = f"/api/email/domains/{domain['id']}"
    assert until(lambda: local.api.get(path).json()["domain"]["status"], "verified", 90) == "verified"


def test_an_account_is_provisioned_and_warms(local: Local) -> None:
    domain = local.new_domain()
    created = local.api.post("/api/email/accounts", json={"username": "kim", "domain_id": domain["id"]})
    assert created.status_code == 201, created.text
    account = created.json()["account"]
    assert (account["status"], account["warmup_status"]) == ("warming", "warming")
    assert local.api.get(f"/api/email/accounts/{account['id']}").json() == {"account": account}


def test_twenty_concurrent_retries_make_one_transition(local: Local) -> None:
    account = stuck(local)
    path = f"/api/email/accounts/{account['id']}/retry-warmup"
    before = jobs(local)
    answers = together(20, lambda _: local.api.patch(path))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {200, 409, 502, 500}, [answer.text for answer in answers]
    assert statuses[200] == 1
    after = local.api.get(f"/api/email/accounts/{account['id']}").json()["account"]
    assert (after["status"], after["warmup_status"]) == ("warming", "warming")
    assert jobs(local) - before == 1


def jobs(local: Local) -> int:
    """The number of warmup jobs requested from the provider."""
    headers = {"Authorization": "Bearer inst_local"}
    listed = httpx.get(
        f"{local.description['sandbox_url']}/api/v2/background-jobs",
        params={"type": "update-warmup-accounts", "limit": "100"},
        headers=headers,
    )
    return len(listed.json()["items"])


def test_ten_creates_of_one_address_make_one_account(local: Local) -> None:
    domain = local.new_domain()
    body = {"username": "kim", "domain_id": domain["id"]}
    answers = together(10, lambda _: local.api.post("/api/email/accounts", json=body))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9, [a.text for a in answers]
    address = f"kim@{domain['domain']}"
    inventory = local.inventory()
    assert [row["email"] for row in inventory["agentmail"]["inboxes"]].count(address) == 1
    assert [row["email"] for row in inventory["instantly"]["accounts"]].count(address) == 1
    rows = local.api.get("/api/email/accounts").json()["accounts"]
    assert [row["email_address"] for row in rows].count(address) == 1


def test_ten_creates_of_one_domain_make_one_domain(local: Local) -> None:
    name = f"d-{time.monotonic_ns()}.example"
    answers = together(10, lambda _: local.api.post("/api/email/domains", json={"domain": name}))
    # 202 when the saga takes longer than 20 s.
    first, *others = sorted(answer.status_code for answer in answers)
    assert (first in (201, 202), others) == (True, [409] * 9), [answer.text for answer in answers]
    assert [d["domain"] for d in local.inventory()["agentmail"]["domains"]].count(name) == 1


def test_a_provisioning_that_fails_leaves_the_inventory_as_it_was(local: Local) -> None:
    domain = local.new_domain()
    before = local.inventory()
    local.fault(*TOGGLE, "refuse", status=400)
    failed = local.api.post("/api/email/accounts", json={"username": "max", "domain_id": domain["id"]})
    assert (failed.status_code, failed.json()["step"]) == (502, "AssignTags")
    assert local.inventory() == before


def test_a_provider_that_stays_silent_after_its_work_leaves_one_inbox(local: Local) -> None:
    domain = local.new_domain()
    local.fault("agentmail", "POST", "/v0/inboxes", "drop_answer", calls=[1])
    created = local.api.post("/api/email/accounts", json={"username": "kim", "domain_id": domain["id"]})
    assert created.status_code == 201, created.text
    addresses = [row["email"] for row in local.inventory()["agentmail"]["inboxes"]]
    assert addresses.count(f"kim@{domain['domain']}") == 1


def test_an_operation_is_followed_to_its_end(local: Local) -> None:
    name = f"o-{time.monotonic_ns()}.example"
    answer = local.api.post("/api/email/domains", json={"domain": name}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    location = answer.headers["Location"]
    assert until(lambda: local.api.get(location).json()["operation"]["state"], "succeeded", 20) == "succeeded"


def test_an_aborted_saga_is_undone_by_the_reconciler(local: Local) -> None:
    domain = local.new_domain()
    before = local.inventory()
    local.fault("instantly", "POST", "/api/v2/accounts", "delay", seconds=4)
    answer = local.api.post(
        "/api/email/accounts",
        json={"username": "kim", "domain_id": domain["id"]},
        headers={"Prefer": "respond-async"},
    )
    location = answer.headers["Location"]
    step = until(lambda: local.api.get(location).json()["operation"]["current_step"], "RegisterWarmupAccount", 20)
    assert step == "RegisterWarmupAccount"
    states = boto3.client(
        "stepfunctions",
        endpoint_url=local.description["engine_url"],
        region_name=local.description["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    states.stop_execution(executionArn=answer.json()["operation"]["execution_arn"])
    time.sleep(6)
    local.heal()
    local.advance(minutes=11)
    assert local.tick("reconcile-operations")["undone"] == 1
    assert until(lambda: local.api.get(location).json()["operation"]["state"], "failed", 30) == "failed"
    assert local.inventory() == before


def test_concurrent_requests_with_one_idempotency_key_run_once(local: Local) -> None:
    name = f"i-{time.monotonic_ns()}.example"
    headers = {"Idempotency-Key": name}
    answers = together(8, lambda _: local.api.post("/api/email/domains", json={"domain": name}, headers=headers))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 409} <= {"request_running"}
    again = local.api.post("/api/email/domains", json={"domain": name}, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")


@pytest.mark.parametrize(
    ("path", "status"), [("/api/email/nothing", 404), ("/api/email/domains/x", 404), ("/healthz", 200)]
)
def test_every_response_over_http_has_the_format_of_the_contract(local: Local, path: str, status: int) -> None:
    answer = local.api.get(path)
    assert answer.status_code == status
    assert answer.headers["X-Request-ID"]
    assert (status == 200) == ("error" not in answer.json())


def test_the_second_tenant_sees_nothing_of_the_first(local: Local) -> None:
    domain = local.new_domain()
    headers = {"Authorization": f"Bearer {local.description['second_api_key']}"}
    assert local.api.get(f"/api/email/domains/{domain['id']}", headers=headers).status_code == 404
    names = [row["domain"] for row in local.api.get("/api/email/domains", headers=headers).json()["domains"]]
    assert domain["domain"] not in names
