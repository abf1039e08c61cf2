"""Deleting accounts and domains: the row immediately, the providers' resources by cleanups."""

import json
from typing import Any

import pytest

from kindling.accounts import saga as provisioning
from kindling.errors import AccountsLeft
from kindling.operations import ended
from tests.conftest import Kindling
from tests.harness.lambdas import invoke

ACCOUNTS, DOMAINS = "/api/email/accounts", "/api/email/domains"
EMPTY = {"agentmail": ["domains", "inboxes", "api_keys"], "instantly": ["accounts"], "cloudflare": ["zones", "records"]}


def delete(kindling: Kindling, path: str) -> Any:
    return kindling.api("DELETE", path)


def left(kindling: Kindling) -> dict[str, int]:
    inventory = kindling.world.inventory()
    counts = {kind: len(inventory[provider][kind]) for provider, kinds in EMPTY.items() for kind in kinds}
    return {kind: count for kind, count in counts.items() if count}


def clean(kindling: Kindling) -> int:
    """Run the poller once, and its worker on what it queued."""
    queued = invoke("RunCleanupsFunction", {})["queued"]
    kindling.work("AttemptCleanupFunction", "cleanups")
    return int(queued)


def test_an_account_is_removed_everywhere(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    before = left(kindling)
    account = kindling.account("kim", domain)
    reply = delete(kindling, f"{ACCOUNTS}/{account['id']}")
    assert (reply.status, reply.body) == (200, {"success": True})
    assert left(kindling) == before
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").status == 404
    assert kindling.api.get(ACCOUNTS).body == {"accounts": []}
    assert kindling.api.get("/api/cleanups").body == {"cleanups": []}
    assert kindling.last_execution("DeprovisionAccount").path == [
        "Start", "RetireAccount", "CleanUpWarmupAccount", "CleanUpInbox", "CloseOperation", "Deprovisioned",
    ]  # fmt: skip


def test_the_end_of_a_deleted_account_is_on_record(kindling: Kindling) -> None:
    account = kindling.account()
    delete(kindling, f"{ACCOUNTS}/{account['id']}")
    place = ("kim@acme.example", account["id"])
    assert ended.find([place])[place].user_id == kindling.user_id


def test_a_domain_is_not_done_with_its_accounts_before_none_has_a_row(kindling: Kindling) -> None:
    account = kindling.account()
    with pytest.raises(AccountsLeft):
        provisioning.deprovision_accounts(kindling.user_id, account["domain_id"])
    assert kindling.api.get(ACCOUNTS).body == {"accounts": []}
    provisioning.deprovision_accounts(kindling.user_id, account["domain_id"])


def test_the_address_of_a_deleted_account_is_burnt_for_ever(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    delete(kindling, f"{ACCOUNTS}/{account['id']}")
    reply = kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]})
    assert (reply.status, reply.body["error"]) == (409, "address_burnt")


def test_deleting_again_succeeds_again_for_its_owner_alone(kindling: Kindling) -> None:
    account = kindling.account()
    path = f"{ACCOUNTS}/{account['id']}"
    assert delete(kindling, path).status == 200
    assert delete(kindling, path).body == {"success": True}
    foreign = kindling.other("DELETE", path)
    absent = kindling.other("DELETE", f"{ACCOUNTS}/3c90c3cc-0d44-4b50-8888-8dd25736052a")
    assert (foreign.status, foreign.body) == (absent.status, absent.body)
    assert foreign.status == 404


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("instantly", "DELETE", "/api/v2/accounts/*"),
        ("instantly", "POST", "/api/v2/accounts/warmup/disable"),
        ("agentmail", "DELETE", "/v0/inboxes/*"),
    ],
)
@pytest.mark.parametrize("fault", ["refuse", "timeout_after", "drop_answer"])
def test_a_provider_that_fails_blocks_nobody_and_is_cleaned_up_later(
    kindling: Kindling, provider: str, method: str, path: str, fault: str
) -> None:
    domain = kindling.verified_domain()
    before = left(kindling)
    account = kindling.account("kim", domain)
    details = {"status": 503} if fault == "refuse" else {}
    kindling.world.fault(provider, method, path, fault, **details)
    assert delete(kindling, f"{ACCOUNTS}/{account['id']}").body == {"success": True}
    assert kindling.api.get(ACCOUNTS).body == {"accounts": []}
    kindling.world.heal()
    kindling.clock.advance(minutes=10)
    clean(kindling)
    assert left(kindling) == before
    assert kindling.api.get("/api/cleanups").body == {"cleanups": []}


def test_a_cleanup_tells_why_it_failed_and_backs_off(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.world.fault("instantly", "DELETE", "/api/v2/accounts/*", "refuse", status=503)
    delete(kindling, f"{ACCOUNTS}/{account['id']}")
    waits = []
    for attempt in range(1, 5):
        kindling.clock.advance(hours=1)
        assert clean(kindling) == 1
        cleanup = kindling.api.get("/api/cleanups").body["cleanups"][0]
        assert (cleanup["kind"], cleanup["target"]) == ("warmup_account", "kim@acme.example")
        assert cleanup["attempts"] == attempt
        assert "Instantly" in cleanup["last_error"]
        assert cleanup["stuck"] is False
        from kindling.platform import clock

        waits.append(round((clock.parse(cleanup["next_attempt_at"]) - clock.now()).total_seconds() / 60))
    assert waits == [5, 10, 20, 40]
    assert clean(kindling) == 0


def test_a_cleanup_that_keeps_failing_is_shown_as_stuck_and_never_given_up(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.world.fault("instantly", "DELETE", "/api/v2/accounts/*", "refuse", status=400)
    delete(kindling, f"{ACCOUNTS}/{account['id']}")
    for _ in range(12):
        kindling.clock.advance(hours=7)
        assert clean(kindling) == 1
    cleanup = kindling.api.get("/api/cleanups").body["cleanups"][0]
    assert cleanup["stuck"] is True
    kindling.world.heal()
    kindling.clock.advance(hours=7)
    clean(kindling)
    assert kindling.api.get("/api/cleanups").body == {"cleanups": []}
    assert "accounts" not in left(kindling)


def test_only_the_tenant_sees_its_cleanups(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=503)
    delete(kindling, f"{ACCOUNTS}/{account['id']}")
    assert "inbox" in {cleanup["kind"] for cleanup in kindling.api.get("/api/cleanups").body["cleanups"]}
    assert kindling.other.get("/api/cleanups").body == {"cleanups": []}


def test_a_domain_goes_with_its_records_accounts_and_registration(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    for username in ("one", "two", "three"):
        kindling.account(username, domain)
    reply = delete(kindling, f"{DOMAINS}/{domain['id']}")
    assert (reply.status, reply.body) == (200, {"success": True})
    assert left(kindling) == {}
    assert kindling.api.get(DOMAINS).body == {"domains": []}
    assert kindling.api.get(ACCOUNTS).body == {"accounts": []}
    assert kindling.api.get("/api/cleanups").body == {"cleanups": []}
    assert delete(kindling, f"{DOMAINS}/{domain['id']}").body == {"success": True}


def test_records_of_the_users_stay(kindling: Kindling) -> None:
    import httpx

    domain = kindling.verified_domain()
    zone = kindling.api.get(f"{DOMAINS}/{domain['id']}/dns-records").body["cloudflare"]["zoneId"]
    record = {"type": "A", "name": "www.acme.example", "content": "192.0.2.1", "ttl": 300}
    url = f"http://sandbox/client/v4/zones/{zone}/dns_records"
    made = httpx.Request("POST", url, json=record, headers={"Authorization": "Bearer cf_test"})
    assert kindling.world.sandbox.handle(made).is_success
    delete(kindling, f"{DOMAINS}/{domain['id']}")
    assert [r["name"] for r in kindling.world.inventory()["cloudflare"]["records"]] == ["www.acme.example"]


def test_a_deleted_domain_can_be_registered_again_by_anybody(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    delete(kindling, f"{DOMAINS}/{domain['id']}")
    assert kindling.other.post(DOMAINS, {"domain": "acme.example"}).status == 201


def test_deleting_a_lost_registration_leaves_the_winners_domain_alone(kindling: Kindling) -> None:
    kindling.api.post(DOMAINS, {"domain": "acme.example"})
    loser = kindling.other.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    kindling.clock.advance(seconds=30)
    assert kindling.api.get(DOMAINS).body["domains"][0]["status"] == "verified"
    assert kindling.other("DELETE", f"{DOMAINS}/{loser['id']}").body == {"success": True}
    assert kindling.api.get(DOMAINS).body["domains"][0]["status"] == "verified"
    assert kindling.other.post(DOMAINS, {"domain": "acme.example"}).body["error"] == "domain_taken"


def test_a_domain_with_three_accounts_goes_while_instantly_is_down(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    for username in ("one", "two", "three"):
        kindling.account(username, domain)
    kindling.world.fault("instantly", "DELETE", "/api/v2/*", "refuse", status=503)
    kindling.world.fault("instantly", "GET", "/api/v2/*", "refuse", status=503)
    kindling.world.fault("instantly", "POST", "/api/v2/*", "refuse", status=503)
    reply = delete(kindling, f"{DOMAINS}/{domain['id']}")
    assert (reply.status, reply.body) == (200, {"success": True})
    assert kindling.api.get(ACCOUNTS).body == {"accounts": []}
    kindling.world.heal()
    for _ in range(6):
        kindling.clock.advance(minutes=30)
        clean(kindling)
    assert left(kindling) == {}
    assert kindling.api.get("/api/cleanups").body == {"cleanups": []}


def test_an_account_that_is_made_while_its_domain_goes_is_undone(kindling: Kindling) -> None:
    domain = kindling.verified_domain()

    def meanwhile(real: Any, event: Any) -> Any:
        assert delete(kindling, f"{DOMAINS}/{domain['id']}").status == 200
        return real(event, None)

    kindling.lambdas.overrides["SaveAccountFunction"] = meanwhile
    reply = kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]})
    assert (reply.status, reply.body["error"]) == (404, "not_found")
    for _ in range(3):
        kindling.clock.advance(minutes=30)
        clean(kindling)
    assert left(kindling) == {}


def test_an_account_deleted_while_its_warmup_is_retried_leaves_no_warmup(kindling: Kindling) -> None:
    kindling.world.fault("instantly", "POST", "/api/v2/accounts/warmup/enable", "refuse", status=500)
    account = kindling.account()
    kindling.world.heal()
    from kindling.accounts import warmup

    real = warmup.confirm

    def meanwhile(address: str, *, within_seconds: float = 0) -> None:
        real(address, within_seconds=within_seconds)
        assert delete(kindling, f"{ACCOUNTS}/{account['id']}").status == 200

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warmup, "confirm", meanwhile)
        reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}/retry-warmup")
    assert reply.status == 404
    assert [c["kind"] for c in kindling.api.get("/api/cleanups").body["cleanups"]] == ["warmup_account"]
    kindling.clock.advance(minutes=10)
    clean(kindling)
    assert kindling.api.get("/api/cleanups").body == {"cleanups": []}
    assert "accounts" not in left(kindling)


def test_a_test_key_deletes_nothing(kindling: Kindling) -> None:
    account = kindling.account()
    assert kindling.test_api("DELETE", f"{ACCOUNTS}/{account['id']}").status == 403
    assert kindling.test_api("DELETE", f"{DOMAINS}/{account['domain_id']}").status == 403
    assert len(kindling.world.inventory()["agentmail"]["inboxes"]) == 1


def test_a_deletion_that_died_is_resumed_by_the_reconciler(kindling: Kindling) -> None:
    account = kindling.account()
    from tests.harness.machines import Died

    def dies(real: Any, event: Any) -> Any:
        raise Died("States.Runtime")

    kindling.lambdas.overrides["RetireAccountFunction"] = dies
    reply = kindling.api("DELETE", f"{ACCOUNTS}/{account['id']}", headers={"Prefer": "respond-async"})
    assert reply.status == 202
    kindling.lambdas.overrides.clear()
    kindling.clock.advance(hours=12)
    assert invoke("ReconcileOperationsFunction", {})["undone"] == 1
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").status == 404
    assert json.dumps(left(kindling)).count("inboxes") == 0
