"""The routes of /v1/domains: the same domains as of /api/email/domains, as bare objects, by id or by name."""

from typing import Any

from tests.conftest import Kindling
from tests.functions.api.test_contract import TIME, UUID, fits, flag, like, maybe, one_of, text
from tests.functions.api.test_send import is_refused
from tests.harness.lambdas import Api
from tests.harness.template import routes

DOMAINS = "/v1/domains"
SHAPE: dict[str, Any] = {
    "id": like(UUID),
    "domain": text,
    "type": one_of("inbound", "outbound", "both", "alias"),
    **dict.fromkeys(("verified", "ownership_verified", "mx_verified", "spf_verified"), flag),
    **dict.fromkeys(("dkim_verified", "dmarc_verified", "catch_all_enabled", "active"), flag),
    "last_dns_check": maybe(like(TIME)),
    "verified_at": maybe(like(TIME)),
    "created_at": like(TIME),
    "updated_at": like(TIME),
}
FLAGS = [name for name in SHAPE if name.endswith("_verified")]
# Valid bodies of the routes of a domain.
BODIES: dict[str, Any] = {"PUT": {"active": True}, "POST": {}}
CAP = {"daily_limit": 900}
OF_A_DOMAIN = [route for route in routes() if route.startswith(("GET", "PUT", "POST")) and "/v1/domains/{" in route]


def test_a_domain_from_its_registration_to_its_deletion(kindling: Kindling) -> None:
    created = kindling.api.post(DOMAINS, {"domain": "Acme.Example."})
    domain = created.body
    assert (created.status, fits(domain, SHAPE)) == (201, True)
    assert (domain["domain"], domain["type"]) == ("acme.example", "inbound")
    assert (domain["verified"], domain["active"], domain["catch_all_enabled"]) == (False, True, False)
    assert domain["verified_at"] is None
    path = f"{DOMAINS}/{domain['id']}"
    assert kindling.api.get(path).body == domain
    assert kindling.api.get(f"/api/email/domains/{domain['id']}").body["domain"]["status"] == "verifying"
    kindling.clock.advance(seconds=30)
    verified = kindling.api.post(f"{path}/verify")
    assert (verified.status, verified.body["verified"], verified.body["status"]) == (200, True, "verified")
    assert verified.body["summary"] == "acme.example is verified; all records stand."
    assert all(verified.body[name] for name in FLAGS)
    kindling.clock.advance(seconds=1)
    changed = kindling.api("PUT", path, {"type": "both", "catch_all_enabled": True})
    assert (changed.status, fits(changed.body, SHAPE)) == (200, True)
    assert (changed.body["type"], changed.body["catch_all_enabled"], changed.body["active"]) == ("both", True, True)
    assert changed.body["updated_at"] > domain["updated_at"]
    dns = kindling.api.get(f"{path}/dns")
    assert (dns.status, set(dns.body), dns.body["domain"]) == (200, {"domain", "records"}, "acme.example")
    shown = {record["purpose"]: record for record in dns.body["records"]}
    assert set(shown) >= {"spf", "dkim", "dmarc", "mx"}
    assert all({"type", "name", "value", "required", "verified"} <= set(record) for record in shown.values())
    assert (shown["dkim"]["required"], shown["dkim"]["verified"], shown["dmarc"]["required"]) == (True, True, False)
    deleted = kindling.api("DELETE", path)
    assert (deleted.status, deleted.body) == (200, {"success": True})
    is_refused(kindling.api.get(path), 404, "not_found")
    is_refused(kindling.api.get(f"{path}/warming"), 404, "not_found")
    # Deleting by id is idempotent; a name may belong to another domain by now.
    assert kindling.api("DELETE", path).status == 200
    is_refused(kindling.api("DELETE", f"{DOMAINS}/acme.example"), 404, "not_found")
    assert kindling.world.inventory()["agentmail"]["domains"] == []


def test_a_domain_whose_records_are_missing_is_not_verified_and_that_is_no_error(kindling: Kindling) -> None:
    domain = kindling.api.post(DOMAINS, {"domain": "external-acme.example", "type": "outbound"}).body
    kindling.clock.advance(seconds=30)
    reply = kindling.api.post(f"{DOMAINS}/external-acme.example/verify")
    assert (reply.status, reply.body["verified"], reply.body["type"]) == (200, False, "outbound")
    assert not any(reply.body[name] for name in FLAGS)
    assert reply.body["summary"].startswith("external-acme.example is verifying; not found yet: ")
    records = kindling.api.get(f"{DOMAINS}/{domain['id']}/dns").body["records"]
    assert {record["verified"] for record in records if record["purpose"] == "dkim"} == {False}
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=503)
    is_refused(kindling.api.post(f"{DOMAINS}/{domain['id']}/verify"), 502, "provider_unavailable")


def test_the_list_is_paged_newest_first_and_has_no_total(kindling: Kindling) -> None:
    for number in range(3):
        kindling.verified_domain(f"d{number}.example")
    assert set(kindling.api.get(DOMAINS).body) == {"domains", "limit", "offset"}
    assert all(fits(domain, SHAPE) for domain in kindling.api.get(DOMAINS).body["domains"])

    def listed(**query: str) -> list[str]:
        body = kindling.api.get(DOMAINS, **query).body
        assert (body["limit"], body["offset"]) == (int(query.get("limit", 50)), int(query.get("offset", 0)))
        return [domain["domain"][:2] for domain in body["domains"]]

    assert listed() == ["d2", "d1", "d0"]
    assert (listed(limit="2"), listed(limit="2", offset="2"), listed(offset="3")) == (["d2", "d1"], ["d0"], [])
    assert kindling.other.get(DOMAINS).body["domains"] == []
    for query in ({"limit": "0"}, {"limit": "101"}, {"offset": "-1"}, {"limit": "many"}):
        is_refused(kindling.api("GET", DOMAINS, query=query), 400, "invalid_request")


def test_what_cannot_be_registered_or_changed_is_refused(kindling: Kindling) -> None:
    kindling.verified_domain()
    for body, field in (
        ({}, "domain"),
        ({"domain": "nonsense"}, "domain"),
        ({"domain": "two.example", "type": "sideways"}, "type"),
        ({"domain": "two.example", "catch_all_enabled": "perhaps"}, "catch_all_enabled"),
        ({"domain": "two.example", "colour": "red"}, "colour"),
    ):
        reply = kindling.api.post(DOMAINS, body)
        is_refused(reply, 400, "invalid_request")
        assert [problem["field"] for problem in reply.body["fields"]] == [field]
    is_refused(kindling.api.post(DOMAINS, {"domain": "acme.example"}), 409, "domain_exists")
    is_refused(kindling.other.post(DOMAINS, {"domain": "acme.example"}), 409, "domain_taken")
    changes: list[tuple[dict[str, Any], str]] = [
        ({}, "body"),
        ({"domain": "two.example"}, "domain"),
        ({"verified": True}, "verified"),
        ({"type": "sideways"}, "type"),
        ({"active": None}, "body"),
    ]
    for change, field in changes:
        reply = kindling.api("PUT", f"{DOMAINS}/acme.example", change)
        is_refused(reply, 400, "invalid_request")
        assert field in [problem["field"] for problem in reply.body["fields"]]
    assert len(kindling.api.get(DOMAINS).body["domains"]) == 1


def test_every_route_of_a_domain_takes_its_name_and_hides_it_from_everybody_else(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    assert len(OF_A_DOMAIN) == 15

    def ask(api: Api, route: str, identity: str) -> Any:
        method, _, path = route.partition(" ")
        body = CAP if path.endswith("/cap") else BODIES.get(method)
        return api(method, path.replace("{domain_id}", identity), body)

    for route in OF_A_DOMAIN:
        foreign = [ask(kindling.other, route, identity) for identity in (domain["id"], "acme.example")]
        absent = ask(kindling.other, route, "3c90c3cc-0d44-4b50-8888-8dd25736052a")
        is_refused(absent, 404, "not_found")
        assert [reply.body for reply in foreign] == [absent.body] * 2, route
    assert kindling.other("DELETE", f"{DOMAINS}/{domain['id']}").status == 404
    assert kindling.other("DELETE", f"{DOMAINS}/acme.example").status == 404
    # In any spelling, with the same result as by id.
    for route in OF_A_DOMAIN:
        named = ask(kindling.api, route, "ACME.Example.")
        assert named.status in (200, 409), route
        if route.startswith("GET"):
            assert named.body == ask(kindling.api, route, domain["id"]).body
    assert kindling.api("DELETE", f"{DOMAINS}/Acme.example").status == 200


def test_a_test_key_changes_no_domain(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    path = f"{DOMAINS}/acme.example"
    before = kindling.api.get(path).body
    for reply in (
        kindling.test_api.post(DOMAINS, {"domain": "two.example"}),
        kindling.test_api("PUT", path, {"active": False}),
        kindling.test_api.patch(f"/api/email/domains/{domain['id']}", {"status": "failed"}),
        kindling.test_api.post(f"{path}/verify"),
        kindling.test_api.post(f"{path}/warming/pause"),
        kindling.test_api.post(f"{path}/warming/resume"),
        kindling.test_api.post(f"{path}/warming/start"),
        kindling.test_api("PUT", "/v1/warming/schedules", {"preset": "tiered"}),
        kindling.test_api("DELETE", f"{DOMAINS}/{domain['id']}"),
    ):
        is_refused(reply, 403, "live_key_required")
    assert kindling.test_api.get(path).body == kindling.api.get(path).body == before
    assert kindling.test_api.get(f"{path}/warming").body["phase"] == "phase_1"
