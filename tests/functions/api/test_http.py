"""What all routes have in common: authentication, bodies, errors, request ids, replayed answers."""

import json
from datetime import timedelta
from typing import Any

import pytest

from kindling.keys import authentication
from kindling.platform import aws
from kindling.platform.settings import settings
from local import openapi
from tests.conftest import EVERYTHING, Kindling, issue
from tests.harness.lambdas import Api
from tests.harness.template import routes

DOMAINS = "/api/email/domains"
OPEN = ("$default", *(f"{one.method} {one.path}" for one in openapi.routes() if not one.scope))
READING = ("POST /v1/domains/{domain_id}/warming/explain",)
PROTECTED = [route for route in routes() if route not in OPEN]
BODIES = ["POST /api/email/domains", "POST /api/email/accounts", "POST /api/keys"]
CHANGES = {
    "PATCH /api/email/domains/{domain_id}": {"status": "failed"},
    "PATCH /api/email/accounts/{account_id}": {"signature": "mine"},
}
PREVIEW = "/v1/imports/suppressions/preview"
# What makes rows of the test key's own: keys, and a tenant's list of suppressions and its schedule.
OF_BOTH = ("POST /api/keys", "POST /api/keys/{key_id}/rotate", "PUT /v1/warming/schedules", "POST /v1/suppressions")
MEANT: dict[str, Any] = {
    **CHANGES,
    "POST /api/email/domains": {"domain": "other.example"},
    "POST /v1/domains": {"domain": "another.example"},
    "POST /v1/send": {"from": "kim@acme.example", "to": ["pat@example.com"], "text_body": "Hello"},
    "PUT /v1/domains/{domain_id}": {"active": False},
    "POST /v1/suppressions": {"email": "pat@example.com"},
    f"POST {PREVIEW}": {"rows": [{"email": "pat@example.com"}]},
    "POST /v1/recipients/erase": {"email": "pat@example.com"},
    "PUT /v1/warming/schedules": {"preset": "tiered"},
    "PUT /v1/domains/{domain_id}/warming/cap": {"daily_limit": 5},
    "POST /api/keys": {"name": "theirs"},
    "POST /v1/webhooks": {"url": "https://hooks.example.com/"},
}
UNKNOWN_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def concrete(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return method, "/".join(UNKNOWN_ID if part.startswith("{") else part for part in path.split("/"))


# The scope that each route requires, declared a second time.
SCOPES = {
    **dict.fromkeys((route for route in PROTECTED if route.startswith("GET")), "read"),
    **dict.fromkeys((route for route in PROTECTED if not route.startswith("GET")), "provision"),
    **dict.fromkeys(READING, "read"),
    **dict.fromkeys((route for route in PROTECTED if "/v1/send" in route), "send"),
    "POST /v1/suppressions": "send",
    "DELETE /v1/suppressions/{email}": "send",
    **dict.fromkeys((r for r in PROTECTED if "/v1/imports" in r and not r.startswith("GET")), "send"),
    **dict.fromkeys((route for route in PROTECTED if "/v1/recipients" in route), "admin"),
    **dict.fromkeys((route for route in PROTECTED if "/api/keys" in route), "admin"),
    **dict.fromkeys((r for r in PROTECTED if "/v1/webhooks" in r and not r.startswith("GET")), "admin"),
    "PUT /v1/domains/{domain_id}/warming/cap": "admin",
    "GET /v1/audit": "admin",
}


def rows(user_id: str) -> list[str]:
    """All items of a tenant, except for quotas and the audit log."""
    items: list[Any] = aws.table().scan()["Items"]
    kept = (item for item in items if not item["pk"].startswith("QUOTA#") and "#AUDIT#" not in item["pk"])
    return sorted(repr(item) for item in kept if user_id in repr(item))


def test_every_route_refuses_every_key_that_does_not_open_it(kindling: Kindling) -> None:
    revoked = kindling.api.post("/api/keys", {"name": "revoked", "scopes": EVERYTHING}).body["key"]
    kindling.api("DELETE", f"/api/keys/{revoked['id']}")
    expired = kindling.api.post("/api/keys", {"name": "expired", "scopes": EVERYTHING, "expires_in_days": 1}).body
    kindling.clock.advance(days=1)
    unknown = "kd_live_aaaaaaaaaaaaaaaa_" + "x" * 43
    wrong = kindling.api.key[:-1] + ("a" if kindling.api.key[-1] != "a" else "b")
    closed = ("", "nonsense", "pk_live_" + "0" * 64, unknown, wrong, revoked["api_key"], expired["key"]["api_key"])
    inventory, before = kindling.world.inventory(), rows(kindling.user_id)
    for route in PROTECTED:
        # So that no quota is exceeded.
        kindling.clock.advance(minutes=1)
        for key in closed:
            reply = Api(key)(*concrete(route), {} if route.startswith("P") else None)
            assert (reply.status, set(reply.body)) == (401, {"error", "message", "request_id"}), (route, key)
            assert reply.body["error"] == "unauthorized"
            assert reply.body["request_id"] == reply.headers["X-Request-ID"]
    assert (kindling.world.inventory(), rows(kindling.user_id)) == (inventory, before)


def test_every_route_refuses_a_key_with_every_scope_but_its_own(kindling: Kindling) -> None:
    lacking = {
        scope: Api(issue(kindling.user_id, [other for other in EVERYTHING if other != scope])) for scope in EVERYTHING
    }
    for route in PROTECTED:
        kindling.clock.advance(seconds=1)
        reply = lacking[SCOPES[route]](*concrete(route), {} if route.startswith("P") else None)
        assert (reply.status, reply.body["error"]) == (403, "forbidden"), route
        assert reply.body["required_scope"] == SCOPES[route]
        assert set(reply.body) == {"error", "message", "request_id", "required_scope"}


def test_no_route_lets_a_test_key_or_another_tenant_change_a_row(kindling: Kindling) -> None:
    account = kindling.account()
    domain_id, key_id = account["domain_id"], kindling.api.get("/api/keys").body["keys"][0]["id"]
    assert kindling.test_api.get(DOMAINS).status == kindling.other.get(DOMAINS).status == 200
    theirs = {"domain_id": domain_id, "account_id": account["id"], "key_id": key_id}
    theirs |= dict.fromkeys(("operation_id", "email_id"), UNKNOWN_ID)
    theirs["job_id"] = kindling.api.post(PREVIEW, MEANT[f"POST {PREVIEW}"]).body["job_id"]
    theirs["webhook_id"] = kindling.api.post("/v1/webhooks", MEANT["POST /v1/webhooks"]).body["webhook"]["id"]
    before, inventory = rows(kindling.user_id), kindling.world.inventory()
    for api, allowed in (
        (kindling.other, (200, 201, 202, 400, 403, 404)),
        (kindling.test_api, (200, 202, 400, 403, 404)),
    ):
        for route in PROTECTED:
            if api is kindling.test_api and route in OF_BOTH:
                continue
            kindling.clock.advance(seconds=1)
            method, _, path = route.partition(" ")
            path = path.format(**theirs, email="pat@example.com")
            reply = api(method, path, MEANT.get(route, {}) if method.startswith("P") else None)
            assert reply.status in allowed, (route, reply.body)
            if any(f"{kind}_id}}" in route for kind in ("domain", "account", "job", "key", "webhook")):
                wanted = (404,) if api is kindling.other else (200, 400, 403)
                assert reply.status in wanted, (route, reply.body)
        assert rows(kindling.user_id) == before, api
    left = kindling.world.inventory()
    assert left["agentmail"]["messages"] == inventory["agentmail"]["messages"]
    assert [one for one in left["agentmail"]["inboxes"] if one not in inventory["agentmail"]["inboxes"]] == []


CHANGING = [route for route in PROTECTED if (not route.startswith("GET") or "keys" in route) and route not in READING]


@pytest.mark.parametrize("route", CHANGING)
def test_a_key_that_may_only_read_is_refused_with_the_scope_it_lacks(kindling: Kindling, route: str) -> None:
    reply = kindling.reader(*concrete(route), {})
    assert (reply.status, reply.body["error"]) == (403, "forbidden")
    assert reply.body["required_scope"] in ("provision", "send", "admin")


@pytest.mark.parametrize("route", BODIES)
def test_a_body_that_is_not_json_is_refused(kindling: Kindling, route: str) -> None:
    for text in ("{", "nope", "\x00", '{"a": }'):
        reply = kindling.api(*concrete(route), raw=text)
        assert (reply.status, reply.body["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("route", BODIES)
def test_a_body_without_the_fields_it_needs_is_refused_by_field(kindling: Kindling, route: str) -> None:
    for text in ("", "[]", '"text"', "null", "7", "{}"):
        reply = kindling.api(*concrete(route), raw=text)
        assert reply.status == 400, reply.body
        assert reply.body["error"] == "invalid_request"
        assert reply.body["fields"]


def test_an_unknown_field_is_named(kindling: Kindling) -> None:
    reply = kindling.api.post(DOMAINS, {"domain": "acme.example", "colour": "red"})
    assert reply.status == 400
    assert [field["field"] for field in reply.body["fields"]] == ["colour"]


def test_another_media_type_is_refused(kindling: Kindling) -> None:
    reply = kindling.api("POST", DOMAINS, raw="<a/>", headers={"Content-Type": "text/xml"})
    assert (reply.status, reply.body["error"]) == (415, "unsupported_media_type")


def test_a_media_type_may_carry_parameters(kindling: Kindling) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert kindling.api("POST", DOMAINS, {"domain": "acme.example"}, headers=headers).status == 201


@pytest.mark.parametrize(("path", "most"), [(DOMAINS, 1_000_000), ("/v1/send", 4_000_000)])
def test_a_body_may_have_so_many_bytes_and_not_one_more(kindling: Kindling, path: str, most: int) -> None:
    largest = "{}".ljust(most)
    assert kindling.api("POST", path, raw=largest).status == 400
    reply = kindling.api("POST", path, raw=largest + " ")
    assert (reply.status, reply.body["error"]) == (413, "payload_too_large")


@pytest.mark.parametrize("path", ["/api", "/api/email/nothing", "/v2/x", "/api/email/domains/a/b/c"])
def test_an_unknown_path_is_not_found_in_our_own_shape(kindling: Kindling, path: str) -> None:
    reply = kindling.api.get(path)
    assert (reply.status, reply.body["error"]) == (404, "not_found")
    assert reply.body["request_id"] == reply.headers["X-Request-ID"] == "request-1"


def test_a_known_path_with_another_method_names_those_it_has(kindling: Kindling) -> None:
    reply = kindling.api("PUT", DOMAINS)
    assert (reply.status, reply.body["error"]) == (405, "method_not_allowed")
    assert reply.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("route", [route for route in PROTECTED if "/api/" in route and "{" in route])
def test_another_tenants_row_is_as_absent_as_one_that_never_was(kindling: Kindling, route: str) -> None:
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    operation = kindling.api.post(DOMAINS, {"domain": "two.example"}, Prefer="respond-async").body["operation"]
    key = kindling.api.get("/api/keys").body["keys"][0]
    theirs = {"domain_id": domain, "account_id": account, "operation_id": operation, "key_id": key}
    method, _, pattern = route.partition(" ")
    name = pattern.partition("{")[2].partition("}")[0]
    body = CHANGES.get(route)
    foreign = kindling.other(method, pattern.replace("{" + name + "}", theirs[name]["id"]), body)
    absent = kindling.other(*concrete(route), body)
    assert foreign.status == absent.status == 404
    assert foreign.body == absent.body


@pytest.mark.parametrize("header", ["bearer", "BEARER", "Bearer  "])
def test_the_scheme_of_the_key_may_be_written_in_any_case(kindling: Kindling, header: str) -> None:
    reply = Api("")("GET", DOMAINS, headers={"Authorization": f"{header} {kindling.api.key}"})
    assert reply.status == 200


def test_every_answer_has_a_request_id(kindling: Kindling) -> None:
    assert kindling.api.get(DOMAINS).headers["X-Request-ID"] == "request-1"
    assert Api("").get("/healthz").headers["X-Request-ID"] == "request-1"


def test_a_crash_is_told_without_a_traceback(kindling: Kindling) -> None:
    torn = {"pk": "A", "sk": "B", "owner": f"{kindling.user_id}#domain", "created_at": "now", "status": "torn"}
    aws.table().put_item(Item=torn)
    reply = kindling.api.get(DOMAINS)
    assert (reply.status, reply.body["error"]) == (500, "internal_error")
    assert "torn" not in json.dumps(reply.body)


def test_what_aws_says_of_a_refused_call_stays_in_the_log(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "missing")
    settings.cache_clear()
    aws.table.cache_clear()
    reply = kindling.api.get(DOMAINS)
    assert (reply.status, reply.body["error"]) == (503, "store_unavailable")
    assert "resource" not in json.dumps(reply.body).lower()


def test_an_expired_key_opens_nothing(kindling: Kindling) -> None:
    made = kindling.api.post("/api/keys", {"name": "short", "scopes": ["read"], "expires_in_days": 1}).body["key"]
    assert Api(made["api_key"]).get(DOMAINS).status == 200
    kindling.clock.at += timedelta(days=1)
    assert Api(made["api_key"]).get(DOMAINS).status == 401


def test_a_revoked_key_is_dead_after_a_minute_at_the_latest(kindling: Kindling) -> None:
    made = kindling.api.post("/api/keys", {"name": "gone", "scopes": ["read"]}).body["key"]
    api = Api(made["api_key"])
    assert api.get(DOMAINS).status == 200
    remembered = dict(authentication._cache)
    assert kindling.api("DELETE", f"/api/keys/{made['id']}").body["key"]["revoked_at"]
    # Another execution environment still has the key in its cache.
    authentication._cache.update(remembered)
    assert api.get(DOMAINS).status == 200
    kindling.clock.advance(seconds=61)
    assert api.get(DOMAINS).status == 401


def test_a_live_key_is_not_a_test_key_with_another_name(kindling: Kindling) -> None:
    assert Api(kindling.api.key.replace("kd_live_", "kd_test_")).get(DOMAINS).status == 401


def test_the_text_of_a_key_is_shown_once_and_its_secret_never_stored(kindling: Kindling) -> None:
    made = kindling.api.post("/api/keys", {"name": "ci", "scopes": ["read"]}).body["key"]
    listed = kindling.api.get("/api/keys").body["keys"]
    assert all("api_key" not in key and "secret_hash" not in key for key in listed)
    secret = made["api_key"].rpartition("_")[2]
    assert secret not in json.dumps(aws.table().scan()["Items"], default=str)


def test_nobody_can_make_a_key_that_may_more_than_their_own(kindling: Kindling) -> None:
    admin = Api(issue(kindling.user_id, ["admin"]))
    reply = admin.post("/api/keys", {"name": "more", "scopes": ["send"]})
    assert (reply.status, reply.body["error"]) == (403, "key_exceeds_maker")


def test_the_first_answer_under_a_key_is_given_again(kindling: Kindling) -> None:
    first = kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1")
    again = kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_another_body_under_the_same_key_is_refused(kindling: Kindling) -> None:
    kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1")
    reply = kindling.api.post(DOMAINS, {"domain": "two.example"}, Idempotency_Key="k1")
    assert (reply.status, reply.body["error"]) == (422, "idempotency_key_reused")


def test_the_same_key_of_another_tenant_is_another_key(kindling: Kindling) -> None:
    kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1")
    assert kindling.other.post(DOMAINS, {"domain": "two.example"}, Idempotency_Key="k1").status == 201


def test_an_answer_that_blames_us_is_not_kept(kindling: Kindling) -> None:
    kindling.world.fault("agentmail", "POST", "/v0/domains", "refuse", status=422)
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1").status == 502
    kindling.world.heal()
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1").status == 201


def test_a_key_whose_first_request_still_runs_is_a_conflict(kindling: Kindling) -> None:
    seen = []

    def meanwhile(real: object, event: object) -> None:
        seen.append(kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1"))
        real(event, None)  # type: ignore[operator]

    kindling.lambdas.overrides["ClaimNameFunction"] = meanwhile
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1").status == 201
    assert (seen[0].status, seen[0].body["error"]) == (409, "request_running")


@pytest.mark.parametrize(("length", "status"), [(0, 400), (1, 201), (255, 201), (256, 400)])
def test_an_idempotency_key_has_1_to_255_characters(kindling: Kindling, length: int, status: int) -> None:
    reply = kindling.api.post("/v1/suppressions", {"email": "pat@example.com"}, Idempotency_Key="x" * length)
    assert reply.status == status


def test_what_is_created_counts_once_and_what_is_refused_or_replayed_does_not(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENANT_CREATES_PER_HOUR", "5")
    settings.cache_clear()
    post = kindling.api.post
    for _ in range(3):
        assert post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1").status == 201
        assert post("/api/keys", {"name": "ci"}, Idempotency_Key="k1").status == 201
        assert post(DOMAINS, {"domain": 7}).status == post("/v1/domains", {}).status == 400
        assert post("/api/keys", {"name": "ci", "scopes": ["root"]}).status == 400
    assert post("/v1/domains", {"domain": "two.example"}).status == 201
    key = post("/api/keys", {"name": "test", "scopes": ["admin"], "live": False}).body["key"]
    assert kindling.test_api.post(f"/api/keys/{key['id']}/rotate").status == 201
    account = {"username": "kim", "domain_id": UNKNOWN_ID}
    for reply in (
        post(DOMAINS, {"domain": "three.example"}, Idempotency_Key="k2"),
        post("/v1/domains", {"domain": "three.example"}),
        post("/api/email/accounts", account),
        kindling.test_api.post("/api/keys", {"name": "more"}),
    ):
        assert (reply.status, reply.headers["Retry-After"]) == (429, str(reply.body["retry_after_seconds"]))
        assert reply.body == {
            "error": "quota_exceeded",
            "message": reply.body["message"],
            "quota": "tenant_creates_per_hour",
            "limit": 5,
            "retry_after_seconds": reply.body["retry_after_seconds"],
            "request_id": "request-1",
        }
    assert kindling.other.post(DOMAINS, {"domain": "three.example"}).status == 201
    kindling.clock.advance(hours=1)
    assert post(DOMAINS, {"domain": "three.example"}, Idempotency_Key="k2").status == 201


def test_a_tenant_that_asks_too_often_is_told_when_to_come_back(kindling: Kindling) -> None:
    replies = [kindling.api.get("/api/cleanups") for _ in range(251)]
    assert [reply.status for reply in replies] == [200] * 250 + [429]
    assert replies[-1].headers["Retry-After"] == "10"
    assert {name: replies[-1].body[name] for name in ("error", "quota", "limit", "retry_after_seconds")} == {
        "error": "quota_exceeded",
        "quota": "key_requests_per_second",
        "limit": 25,
        "retry_after_seconds": 10,
    }
    # The health check counts against no quota.
    assert Api("").get("/healthz").status == 200
    assert kindling.reader.get("/api/cleanups").status == 200
    kindling.clock.advance(seconds=10)
    assert kindling.api.get("/api/cleanups").status == 200
