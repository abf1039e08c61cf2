"""The audit log: one entry for each request that may change something, written before its effect."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kindling.audit import store
from kindling.audit.model import KEPT, Entry, ListEntries, known_ids
from kindling.domains import service as domains
from kindling.operations import service as operations
from kindling.platform import aws, clock
from kindling.platform.settings import settings
from local import openapi
from tests.conftest import EVERYTHING, Kindling, issue
from tests.functions.api.test_http import MEANT, PROTECTED, concrete, rows
from tests.functions.api.test_send import SEND, email, is_refused, sender
from tests.functions.api.test_send_batch import BATCH
from tests.harness.dynamodb import calls
from tests.harness.lambdas import Api, Reply

AUDIT, DOMAINS, KEYS = "/v1/audit", "/api/email/domains", "/api/keys"
# Declared a second time: those of which the log of messages has what was sent, and one that only reads.
ELSEWHERE = {"POST /v1/send", "POST /v1/send/batch"}
READING = {"POST /v1/domains/{domain_id}/warming/explain"}
CHANGING = [route for route in PROTECTED if not route.startswith("GET")]
UNKNOWN_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
REFUSED: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}


def entries(kindling: Kindling, **query: str) -> list[dict[str, Any]]:
    """The entries of a whole list, read in pages."""
    found: list[dict[str, Any]] = []
    while True:
        reply = kindling.api("GET", AUDIT, query=query)
        assert reply.status == 200, reply.body
        found += reply.body["entries"]
        if "next_cursor" not in reply.body:
            return found
        query["cursor"] = reply.body["next_cursor"]


def instants(kindling: Kindling, **query: str) -> list[str]:
    return [one["created_at"] for one in entries(kindling, **query)]


def items() -> list[Any]:
    """All items of the log, of all tenants."""
    return [item for item in aws.table().scan()["Items"] if "#AUDIT#" in str(item["pk"])]


def logged(kindling: Kindling, instant: str, **changes: Any) -> Entry:
    """An entry as a request at that instant begins it."""
    about: dict[str, Any] = {"id": "r", "user_id": kindling.user_id, "created_at": instant, "key_id": "k"}
    about |= {"key_name": "ci", "live": True, "method": "POST", "route": DOMAINS}
    made = Entry.model_validate(about | changes)
    store.put(made)
    return made


@contextmanager
def refusing(call: str) -> Iterator[None]:
    """DynamoDB refuses this call where it is for an entry of the log."""

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if "#AUDIT#" in params["body"].decode():
            raise ClientError(REFUSED, call)

    events = aws.table().meta.client.meta.events
    events.register(f"before-call.dynamodb.{call}", refuse)
    try:
        yield
    finally:
        events.unregister(f"before-call.dynamodb.{call}", refuse)


def outcome_of(reply: Reply) -> str:
    if reply.status >= 400:
        return "failed" if reply.status >= 500 else "refused"
    return "accepted" if reply.status == 202 else "succeeded"


def test_every_route_that_is_no_get_leaves_one_entry_with_its_outcome_or_is_in_another_log(kindling: Kindling) -> None:
    own = {f"{one.method} {one.path}" for one in openapi.routes() if one.audited}
    assert own == set(CHANGING) - ELSEWHERE - READING
    expected = []
    for route in CHANGING:
        for api in (kindling.reader, kindling.api):
            kindling.clock.advance(seconds=10)
            began = clock.timestamp()
            method, path = concrete(route)
            reply = api(method, path, MEANT.get(route, {}) if method.startswith("P") else None)
            error = reply.body["error"] if reply.status >= 400 else None
            if route in own:
                expected.append((began, route, api.key.split("_")[2], reply.status, outcome_of(reply), error))
    assert {one[4] for one in expected} >= {"refused", "succeeded"}
    found = [
        (one["created_at"], f"{one['method']} {one['route']}", one["key_id"], one["status"], one["outcome"])
        for one in entries(kindling)
    ]
    assert found[::-1] == [one[:5] for one in expected]
    assert [one.get("error") for one in entries(kindling)][::-1] == [one[5] for one in expected]


def test_an_entry_tells_who_asked_for_what_and_what_was_answered(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entries(kindling) == []
    made = kindling.api.post(KEYS, {"name": "deploy", "scopes": EVERYTHING}).body["key"]
    kindling.clock.advance(seconds=1)
    deploying = Api(made["api_key"])
    domain = deploying.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    began = entries(kindling)[0]
    assert began == {
        "id": "request-1",
        "created_at": "2026-03-01T09:00:01.000Z",
        "key_id": made["id"],
        "key_name": "deploy",
        "live": True,
        "method": "POST",
        "route": DOMAINS,
        "path_ids": {},
        "outcome": "succeeded",
        "status": 201,
        "subject_id": domain["id"],
        "replayed": False,
    }
    kindling.clock.advance(seconds=1)
    assert deploying("PUT", "/v1/domains/ACME.example", {"active": False}).status == 200
    named = entries(kindling)[0]
    assert (named["path_ids"], named["subject_id"]) == ({"domain_id": "acme.example"}, domain["id"])
    kindling.clock.advance(seconds=1)
    monkeypatch.setattr(operations, "_execute", lambda *_: None)
    later = deploying("DELETE", f"{DOMAINS}/{domain['id']}", headers={"Prefer": "respond-async"})
    assert later.status == 202
    deleted = entries(kindling)[0]
    assert (deleted["outcome"], deleted["subject_id"]) == ("accepted", domain["id"])
    assert deleted["operation_id"] == later.body["operation"]["id"]
    kindling.clock.advance(seconds=1)
    assert kindling.test_api("DELETE", f"{DOMAINS}/{UNKNOWN_ID}").status in (403, 404)
    refused = entries(kindling)[0]
    assert (refused["live"], refused["outcome"], refused["subject_id"]) == (False, "refused", UNKNOWN_ID)


def test_what_is_refused_is_in_the_log_with_its_code(kindling: Kindling) -> None:
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}).status == 201
    asked: dict[str, Callable[[], Reply]] = {
        "domain_exists": lambda: kindling.api.post(DOMAINS, {"domain": "acme.example"}),
        "not_found": lambda: kindling.api("DELETE", f"/v1/webhooks/{UNKNOWN_ID}"),
        "invalid_request": lambda: kindling.api("POST", DOMAINS, raw="{"),
        "unsupported_media_type": lambda: kindling.api("POST", DOMAINS, raw="a", headers={"Content-Type": "text/xml"}),
        "payload_too_large": lambda: kindling.api("POST", DOMAINS, raw=" " * 1_000_001),
        "live_key_required": lambda: kindling.test_api.post("/v1/recipients/erase", {"email": "pat@example.com"}),
        "forbidden": lambda: kindling.reader.post(DOMAINS, {"domain": "two.example"}),
    }
    for code, refused in asked.items():
        kindling.clock.advance(seconds=1)
        assert refused().body["error"] == code
        assert (entries(kindling)[0]["outcome"], entries(kindling)[0]["error"]) == ("refused", code)
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=422)
    (domain,) = kindling.api.get(DOMAINS, skip_sync="true").body["domains"]
    kindling.clock.advance(seconds=1)
    assert kindling.api.post(f"{DOMAINS}/{domain['id']}/verify").status == 502
    assert (entries(kindling)[0]["outcome"], entries(kindling)[0]["error"]) == ("failed", "provider_refused")


def test_what_may_change_nothing_or_is_nobodys_is_not_in_the_log(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_REQUESTS_PER_SECOND", "1")
    settings.cache_clear()
    assert kindling.api("POST", "/v1/nothing").status == 404
    assert Api("kd_live_aaaaaaaaaaaaaaaa_" + "x" * 43).post(DOMAINS, {}).status == 401
    while (read := kindling.api.get(DOMAINS)).status == 200:
        pass
    # A client that ignores its quota costs nothing.
    for refused in (read, kindling.api.post(DOMAINS, {"domain": "acme.example"})):
        is_refused(refused, 429, "quota_exceeded")
    assert items() == []


def test_an_answer_that_is_given_again_is_marked(kindling: Kindling) -> None:
    for path, body in ((DOMAINS, {"domain": "acme.example"}), (KEYS, {"name": "ci"})):
        for replayed in (False, True):
            kindling.clock.advance(seconds=1)
            assert kindling.api.post(path, body, Idempotency_Key="k").status == 201
            assert entries(kindling)[0]["replayed"] is replayed
    kindling.clock.advance(seconds=1)
    assert kindling.api.post(DOMAINS, {"domain": "two.example"}, Idempotency_Key="k").status == 422
    (refused, key, _, domain, _) = entries(kindling)
    assert (refused["error"], refused["replayed"]) == ("idempotency_key_reused", False)
    assert None not in (key["subject_id"], domain["subject_id"])


def test_another_tenant_sees_nothing_of_it(kindling: Kindling) -> None:
    kindling.api.post(KEYS, {"name": "ci"})
    kindling.clock.advance(seconds=1)
    kindling.api.post(KEYS, {"name": "cd"})
    cursor = kindling.api.get(AUDIT, limit="1").body["next_cursor"]
    for query in ({}, {"key_id": kindling.api.key.split("_")[2]}, {"cursor": cursor}):
        assert kindling.other("GET", AUDIT, query=query).body == {"entries": []}
    assert len(kindling.api.get(AUDIT, cursor=cursor).body["entries"]) == 1
    for scope in ("read", "provision", "send"):
        is_refused(Api(issue(kindling.user_id, [scope])).get(AUDIT), 403, "forbidden", required_scope="admin")


def test_a_crash_between_leaves_an_outcome_that_is_unknown(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(BaseException):
        pass

    def crash(*_: Any, **__: Any) -> None:
        assert [one["outcome"] for one in entries(kindling)] == ["unknown"]
        raise Crash

    monkeypatch.setattr(domains, "create", crash)
    with pytest.raises(Crash):
        kindling.api.post(DOMAINS, {"domain": "acme.example"})
    (left,) = entries(kindling)
    assert (left["outcome"], left["status"], left["subject_id"]) == ("unknown", None, None)


def test_an_error_of_ours_is_an_outcome(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "create", lambda *_, **__: 1 / 0)
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}).status == 500
    (left,) = entries(kindling)
    assert (left["outcome"], left["status"], left["error"]) == ("failed", 500, "internal_error")


def test_nothing_is_done_that_could_not_be_written_down(kindling: Kindling) -> None:
    assert kindling.api.get(DOMAINS).status == 200
    before = kindling.world.inventory(), rows(kindling.user_id)
    for route in CHANGING:
        if route in ELSEWHERE | READING:
            continue
        kindling.clock.advance(seconds=1)
        method, path = concrete(route)
        with refusing("PutItem"):
            reply = kindling.api(method, path, MEANT.get(route, {}) if method.startswith("P") else None)
        is_refused(reply, 503, "store_unavailable")
        assert reply.headers["Retry-After"] == "1"
    assert (kindling.world.inventory(), rows(kindling.user_id)) == before
    assert items() == []


def test_an_answer_stands_whose_outcome_could_not_be_written_down(kindling: Kindling) -> None:
    with refusing("UpdateItem"):
        assert kindling.api.post(DOMAINS, {"domain": "acme.example"}).status == 201
    assert [one["outcome"] for one in entries(kindling)] == ["unknown"]


def test_an_entry_costs_one_put_and_one_update(kindling: Kindling) -> None:
    kindling.hold_a_lease()
    with calls() as made:
        is_refused(kindling.api("DELETE", f"/v1/webhooks/{UNKNOWN_ID}"), 404, "not_found")
    assert made == ["PutItem", "DeleteItem", "UpdateItem"]


HOSTILE_IDS = ("kd_live_aaaaaaaaaaaaaaaa_" + "x" * 43, "pat@example.com", "pat%40example.com", "canary_canary")
CANARIES = ("canary", "pat@example.com", "kd_live_aaaaaaaaaaaaaaaa_")


def test_neither_secrets_nor_addresses_nor_bodies_are_in_the_log(kindling: Kindling) -> None:
    made = kindling.api.post(KEYS, {"name": "ci"}, Idempotency_Key="canary").body["key"]
    kindling.clock.advance(seconds=1)
    hooked = kindling.api.post("/v1/webhooks", {"url": "https://canary.example.com/canary"}).body
    for route in CHANGING:
        for id_ in HOSTILE_IDS if "{" in route else HOSTILE_IDS[:1]:
            kindling.clock.advance(seconds=1)
            method, path = concrete(route)
            kindling.api(
                method,
                path.replace(UNKNOWN_ID, id_),
                {"canary": "canary", **MEANT.get(route, {})} if method.startswith("P") else None,
                headers={"Idempotency-Key": "canary", "User-Agent": "canary"},
                query={"canary": "pat@example.com"},
            )
    kindling.clock.advance(seconds=1)
    assert kindling.api.post("/v1/suppressions", {"email": "pat@example.com"}).status == 201
    assert entries(kindling)[0]["subject_id"] is None
    text = json.dumps(items(), default=str)
    assert "POST" in text
    secrets = (kindling.api.key.split("_", 3)[3], made["api_key"].split("_", 3)[3], hooked["secret"], "127.0.0.1")
    assert [secret for secret in (*CANARIES, *secrets) if secret in text] == []


@pytest.mark.parametrize(
    "text",
    [
        "pat@example.com",
        "kd_live_aaaaaaaaaaaaaaaa_x",
        "whsec_abcd",
        "a" * 15,
        "a" * 17,
        "a.b\n",
        UNKNOWN_ID[:-1],
        "a..b",
    ],
)
def test_a_parameter_of_a_path_that_is_no_id_is_left_out(text: str) -> None:
    known = {"domain_id": "acme.example", "key_id": "a1" * 8, "account_id": UNKNOWN_ID}
    assert known_ids({**known, "x": text}) == known


def test_what_is_sent_has_its_key_and_its_request_in_the_log_of_messages(kindling: Kindling) -> None:
    sender(kindling)
    before = items()
    one = kindling.api.post(SEND, email(["pat@example.com"]))
    many = kindling.api.post(BATCH, {"emails": [email(["lee@example.com"])]})
    for sent in (one.body, many.body["results"][0]):
        shown = kindling.api.get(f"/v1/emails/{sent['id']}").body["email"]
        assert (shown["key_id"], shown["request_id"]) == (kindling.api.key.split("_")[2], one.headers["X-Request-ID"])
    assert items() == before


def test_entries_are_found_by_time_key_route_and_subject(kindling: Kindling) -> None:
    made = kindling.api.post(KEYS, {"name": "two", "scopes": EVERYTHING}).body["key"]
    second = Api(made["api_key"])
    kindling.clock.advance(seconds=1)
    domain = second.post(DOMAINS, {"domain": "acme.example"}).body["domain"]["id"]
    kindling.clock.advance(seconds=1)
    assert kindling.api("PUT", "/v1/domains/acme.example", {"active": False}).status == 200
    third, middle, first = instants(kindling)
    own = kindling.api.key.split("_")[2]
    for query, found in (
        ({"limit": "1"}, [third, middle, first]),
        ({"limit": "2"}, [third, middle, first]),
        ({"key_id": own}, [third, first]),
        ({"key_id": own, "limit": "1"}, [third, first]),
        ({"key_id": made["id"]}, [middle]),
        ({"key_id": "a" * 16}, []),
        ({"method": "PUT"}, [third]),
        ({"route": "/v1/domains/{domain_id}"}, [third]),
        ({"route": DOMAINS, "method": "POST"}, [middle]),
        ({"route": DOMAINS, "method": "PATCH"}, []),
        ({"subject": domain.upper()}, [third, middle]),
        ({"subject": "acme.example"}, [third]),
        ({"subject": made["id"]}, [first]),
        ({"since": middle}, [third, middle]),
        ({"until": middle}, [first]),
        ({"since": middle, "until": third}, [middle]),
        ({"since": middle, "until": middle}, []),
        ({"since": third, "until": first}, []),
        ({"since": "9999-12-31T23:59:59-14:00"}, []),
        ({"until": "0001-01-01T00:00:00+14:00"}, []),
        ({"since": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-14:00"}, [third, middle, first]),
    ):
        assert instants(kindling, **query) == found, query
    for query in ({"method": "GET"}, {"since": "2026-01-01"}, {"limit": "101"}, {"limit": "0"}, {"a": "b"}):
        is_refused(kindling.api("GET", AUDIT, query=query), 400, "invalid_request")


def test_a_list_goes_on_over_months_and_years(kindling: Kindling) -> None:
    made = [
        f"{instant}:59.999Z"
        for instant in ("2025-02-28T23:59", "2025-12-31T23:59", "2026-01-01T00:00", "2026-02-28T23:59")
    ]
    for instant in made:
        logged(kindling, instant)
    assert len({item["pk"] for item in items()}) == 4
    assert instants(kindling) == instants(kindling, limit="1") == made[::-1]
    assert instants(kindling, since=made[1], until=made[3]) == [made[2], made[1]]


def test_the_log_forgets_after_400_days(kindling: Kindling) -> None:
    entry = logged(kindling, clock.timestamp())
    end = kindling.clock.at + timedelta(days=400)
    (item,) = items()
    assert int(item["expires_at"]) == int(end.timestamp())
    kindling.clock.at = end - timedelta(milliseconds=1)
    assert instants(kindling) == [entry.created_at]
    kindling.clock.at = end
    assert instants(kindling) == []
    assert timedelta(days=400) == KEPT


def test_no_page_reads_more_than_2000_entries(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    item = {**logged(kindling, clock.timestamp()).model_dump(), "pk": "p", "sk": "s", "expires_at": 1e12}
    many = [item] * 2001
    monkeypatch.setattr(store, "_between", lambda *_: iter(many))
    query = ListEntries(key_id="nobody")
    page = store.page_of(kindling.user_id, query)
    assert (page.rows, page.next_cursor is not None) == ([], True)
    many.pop()
    assert store.page_of(kindling.user_id, query).next_cursor is None


def test_a_cursor_that_somebody_made_up_shows_nothing_else(kindling: Kindling) -> None:
    kindling.other.post(KEYS, {"name": "theirs"})
    kindling.api.post(KEYS, {"name": "ours"})
    (theirs,) = [item for item in items() if kindling.user_id not in item["pk"]]
    for place in ("0", "2026", "2027-01-01", "~", "x" * 2000, "\U0001f600" * 500, theirs["sk"]):
        made_up = base64.urlsafe_b64encode(json.dumps(["a", theirs["pk"], place]).encode()).decode()
        reply = kindling.api.get(AUDIT, cursor=made_up)
        assert reply.status == 200
        assert {one["key_id"] for one in reply.body["entries"]} <= {kindling.api.key.split("_")[2]}
