"""Every route of `/api/email/*` against the contract: each field, its type, each status code."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Kindling
from tests.harness.lambdas import Reply

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
ABSENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
ACCOUNTS, DOMAINS = "/api/email/accounts", "/api/email/domains"

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def like(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def one_of(*values: str) -> Check:
    return lambda value: value in values


def maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


RECORD: dict[str, Check] = {"type": text, "name": text, "value": text}
DOMAIN: dict[str, Check] = {
    "id": like(UUID),
    "user_id": like(UUID),
    "domain": text,
    "agentmail_domain_id": text,
    "status": one_of("pending", "verifying", "verified", "failed"),
    "dns_records": lambda records: all(fits(record, RECORD, priority=number) for record in records),
    "verified_at": maybe(like(TIME)),
    "created_at": like(TIME),
    "updated_at": like(TIME),
}
PROOF: dict[str, Check] = {
    "verified": flag,
    "verified_at": maybe(like(TIME)),
    "checked_at": maybe(like(TIME)),
    "missing_since": maybe(like(TIME)),
    "in_use_until": maybe(like(TIME)),
}
OURS: dict[str, Check] = {
    "status_reason": maybe(text),
    "refreshed_at": maybe(like(TIME)),
    "dns_sync": lambda sync: isinstance(sync, dict),
    "ownership": lambda proof: fits(proof, PROOF),
}
JOINED: dict[str, Check] = {"id": like(UUID), "domain": text, "status": text}
ACCOUNT: dict[str, Check] = {
    "id": like(UUID),
    "user_id": like(UUID),
    "type": one_of("email"),
    "domain_id": like(UUID),
    "email_address": text,
    "agentmail_inbox_id": text,
    "instantly_account_id": maybe(text),
    "status": one_of("pending", "warming", "active", "error"),
    "warmup_status": one_of("not_started", "warming", "active", "banned", "suspended"),
    "display_name": maybe(text),
    "first_name": maybe(text),
    "last_name": maybe(text),
    "signature": maybe(text),
    "instantly_tag_id": maybe(text),
    "instantly_warmup_tag_id": maybe(text),
    "daily_limit": number,
    "warmup_enabled": flag,
    "warmup_reason": maybe(text),
    "created_at": like(TIME),
    "updated_at": like(TIME),
    "email_domains": lambda domain: fits(domain, JOINED),
}
FIGURES: dict[str, Check] = {
    "email": text,
    "total_sent": number,
    "total_received": number,
    "health_score": number,
    "health_score_label": text,
    "warmup_reputation": number,
    "instantly_warmup_status": number,
    "daily_data": lambda days: all(fits(d, {"date": like(DAY), "sent": number, "received": number}) for d in days),
}
ZONE: dict[str, Check] = {"checked": flag, "zoneId": maybe(text), "zoneName": maybe(text), "error": maybe(text)}
STANDING: dict[str, Check] = {
    "id": text,
    "type": text,
    "name": text,
    "value": text,
    "priority": maybe(number),
    "ttl": number,
    "proxied": flag,
}


def fits(value: Any, shape: dict[str, Check], **optional: Check) -> bool:
    """Whether the value has exactly the fields of the shape, each of its type."""
    assert set(shape) <= set(value) <= set(shape) | set(optional), set(value) ^ set(shape)
    wrong = {name: field for name, field in value.items() if not (shape | optional)[name](field)}
    assert wrong == {}
    return True


def is_error(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.body["error"]) == (status, code)
    assert text(reply.body["message"])
    assert reply.body["request_id"] == reply.headers["X-Request-ID"]


def test_the_routes_of_domains(kindling: Kindling) -> None:
    created = kindling.api.post(DOMAINS, {"domain": "acme.example"})
    assert (created.status, list(created.body)) == (201, ["domain"])
    assert fits(created.body["domain"], DOMAIN | OURS)
    path = f"{DOMAINS}/{created.body['domain']['id']}"
    for reply in (
        kindling.api.get(path),
        kindling.api.post(f"{path}/verify"),
        kindling.api("POST", f"{path}/verify", query={"poll": "true"}),
        kindling.api.patch(path, {"status": "failed"}),
    ):
        assert (reply.status, list(reply.body)) == (200, ["domain"])
        assert fits(reply.body["domain"], DOMAIN | OURS)
    listed = kindling.api.get(DOMAINS)
    assert (listed.status, list(listed.body)) == (200, ["domains"])
    assert all(fits(domain, DOMAIN | OURS) for domain in listed.body["domains"])
    zone = kindling.api.get(f"{path}/dns-records")
    assert (zone.status, set(zone.body)) == (200, {"domain", "cloudflare", "records"})
    assert fits(zone.body["domain"], JOINED)
    assert fits(zone.body["cloudflare"], ZONE)
    assert all(fits(record, STANDING) for record in zone.body["records"])
    deleted = kindling.api("DELETE", path)
    assert (deleted.status, deleted.body) == (200, {"success": True})


def test_the_routes_of_accounts(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    created = kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]})
    assert (created.status, list(created.body)) == (201, ["account"])
    assert fits(created.body["account"], ACCOUNT)
    path = f"{ACCOUNTS}/{created.body['account']['id']}"
    for reply in (kindling.api.get(path), kindling.api.patch(path, {"signature": "Kim"})):
        assert (reply.status, list(reply.body)) == (200, ["account"])
        assert fits(reply.body["account"], ACCOUNT)
    listed = kindling.api.get(ACCOUNTS)
    assert (listed.status, list(listed.body)) == (200, ["accounts"])
    assert all(fits(account, ACCOUNT) for account in listed.body["accounts"])
    kindling.clock.advance(days=30)
    analytics = kindling.api.get(f"{ACCOUNTS}/warmup-analytics")
    assert (analytics.status, set(analytics.body)) == (200, {"analytics", "transitions"})
    assert all(fits(figures, FIGURES) for figures in analytics.body["analytics"].values())
    moved = {"warmup_status": one_of("active"), "status": one_of("active")}
    assert all(fits(transition, moved) for transition in analytics.body["transitions"].values())
    assert list(analytics.body["transitions"]) == [created.body["account"]["id"]]
    is_error(kindling.api.patch(f"{path}/retry-warmup"), 409, "warmup_not_retryable")
    deleted = kindling.api("DELETE", path)
    assert (deleted.status, deleted.body) == (200, {"success": True})


def test_a_retried_warmup_answers_with_the_whole_row(kindling: Kindling) -> None:
    kindling.world.fault("instantly", "POST", "/api/v2/accounts/warmup/enable", "refuse", status=500)
    account = kindling.account()
    path = f"{ACCOUNTS}/{account['id']}/retry-warmup"
    is_error(kindling.api.patch(path), 502, "provider_unavailable")
    kindling.world.heal()
    reply = kindling.api.patch(path)
    assert reply.status == 200
    assert fits(reply.body["account"], ACCOUNT)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{DOMAINS}/{ABSENT}", None),
        ("PATCH", f"{DOMAINS}/{ABSENT}", {"status": "failed"}),
        ("DELETE", f"{DOMAINS}/{ABSENT}", None),
        ("POST", f"{DOMAINS}/{ABSENT}/verify", None),
        ("GET", f"{DOMAINS}/{ABSENT}/dns-records", None),
        ("POST", f"{DOMAINS}/{ABSENT}/dns-records/sync", None),
        ("GET", f"{DOMAINS}/not-an-id", None),
        ("POST", ACCOUNTS, {"username": "kim", "domain_id": ABSENT}),
        ("GET", f"{ACCOUNTS}/{ABSENT}", None),
        ("PATCH", f"{ACCOUNTS}/{ABSENT}", {"signature": "x"}),
        ("DELETE", f"{ACCOUNTS}/{ABSENT}", None),
        ("PATCH", f"{ACCOUNTS}/{ABSENT}/retry-warmup", None),
        ("PATCH", f"{ACCOUNTS}/not-an-id/retry-warmup", None),
    ],
)
def test_what_is_not_there_is_not_found(kindling: Kindling, method: str, path: str, body: Any) -> None:
    is_error(kindling.api(method, path, body), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", DOMAINS, {}),
        ("POST", DOMAINS, {"domain": "nonsense"}),
        ("PATCH", f"{DOMAINS}/{ABSENT}", {"status": "verified"}),
        ("POST", ACCOUNTS, {"username": "kim"}),
        ("POST", ACCOUNTS, {"username": "k m", "domain_id": ABSENT}),
        ("PATCH", f"{ACCOUNTS}/{ABSENT}", {"email_address": "x"}),
    ],
)
def test_bad_input_is_named_by_field(kindling: Kindling, method: str, path: str, body: Any) -> None:
    reply = kindling.api(method, path, body)
    is_error(reply, 400, "invalid_request")
    assert all(fits(field, {"field": text, "message": text}) for field in reply.body["fields"])
