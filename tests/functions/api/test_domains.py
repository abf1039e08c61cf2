"""The routes of /api/email/domains."""

from typing import Any

import pytest

from tests.conftest import Kindling

DOMAINS = "/api/email/domains"
FIELDS = {
    "id",
    "user_id",
    "domain",
    "agentmail_domain_id",
    "status",
    "dns_records",
    "verified_at",
    "created_at",
    "updated_at",
}


def create(kindling: Kindling, name: str = "acme.example") -> dict[str, Any]:
    reply = kindling.api.post(DOMAINS, {"domain": name})
    assert reply.status == 201, reply.body
    domain: dict[str, Any] = reply.body["domain"]
    return domain


def test_a_domain_has_every_field_of_the_contract(kindling: Kindling) -> None:
    domain = create(kindling, "  Mail.ACME.Example. ")
    assert set(domain) >= FIELDS
    assert domain["domain"] == domain["agentmail_domain_id"] == "mail.acme.example"
    assert domain["user_id"] == kindling.user_id
    assert all(set(record) <= {"type", "name", "value", "priority"} for record in domain["dns_records"])
    assert {record["type"] for record in domain["dns_records"]} == {"TXT", "MX"}


@pytest.mark.parametrize(
    "name",
    ["", "acme", "acme..example", "-acme.example", "acme.example/x", "a" * 64 + ".example", "ac me.example", 7, None],
)
def test_what_is_no_domain_name_is_refused(kindling: Kindling, name: object) -> None:
    reply = kindling.api.post(DOMAINS, {"domain": name})
    assert (reply.status, reply.body["fields"][0]["field"]) == (400, "domain")


def test_the_same_domain_twice_is_a_conflict(kindling: Kindling) -> None:
    create(kindling)
    reply = kindling.api.post(DOMAINS, {"domain": "ACME.example"})
    assert (reply.status, reply.body["error"]) == (409, "domain_exists")


def test_another_tenants_unverified_registration_blocks_nobody(kindling: Kindling) -> None:
    create(kindling)
    assert kindling.other.post(DOMAINS, {"domain": "acme.example"}).status == 201


def test_another_tenants_verified_name_is_a_conflict(kindling: Kindling) -> None:
    kindling.verified_domain()
    reply = kindling.other.post(DOMAINS, {"domain": "acme.example"})
    assert (reply.status, reply.body["error"]) == (409, "domain_taken")


def test_of_two_tenants_with_one_name_the_first_to_verify_wins(kindling: Kindling) -> None:
    create(kindling)
    second = kindling.other.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    kindling.clock.advance(seconds=30)
    assert kindling.api.get(DOMAINS).body["domains"][0]["status"] == "verified"
    lost = kindling.other.get(DOMAINS).body["domains"][0]
    assert (lost["id"], lost["status"]) == (second["id"], "pending")
    assert "_kindling.acme.example" in lost["status_reason"]


def test_the_list_is_newest_first_and_only_ones_own(kindling: Kindling) -> None:
    for name in ("one.example", "two.example", "three.example"):
        create(kindling, name)
        kindling.clock.advance(seconds=1)
    kindling.other.post(DOMAINS, {"domain": "four.example"})
    listed = kindling.api.get(DOMAINS, skip_sync="true").body["domains"]
    assert [domain["domain"] for domain in listed] == ["three.example", "two.example", "one.example"]


def test_the_list_shows_what_the_provider_says_now(kindling: Kindling) -> None:
    create(kindling)
    kindling.clock.advance(seconds=30)
    assert kindling.api.get(DOMAINS, skip_sync="true").body["domains"][0]["status"] == "verifying"
    domain = kindling.api.get(DOMAINS).body["domains"][0]
    assert domain["status"] == "verified"
    assert domain["verified_at"] is not None
    assert kindling.api.get(DOMAINS, skip_sync="true").body["domains"][0]["status"] == "verified"


def test_a_provider_that_fails_leaves_the_list_as_it_is(kindling: Kindling) -> None:
    create(kindling)
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=500)
    reply = kindling.api.get(DOMAINS)
    assert (reply.status, reply.body["domains"][0]["status"]) == (200, "verifying")


def test_a_flag_without_a_value_is_set(kindling: Kindling) -> None:
    create(kindling)
    kindling.clock.advance(seconds=30)
    assert kindling.api.get(DOMAINS, skip_sync="").body["domains"][0]["status"] == "verifying"


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_a_skip_sync_that_is_neither_is_refused(kindling: Kindling, value: str) -> None:
    assert kindling.api.get(DOMAINS, skip_sync=value).status == 400


def test_a_pending_domain_becomes_verified_once_its_owner_adds_the_records(kindling: Kindling) -> None:
    domain = create(kindling, "external-acme.example")
    assert domain["status"] == "pending"
    triggered = kindling.api.post(f"{DOMAINS}/{domain['id']}/verify")
    assert triggered.body["domain"]["status"] == "verifying"
    (proof,) = (record for record in domain["dns_records"] if record["name"].startswith("_kindling."))
    dns_txt = {proof["name"]: [proof["value"]]}
    kindling.world.set(external_dns={"external-acme.example": "ready"}, dns_txt=dns_txt)
    kindling.api("POST", f"{DOMAINS}/{domain['id']}/verify", query={"poll": "true"})
    kindling.clock.advance(seconds=30)
    polled = kindling.api("POST", f"{DOMAINS}/{domain['id']}/verify", query={"poll": "true"})
    assert polled.body["domain"]["status"] == "verified"


def test_polling_triggers_nothing(kindling: Kindling) -> None:
    domain = create(kindling, "external-acme.example")
    polled = kindling.api("POST", f"{DOMAINS}/{domain['id']}/verify", query={"poll": "true"})
    assert polled.body["domain"]["status"] == "pending"
    assert kindling.world.inventory()["agentmail"]["domains"][0]["status"] == "NOT_STARTED"


def test_a_provider_failure_while_verifying_is_told(kindling: Kindling) -> None:
    domain = create(kindling)
    kindling.world.fault("agentmail", "POST", "/v0/domains/acme.example/verify", "refuse", status=503)
    reply = kindling.api.post(f"{DOMAINS}/{domain['id']}/verify")
    assert (reply.status, reply.body["error"]) == (502, "provider_unavailable")
    assert kindling.api.get(f"{DOMAINS}/{domain['id']}").body["domain"]["status"] == "verifying"


def test_a_failure_that_the_provider_reports_is_shown_with_its_reason(kindling: Kindling) -> None:
    domain = create(kindling)
    kindling.world.set(domain_states={"acme.example": {"status": "FAILED", "reason": "ses_dkim_failed"}})
    shown = kindling.api("POST", f"{DOMAINS}/{domain['id']}/verify", query={"poll": "true"}).body["domain"]
    assert (shown["status"], shown["status_reason"]) == ("failed", "ses_dkim_failed")


def test_a_verified_domain_stays_verified_when_it_is_triggered_again(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    reply = kindling.api.post(f"{DOMAINS}/{domain['id']}/verify")
    assert (reply.status, reply.body["domain"]["status"]) == (200, "verified")


def test_a_record_of_the_users_is_never_overwritten(kindling: Kindling) -> None:
    theirs = {"type": "TXT", "name": "_dmarc.acme.example", "content": '"v=DMARC1; p=none"', "ttl": 300}
    zone = put_record(kindling, theirs)
    domain = create(kindling)
    assert domain["status"] == "pending"
    assert domain["dns_sync"]["status"] == "conflict"
    assert domain["dns_sync"]["zone"] == "acme.example"
    conflict = domain["dns_sync"]["conflicts"][0]
    assert (conflict["name"], conflict["found"]) == ("_dmarc.acme.example", "TXT v=DMARC1; p=none")
    records = kindling.world.inventory()["cloudflare"]["records"]
    assert [record["content"] for record in records] == ['"v=DMARC1; p=none"']
    assert zone


def test_a_record_that_stands_already_is_left_alone(kindling: Kindling) -> None:
    put_record(
        kindling,
        {"type": "TXT", "name": "mail.acme.example", "content": "v=spf1 include:amazonses.com -all", "ttl": 300},
    )
    put_record(kindling, {"type": "TXT", "name": "acme.example", "content": "google-site-verification=1", "ttl": 300})
    domain = create(kindling)
    assert domain["dns_sync"]["status"] == "published"
    records = kindling.world.inventory()["cloudflare"]["records"]
    assert len(records) == len(domain["dns_records"]) + 1


def test_a_test_key_reads_and_provisions_nothing(kindling: Kindling) -> None:
    domain = create(kindling)
    assert kindling.test_api.get(DOMAINS).body["domains"][0]["id"] == domain["id"]
    reply = kindling.test_api.post(DOMAINS, {"domain": "two.example"})
    assert (reply.status, reply.body["error"]) == (403, "live_key_required")
    assert kindling.test_api.post(f"{DOMAINS}/{domain['id']}/verify").status == 403


def test_a_caller_that_prefers_not_to_wait_is_told_where_to_ask(kindling: Kindling) -> None:
    reply = kindling.api.post(DOMAINS, {"domain": "acme.example"}, Prefer="respond-async")
    assert reply.status == 202
    operation = kindling.api.get(reply.headers["Location"]).body["operation"]
    assert operation["id"] == reply.body["operation"]["id"]
    assert (operation["state"], operation["kind"], operation["name"]) == ("succeeded", "onboard_domain", "acme.example")
    assert ":execution:" in operation["execution_arn"]


def test_an_operation_tells_the_step_it_is_at(kindling: Kindling) -> None:
    seen = []

    def look(real: Any, event: Any) -> Any:
        seen.append(kindling.api.get(f"/api/operations/{event['saga']['operation_id']}").body["operation"])
        return real(event, None)

    kindling.lambdas.overrides["RegisterDomainFunction"] = look
    create(kindling)
    assert (seen[0]["state"], seen[0]["current_step"]) == ("running", "RegisterDomain")


def test_a_failed_operation_tells_its_error(kindling: Kindling) -> None:
    kindling.world.fault("agentmail", "POST", "/v0/domains", "refuse", status=422)
    reply = kindling.api.post(DOMAINS, {"domain": "acme.example"}, Prefer="respond-async")
    operation = kindling.api.get(reply.headers["Location"]).body["operation"]
    assert operation["state"] == "failed"
    assert operation["error"]["code"] == "provider_refused"
    assert operation["error"]["step"] == "RegisterDomain"


def test_times_are_utc_to_the_millisecond(kindling: Kindling) -> None:
    domain = create(kindling)
    assert domain["created_at"].endswith("Z")
    assert len(domain["created_at"]) == len("2026-03-01T09:00:00.000Z")


def put_record(kindling: Kindling, record: dict[str, Any]) -> str:
    import httpx

    def cloudflare(method: str, path: str, **parts: Any) -> Any:
        headers = {"Authorization": "Bearer cf_test"}
        request = httpx.Request(method, f"http://sandbox/client/v4{path}", headers=headers, **parts)
        return kindling.world.sandbox.handle(request).json()["result"]

    zone = str(cloudflare("GET", "/zones", params={"name": "acme.example"})[0]["id"])
    cloudflare("POST", f"/zones/{zone}/dns_records", json=record)
    return zone
