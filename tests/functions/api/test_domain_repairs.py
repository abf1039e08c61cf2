"""What a provider has lost of a domain, made anew: by a verification, or for its DNS records alone."""

from typing import Any

import httpx
import pytest

from kindling.domains import registrations, zones
from kindling.platform import aws
from kindling.platform.settings import settings
from kindling.providers import client as provider_client
from kindling.providers.model import canonical_value
from tests.conftest import Kindling
from tests.harness.lambdas import Api, Reply

DOMAINS = "/api/email/domains"
NAME, EXTERNAL = "acme.example", "external-acme.example"
DMARC = f"_dmarc.{NAME}"
THEIRS = {"type": "TXT", "name": DMARC, "content": '"v=DMARC1; p=reject"', "ttl": 300}
BASES = {"agentmail": ("/v0", "am_us_test"), "cloudflare": ("/client/v4", "cf_test")}
NO_PLAN: dict[str, Any] = {"add": [], "remove": [], "conflicts": []}


def ask(kindling: Kindling, provider: str, method: str, path: str, body: Any = None) -> Any:
    """A call of somebody else's at a provider."""
    base, key = BASES[provider]
    headers = {"Authorization": f"Bearer {key}"}
    request = httpx.Request(method, f"http://sandbox{base}{path}", json=body, headers=headers)
    answer = kindling.world.sandbox.handle(request)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def deregister(kindling: Kindling, name: str = NAME) -> None:
    ask(kindling, "agentmail", "DELETE", f"/domains/{name}")


def zone(kindling: Kindling) -> list[Any]:
    """The records that stand in the zones."""
    found: list[Any] = kindling.world.inventory()["cloudflare"]["records"]
    return found


def values(kindling: Kindling) -> list[tuple[str, str]]:
    return sorted((record["name"], canonical_value(record["type"], record["content"])) for record in zone(kindling))


def remove_record(kindling: Kindling, name: str) -> None:
    (record,) = (record for record in zone(kindling) if record["name"] == name)
    ask(kindling, "cloudflare", "DELETE", f"/zones/{zone_id(kindling)}/dns_records/{record['id']}")


def put_record(kindling: Kindling, record: dict[str, Any]) -> None:
    ask(kindling, "cloudflare", "POST", f"/zones/{zone_id(kindling)}/dns_records", record)


def zone_id(kindling: Kindling) -> str:
    return str(ask(kindling, "cloudflare", "GET", f"/zones?name={NAME}")["result"][0]["id"])


def registered(kindling: Kindling) -> list[str]:
    return [domain["domain"] for domain in kindling.world.inventory()["agentmail"]["domains"]]


def create(api: Api, name: str = NAME) -> dict[str, Any]:
    reply = api.post(DOMAINS, {"domain": name})
    assert reply.status == 201, reply.body
    domain: dict[str, Any] = reply.body["domain"]
    return domain


def shown(api: Api, domain: dict[str, Any]) -> Any:
    return api.get(f"{DOMAINS}/{domain['id']}").body["domain"]


def verify(api: Api, domain: dict[str, Any], family: str = DOMAINS) -> Any:
    reply = api.post(f"{family}/{domain['id']}/verify")
    assert reply.status == 200, reply.body
    return shown(api, domain)


def sync(kindling: Kindling, domain: dict[str, Any], *, dry_run: bool = False) -> Reply:
    query = {"dry_run": "true"} if dry_run else None
    return kindling.api("POST", f"{DOMAINS}/{domain['id']}/dns-records/sync", query=query)


def rows(kindling: Kindling) -> list[str]:
    """All but the audit log, which tells of a dry run too."""
    items: list[Any] = aws.table().scan()["Items"]
    kept = [item for item in items if "#AUDIT#" not in item["pk"]]
    return sorted(repr(item) for item in kept if item["pk"].startswith(("TENANT#", "ZONE#", "DOMAIN#")))


def wanted(domain: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((record["name"], record["value"]) for record in domain["dns_records"])


# --- verify ---


@pytest.mark.parametrize("family", [DOMAINS, "/v1/domains"])
def test_a_domain_that_the_provider_has_lost_is_registered_and_published_anew(kindling: Kindling, family: str) -> None:
    before = kindling.verified_domain()
    deregister(kindling)
    after = verify(kindling.api, before, family)
    assert after["status"] == "verifying"
    assert registered(kindling) == [NAME]
    # The new registration has a key of its own: its record stands in place of the old one.
    assert wanted(after) != wanted(before)
    assert values(kindling) == wanted(after)
    assert after["dns_sync"]["status"] == "published"
    kindling.clock.advance(seconds=30)
    kindling.api("POST", f"{DOMAINS}/{before['id']}/verify", query={"poll": "true"})
    assert shown(kindling.api, before)["status"] == "verified"


def test_polling_registers_and_publishes_nothing(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    remove_record(kindling, DMARC)
    deregister(kindling)
    before = zone(kindling)
    reply = kindling.api("POST", f"{DOMAINS}/{domain['id']}/verify", query={"poll": "true"})
    assert reply.status == 200
    assert (registered(kindling), zone(kindling)) == ([], before)


def test_a_record_that_somebody_removed_is_published_again(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    remove_record(kindling, DMARC)
    others = [record["id"] for record in zone(kindling)]
    assert wanted(verify(kindling.api, domain)) == values(kindling)
    assert [record["id"] for record in zone(kindling)][: len(others)] == others


def test_a_conflict_in_the_zone_leaves_it_alone_and_is_told(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    remove_record(kindling, DMARC)
    put_record(kindling, THEIRS)
    deregister(kindling)
    before = zone(kindling)
    after = verify(kindling.api, domain)
    assert (registered(kindling), zone(kindling)) == ([NAME], before)
    assert after["dns_sync"]["status"] == "conflict"
    assert [conflict["name"] for conflict in after["dns_sync"]["conflicts"]] == [DMARC]
    assert wanted(after) != values(kindling)


def test_a_conflict_that_is_gone_is_gone_from_the_row_too(kindling: Kindling) -> None:
    put_record(kindling, THEIRS)
    domain = create(kindling.api)
    assert domain["dns_sync"]["status"] == "conflict"
    remove_record(kindling, DMARC)
    after = verify(kindling.api, domain)
    assert after["dns_sync"] == {"status": "published", "zone": NAME, "message": None, "conflicts": []}
    assert values(kindling) == wanted(after)


def test_nothing_is_written_into_a_zone_that_is_not_bound_to_the_tenant(kindling: Kindling) -> None:
    create(kindling.other)
    domain = create(kindling.api, f"mail.{NAME}")
    deregister(kindling, f"mail.{NAME}")
    before = zone(kindling)
    after = verify(kindling.api, domain)
    assert f"mail.{NAME}" in registered(kindling)
    assert zone(kindling) == before
    assert (after["dns_sync"]["status"], after["dns_sync"]["message"]) == ("skipped", zones.NOT_BOUND)
    assert after["status"] == "verifying"


def test_a_zone_that_was_bound_since_gets_the_records(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONE_BINDING", zones.OPERATOR)
    settings.cache_clear()
    domain = create(kindling.api)
    assert (domain["dns_sync"]["status"], zone(kindling)) == ("skipped", [])
    zones.bind(NAME, kindling.user_id)
    assert wanted(verify(kindling.api, domain)) == values(kindling)


def test_tenants_that_share_a_registration_share_the_new_one(kindling: Kindling) -> None:
    mine, theirs = create(kindling.api, EXTERNAL), create(kindling.other, EXTERNAL)
    deregister(kindling, EXTERNAL)
    verify(kindling.api, mine)
    verify(kindling.other, theirs)
    assert registered(kindling) == [EXTERNAL]
    assert kindling.api("DELETE", f"{DOMAINS}/{mine['id']}").status == 200
    assert registered(kindling) == [EXTERNAL]
    assert kindling.other("DELETE", f"{DOMAINS}/{theirs['id']}").status == 200
    assert registered(kindling) == []


def test_a_registration_that_was_not_ours_is_ours_once_we_made_it_anew(kindling: Kindling) -> None:
    ask(kindling, "agentmail", "POST", "/domains", {"domain": EXTERNAL})
    domain = create(kindling.api, EXTERNAL)
    assert registrations.by_name([EXTERNAL])[EXTERNAL].origin == registrations.FOUND
    deregister(kindling, EXTERNAL)
    verify(kindling.api, domain)
    note = registrations.by_name([EXTERNAL])[EXTERNAL]
    assert (note.origin, note.holders) == (registrations.CREATED, [(kindling.user_id, domain["id"])])
    assert kindling.api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    assert registered(kindling) == []


def test_a_registration_that_somebody_made_by_hand_meanwhile_is_joined(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    deregister(kindling)
    ask(kindling, "agentmail", "POST", "/domains", {"domain": NAME})
    assert wanted(verify(kindling.api, domain)) == values(kindling)


@pytest.mark.parametrize("fault", ["refuse", "timeout_after", "drop_answer"])
@pytest.mark.parametrize("call", [("GET", "/client/v4/zones"), ("GET", "/client/v4/zones/*"), ("POST", "/client/v4/*")])
def test_a_dns_provider_that_fails_is_told_and_fails_no_verification(
    kindling: Kindling, call: tuple[str, str], fault: str
) -> None:
    domain = kindling.verified_domain()
    deregister(kindling)
    details: dict[str, Any] = {"status": 503} if fault == "refuse" else {}
    kindling.world.fault("cloudflare", *call, fault, **details)
    after = verify(kindling.api, domain)
    assert (after["status"], after["dns_sync"]["status"]) == ("verifying", "failed")
    assert "Cloudflare" in after["dns_sync"]["message"]
    kindling.world.heal()
    # The circuit to a provider that failed repeatedly is open for ten seconds.
    kindling.clock.advance(seconds=10)
    after = verify(kindling.api, domain)
    assert after["dns_sync"]["status"] == "published"
    assert values(kindling) == wanted(after)


def test_a_registration_that_is_refused_leaves_row_and_zone_alone(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    deregister(kindling)
    before = zone(kindling)
    kindling.world.fault("agentmail", "POST", "/v0/domains", "refuse", status=422)
    reply = kindling.api.post(f"{DOMAINS}/{domain['id']}/verify")
    assert (reply.status, reply.body["error"]) == (502, "provider_refused")
    assert (shown(kindling.api, domain), zone(kindling)) == (domain, before)


@pytest.mark.parametrize("route", ["verify", "dns-records/sync"])
def test_what_is_restored_for_a_domain_that_is_deleted_meanwhile_is_removed_again(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    sandbox = kindling.world.sandbox
    deletions: list[Reply] = []

    def meanwhile(request: httpx.Request) -> httpx.Response:
        if deleting and request.url.path.endswith("/batch"):
            path = deleting.pop()
            deletions.append(kindling.api("DELETE", path))
        return sandbox.handle(request)

    deleting: list[str] = []
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(meanwhile))
    domain = kindling.verified_domain()
    remove_record(kindling, DMARC)
    deleting.append(f"{DOMAINS}/{domain['id']}")
    assert kindling.api.post(f"{DOMAINS}/{domain['id']}/{route}").status == 404
    assert [reply.status for reply in deletions] == [200]
    assert values(kindling) != []
    kindling.run_cleanups()
    assert (registered(kindling), zone(kindling), zones.list_bindings()) == ([], [], [])


# --- dns-records/sync ---


def test_a_dry_run_tells_the_plan_and_writes_nothing(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    remove_record(kindling, DMARC)
    before = rows(kindling), zone(kindling)
    reply = sync(kindling, domain, dry_run=True)
    (missing,) = (record for record in domain["dns_records"] if record["name"] == DMARC)
    assert (reply.status, reply.body) == (
        200,
        {
            "domain": {"id": domain["id"], "domain": NAME, "status": "verified"},
            "dns_sync": {"status": "planned", "zone": NAME, "message": "Nothing was written.", "conflicts": []},
            "plan": {"add": [missing], "remove": [], "conflicts": []},
            "dry_run": True,
        },
    )
    assert (rows(kindling), zone(kindling)) == before


def test_a_sync_does_what_its_dry_run_said_and_then_nothing_more(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    deregister(kindling)
    ask(kindling, "agentmail", "POST", "/domains", {"domain": NAME})
    planned = sync(kindling, domain, dry_run=True).body
    assert [record["name"] for record in planned["plan"]["add"]] == [f"agentmail._domainkey.{NAME}"]
    assert [record["name"] for record in planned["plan"]["remove"]] == [f"agentmail._domainkey.{NAME}"]
    assert set(planned["plan"]["remove"][0]) == {"id", "type", "name", "value", "priority", "ttl", "proxied"}
    done = sync(kindling, domain).body
    assert (done["plan"], done["dry_run"]) == (planned["plan"], False)
    assert done["dns_sync"] == {"status": "published", "zone": NAME, "message": None, "conflicts": []}
    assert values(kindling) == wanted(shown(kindling.api, domain))
    assert sync(kindling, domain).body["plan"] == NO_PLAN


def test_a_sync_checks_nothing_and_leaves_the_status(kindling: Kindling) -> None:
    put_record(kindling, THEIRS)
    domain = create(kindling.api)
    remove_record(kindling, DMARC)
    assert sync(kindling, domain).body["dns_sync"]["status"] == "published"
    assert shown(kindling.api, domain)["status"] == "pending"
    assert kindling.world.inventory()["agentmail"]["domains"][0]["status"] == "NOT_STARTED"


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_conflict_is_told_and_nothing_is_published(kindling: Kindling, dry_run: bool) -> None:
    domain = kindling.verified_domain()
    remove_record(kindling, DMARC)
    remove_record(kindling, f"_kindling.{NAME}")
    put_record(kindling, THEIRS)
    before = zone(kindling)
    reply = sync(kindling, domain, dry_run=dry_run)
    assert (reply.body["dns_sync"]["status"], zone(kindling)) == ("conflict", before)
    (conflict,) = reply.body["plan"]["conflicts"]
    assert (conflict["name"], conflict["found"]) == (DMARC, "TXT v=DMARC1; p=reject")
    assert reply.body["dns_sync"]["conflicts"] == [conflict]
    assert shown(kindling.api, domain)["dns_sync"]["status"] == ("published" if dry_run else "conflict")


def test_a_dry_run_binds_no_zone(kindling: Kindling) -> None:
    first = create(kindling.other)
    domain = create(kindling.api, f"mail.{NAME}")
    skipped = sync(kindling, domain, dry_run=True).body
    assert (skipped["dns_sync"]["status"], skipped["dns_sync"]["message"]) == ("skipped", zones.NOT_BOUND)
    assert skipped["plan"] == NO_PLAN
    kindling.other("DELETE", f"{DOMAINS}/{first['id']}")
    planned = sync(kindling, domain, dry_run=True).body
    assert (planned["dns_sync"]["status"], zones.list_bindings()) == ("planned", [])
    assert len(planned["plan"]["add"]) == len(domain["dns_records"])
    assert sync(kindling, domain).body["dns_sync"]["status"] == "published"
    assert zones.is_bound(NAME, kindling.user_id)


def test_a_dry_run_does_not_promise_a_zone_that_only_the_operator_binds(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZONE_BINDING", zones.OPERATOR)
    settings.cache_clear()
    domain = create(kindling.api)
    assert sync(kindling, domain, dry_run=True).body["dns_sync"]["status"] == "skipped"
    zones.bind(NAME, kindling.user_id)
    assert sync(kindling, domain, dry_run=True).body["dns_sync"]["status"] == "planned"


def test_a_dry_run_writes_no_challenge_onto_a_row_that_has_none(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    key = {"pk": f"TENANT#{kindling.user_id}", "sk": f"DOMAIN#{domain['id']}"}
    aws.table().update_item(Key=key, UpdateExpression="REMOVE ownership")
    before = rows(kindling)
    assert sync(kindling, domain, dry_run=True).body["plan"] == NO_PLAN
    assert rows(kindling) == before
    assert sync(kindling, domain).body["plan"] == NO_PLAN


def test_what_the_mail_provider_has_lost_is_not_published(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    deregister(kindling)
    before = zone(kindling)
    reply = sync(kindling, domain)
    assert (reply.status, reply.body["dns_sync"]["status"], reply.body["plan"]) == (200, "failed", NO_PLAN)
    assert "verify it" in reply.body["dns_sync"]["message"]
    assert shown(kindling.api, domain)["dns_records"] == domain["dns_records"]
    assert (registered(kindling), zone(kindling)) == ([], before)


def test_a_dns_provider_that_fails_is_told_by_a_sync(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    remove_record(kindling, DMARC)
    kindling.world.fault("cloudflare", "POST", "/client/v4/*", "refuse", status=400)
    assert sync(kindling, domain, dry_run=True).body["dns_sync"]["status"] == "planned"
    reply = sync(kindling, domain)
    assert (reply.status, reply.body["dns_sync"]["status"], reply.body["plan"]) == (200, "failed", NO_PLAN)
    assert shown(kindling.api, domain)["dns_sync"] == reply.body["dns_sync"]


def test_a_mail_provider_that_does_not_tell_the_records_fails_a_sync(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=503)
    assert sync(kindling, domain).status == 502
    assert shown(kindling.api, domain) == domain


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_test_key_syncs_nothing(kindling: Kindling, dry_run: bool) -> None:
    domain = kindling.verified_domain()
    query = {"dry_run": "true"} if dry_run else None
    reply = kindling.test_api("POST", f"{DOMAINS}/{domain['id']}/dns-records/sync", query=query)
    assert (reply.status, reply.body["error"]) == (403, "live_key_required")


def test_a_dry_run_is_never_replayed_for_the_real_thing(kindling: Kindling) -> None:
    path = f"{DOMAINS}/{kindling.verified_domain()['id']}/dns-records/sync"
    headers = {"Idempotency-Key": "k1"}
    assert kindling.api("POST", path, headers=headers, query={"dry_run": "true"}).body["dry_run"]
    reply = kindling.api("POST", path, headers=headers)
    assert (reply.status, reply.body["error"]) == (422, "idempotency_key_reused")
