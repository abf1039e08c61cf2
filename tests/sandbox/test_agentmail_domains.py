"""Domains are verified by their records in the sandbox's zones, after a delay."""

from typing import Any

import httpx
import pytest

from tests.sandbox.resources import Time, inbox, publish, verified_domain, zone_id


def create(agentmail: httpx.Client, name: str = "acme.example", **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = agentmail.post("/domains", json={"domain": name, **body}).raise_for_status().json()
    return answer


def shown(agentmail: httpx.Client, name: str = "acme.example") -> dict[str, Any]:
    answer: dict[str, Any] = agentmail.get(f"/domains/{name}").raise_for_status().json()
    return answer


def records_of(domain: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(record["type"], record["name"]): record for record in domain["records"]}


def test_a_new_domain_has_its_records_and_is_not_started(agentmail: httpx.Client) -> None:
    domain = create(agentmail, "Acme.example")
    assert domain["domain_id"] == "acme.example"
    assert domain["status"] == "NOT_STARTED"
    records = records_of(domain)
    assert set(records) == {
        ("TXT", "agentmail._domainkey.acme.example"),
        ("MX", "acme.example"),
        ("MX", "mail.acme.example"),
        ("TXT", "mail.acme.example"),
        ("TXT", "_dmarc.acme.example"),
    }
    assert len(records["TXT", "agentmail._domainkey.acme.example"]["value"]) > 255
    assert records["MX", "acme.example"]["priority"] == 10
    assert {record["status"] for record in domain["records"]} == {"MISSING"}


def test_a_domain_is_verified_some_time_after_its_records_are_published(
    agentmail: httpx.Client, cloudflare: httpx.Client, time: Time
) -> None:
    domain = create(agentmail)
    assert agentmail.post("/domains/acme.example/verify").content == b""
    pending = shown(agentmail)
    assert (pending["status"], pending["reason"]) == ("PENDING", "dns_records_missing")
    publish(cloudflare, domain["records"])
    assert shown(agentmail)["status"] == "VERIFYING"
    time.advance(seconds=2.9)
    assert shown(agentmail)["status"] == "VERIFYING"
    time.advance(seconds=0.1)
    verified = shown(agentmail)
    assert verified["status"] == "VERIFIED"
    assert "reason" not in verified
    assert {record["status"] for record in verified["records"]} == {"VALID"}


def test_a_domain_whose_verification_was_not_requested_is_not_verified(
    agentmail: httpx.Client, cloudflare: httpx.Client, time: Time
) -> None:
    publish(cloudflare, create(agentmail)["records"])
    time.advance(days=1)
    assert shown(agentmail)["status"] == "NOT_STARTED"
    agentmail.post("/domains/acme.example/verify")
    assert shown(agentmail)["status"] == "VERIFIED"


def test_another_record_at_the_same_name_makes_ours_invalid(agentmail: httpx.Client, cloudflare: httpx.Client) -> None:
    publish(cloudflare, create(agentmail)["records"])
    path = f"/zones/{zone_id(cloudflare)}/dns_records"
    cloudflare.post(path, json={"type": "TXT", "name": "mail.acme.example", "content": '"v=spf1 -all"'})
    agentmail.post("/domains/acme.example/verify")
    domain = shown(agentmail)
    spf = records_of(domain)["TXT", "mail.acme.example"]
    assert (spf["status"], spf["reason"]) == ("INVALID", "duplicate_records")
    assert (domain["status"], domain["reason"]) == ("PENDING", "dns_records_invalid")


@pytest.mark.parametrize(("content", "priority"), [("elsewhere.example", 10), (None, 20)])
def test_a_record_with_another_value_is_invalid(
    agentmail: httpx.Client, cloudflare: httpx.Client, content: str | None, priority: int
) -> None:
    wanted = records_of(create(agentmail))["MX", "acme.example"]
    publish(cloudflare, [{**wanted, "value": content or wanted["value"], "priority": priority}])
    mx = records_of(shown(agentmail))["MX", "acme.example"]
    assert (mx["status"], mx["reason"]) == ("INVALID", "value_mismatch")


def test_the_delay_restarts_when_a_record_was_missing(
    agentmail: httpx.Client, cloudflare: httpx.Client, time: Time
) -> None:
    domain = create(agentmail)
    publish(cloudflare, domain["records"])
    agentmail.post("/domains/acme.example/verify")
    time.advance(seconds=10)
    path = f"/zones/{zone_id(cloudflare)}/dns_records"
    gone = cloudflare.get(path, params={"type": "TXT", "name": "_dmarc.acme.example"}).json()["result"][0]
    cloudflare.delete(f"{path}/{gone['id']}")
    assert shown(agentmail)["status"] == "PENDING"
    time.advance(seconds=10)
    publish(cloudflare, [records_of(domain)["TXT", "_dmarc.acme.example"]])
    assert shown(agentmail)["status"] == "VERIFYING"


def test_a_domain_outside_the_hosted_zones_is_verified_by_a_setting(
    admin: httpx.Client, agentmail: httpx.Client, time: Time
) -> None:
    create(agentmail, "external-acme.example")
    agentmail.post("/domains/external-acme.example/verify")
    time.advance(days=1)
    assert shown(agentmail, "external-acme.example")["status"] == "PENDING"
    admin.post("/settings", json={"external_dns": {"external-acme.example": "ready"}})
    assert shown(agentmail, "external-acme.example")["status"] == "VERIFYING"
    time.advance(seconds=3)
    assert shown(agentmail, "external-acme.example")["status"] == "VERIFIED"


def test_a_state_can_be_forced_and_unforced(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client
) -> None:
    verified_domain(admin, agentmail, cloudflare)
    failed = {"status": "FAILED", "reason": "ses_dkim_failed"}
    admin.post("/settings", json={"domain_states": {"acme.example": failed}})
    domain = shown(agentmail)
    assert (domain["status"], domain["reason"]) == ("FAILED", "ses_dkim_failed")
    admin.post("/settings", json={"domain_states": {"acme.example": None}})
    assert shown(agentmail)["status"] == "VERIFIED"


def test_a_domain_registered_again_has_another_dkim_key(agentmail: httpx.Client) -> None:
    first = create(agentmail)["records"][0]["value"]
    assert agentmail.delete("/domains/acme.example").status_code == 204
    assert create(agentmail)["records"][0]["value"] != first


def test_the_same_domain_twice_is_refused(admin: httpx.Client, agentmail: httpx.Client) -> None:
    create(agentmail)
    again = agentmail.post("/domains", json={"domain": "acme.example"})
    assert (again.status_code, again.json()["code"]) == (403, "already_exists")
    admin.post("/settings", json={"taken_domains": ["Other.example"]})
    taken = agentmail.post("/domains", json={"domain": "other.example"})
    assert (taken.status_code, taken.json()["name"]) == (403, "IsTakenError")


def test_a_domain_that_receives_at_google_is_refused_unless_that_is_allowed(
    agentmail: httpx.Client, cloudflare: httpx.Client
) -> None:
    google = {"type": "MX", "name": "acme.example", "value": "smtp.google.com", "priority": 1}
    publish(cloudflare, [google])
    refused = agentmail.post("/domains", json={"domain": "acme.example"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unprocessable")
    create(agentmail, allow_conflicting_provider=True)


def test_flags_decide_which_records_are_required(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client
) -> None:
    verified_domain(admin, agentmail, cloudflare)
    flags = {"subdomains_enabled": True, "tracking_enabled": True}
    changed = agentmail.patch("/domains/acme.example", json=flags).json()
    assert changed["status"] == "PENDING"
    assert {("MX", "*.acme.example"), ("CNAME", "link.acme.example")} < set(records_of(changed))
    publish(cloudflare, [record for record in changed["records"] if record["status"] == "MISSING"])
    assert shown(agentmail)["status"] == "VERIFIED"
    assert inbox(agentmail, username="kim", domain="bot.acme.example") == "kim@bot.acme.example"


def test_a_send_only_domain_requires_no_mx_at_its_apex(agentmail: httpx.Client) -> None:
    assert ("MX", "acme.example") not in records_of(create(agentmail, inbound_enabled=False))


def test_a_domain_with_inboxes_cannot_be_deleted(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client
) -> None:
    verified_domain(admin, agentmail, cloudflare)
    address = inbox(agentmail, username="kim", domain="acme.example")
    refused = agentmail.delete("/domains/acme.example")
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_delete")
    admin.post("/settings", json={"inbox_delete_seconds": 60})
    agentmail.delete(f"/inboxes/{address}")
    assert agentmail.delete("/domains/acme.example").json()["code"] == "resource_deleting"


def test_a_list_of_domains_has_no_states(agentmail: httpx.Client) -> None:
    create(agentmail)
    create(agentmail, "other.example")
    domains = agentmail.get("/domains").json()["domains"]
    assert [domain["domain"] for domain in domains] == ["other.example", "acme.example"]
    assert not {"status", "records"} & set(domains[0])


def test_the_zone_file_holds_every_record(agentmail: httpx.Client) -> None:
    create(agentmail)
    answer = agentmail.get("/domains/acme.example/zone-file")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "acme.example. 3600 IN MX 10 inbound-smtp.us-east-1.amazonaws.com." in answer.text
    assert answer.text.count(" IN ") == 5


@pytest.mark.parametrize(
    ("body", "issue", "path"),
    [
        ({}, "invalid_type", ["domain"]),
        ({"domain": 7}, "invalid_type", ["domain"]),
        ({"domain": "no dots"}, "invalid_format", ["domain"]),
        ({"domain": "acme.example", "client_id": "x"}, "unrecognized_keys", ["client_id"]),
    ],
)
def test_an_invalid_body_is_refused_with_the_path_of_the_field(
    agentmail: httpx.Client, body: dict[str, Any], issue: str, path: list[str]
) -> None:
    answer = agentmail.post("/domains", json=body)
    assert answer.status_code == 400
    assert (answer.json()["name"], answer.json()["code"]) == ("ValidationError", "validation_error")
    assert [(error["code"], error["path"]) for error in answer.json()["errors"]] == [(issue, path)]
