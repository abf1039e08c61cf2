"""Graduation and deletion over HTTP, with concurrent callers and pollers."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

ANALYTICS = "/api/email/accounts/warmup-analytics"


def accounts(local: Local, count: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Create a domain and warming accounts, one after the other: the provider runs one job at a time."""
    domain = local.new_domain()
    made = []
    for number in range(count):
        body = {"username": f"sender{number}", "domain_id": domain["id"]}
        created = local.api.post("/api/email/accounts", json=body)
        assert created.json()["account"]["status"] == "warming", created.text
        made.append(created.json()["account"])
    return domain, made


def test_two_callers_and_the_poller_concurrently_move_each_account_once(local: Local) -> None:
    _, made = accounts(local, 3)
    local.advance(days=30)
    with ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(lambda: local.api.get(ANALYTICS).json()["transitions"]) for _ in range(2)]
        poller = pool.submit(local.tick, "graduate-accounts")
        responses = [caller.result() for caller in callers]
        assert poller.result()["queued"] >= 0
    ids = {account["id"] for account in made}
    for identity in ids:
        assert sum(identity in transitions for transitions in responses) <= 1
        shown = local.api.get(f"/api/email/accounts/{identity}").json()["account"]
        assert (shown["status"], shown["warmup_status"]) == ("active", "active")
    assert not ids & set(local.api.get(ANALYTICS).json()["transitions"])


def test_a_domain_with_three_accounts_is_deleted_while_instantly_is_down(local: Local) -> None:
    domain, made = accounts(local, 3)
    for method in ("GET", "POST", "DELETE"):
        local.fault("instantly", method, "/api/v2/*", "refuse", status=503)
    deleted = local.api.delete(f"/api/email/domains/{domain['id']}")
    assert (deleted.status_code, deleted.json()) == (200, {"success": True})
    assert local.api.get(f"/api/email/domains/{domain['id']}").status_code == 404
    for account in made:
        assert local.api.get(f"/api/email/accounts/{account['id']}").status_code == 404
    local.heal()
    deadline = time.monotonic() + 90
    while left(local, domain["domain"]) and time.monotonic() < deadline:
        local.advance(hours=1)
        local.tick("run-cleanups")
        time.sleep(3)
    assert left(local, domain["domain"]) == []
    assert local.api.delete(f"/api/email/domains/{domain['id']}").json() == {"success": True}


def left(local: Local, name: str) -> list[str]:
    """The provider resources and cleanups that are left of a domain."""
    inventory = local.inventory()
    found = [f"inbox {row['email']}" for row in inventory["agentmail"]["inboxes"] if row["email"].endswith(name)]
    found += [f"account {row['email']}" for row in inventory["instantly"]["accounts"] if row["email"].endswith(name)]
    found += [f"domain {row['domain']}" for row in inventory["agentmail"]["domains"] if row["domain"] == name]
    found += [f"record {row['name']}" for row in inventory["cloudflare"]["records"] if row["zone_name"] == name]
    cleanups = local.api.get("/api/cleanups").json()["cleanups"]
    return found + [f"cleanup {row['kind']} {row['target']}" for row in cleanups if row["target"].endswith(name)]
