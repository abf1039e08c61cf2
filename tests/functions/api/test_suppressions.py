"""The routes of /v1/suppressions: addresses to which a tenant must not send."""

from typing import Any

from tests.conftest import Kindling, issue
from tests.functions.api.test_send import is_refused
from tests.functions.test_webhooks import HARD, report
from tests.harness.lambdas import Api

LIST = "/v1/suppressions"


def emails(reply_body: dict[str, Any]) -> list[str]:
    return [row["email"] for row in reply_body["suppressions"]]


def test_a_suppression_from_its_making_to_its_end(kindling: Kindling) -> None:
    made = kindling.api.post(LIST, {"email": " Pat@Example.com "})
    expected = {
        "id": "pat@example.com",
        "email": "pat@example.com",
        "reason": "manual",
        "source": "api",
        "scope_type": "org",
        "scope_id": None,
        "created_at": "2026-03-01T09:00:00.000Z",
    }
    assert (made.status, made.body) == (201, expected)
    kindling.clock.advance(hours=1)
    # An existing entry keeps its reason.
    again = kindling.api.post(LIST, {"email": "pat@example.com", "reason": "unsubscribe"})
    assert (again.status, again.body) == (201, expected)
    assert kindling.api.get(LIST).body == {"suppressions": [expected], "total": 1, "limit": 50, "offset": 0}
    for address in ("pat@example.com", "PAT@example.com"):
        assert kindling.api.get(f"{LIST}/check", email=address).body == {"suppressed": True, "entry": expected}
    assert kindling.api.get(f"{LIST}/check", email="max@example.com").body == {"suppressed": False, "entry": None}
    # Other tenants neither see nor delete it.
    assert kindling.other.get(LIST).body["total"] == 0
    assert kindling.other.get(f"{LIST}/check", email="pat@example.com").body["suppressed"] is False
    foreign = kindling.other("DELETE", f"{LIST}/pat@example.com")
    is_refused(foreign, 404, "not_found")
    assert foreign.body == kindling.other("DELETE", f"{LIST}/nobody@example.com").body
    assert kindling.api.get(LIST).body["total"] == 1
    deleted = kindling.api("DELETE", f"{LIST}/Pat%40example.com")
    assert (deleted.status, deleted.body) == (200, {"success": True})
    is_refused(kindling.api("DELETE", f"{LIST}/pat@example.com"), 404, "not_found")
    assert kindling.api.get(LIST).body["total"] == 0


def test_the_list_is_filtered_and_paged_newest_first(kindling: Kindling) -> None:
    kindling.verified_domain()
    kindling.clock.advance(seconds=1)
    for number, reason in enumerate(["manual", "unsubscribe", "manual", "complaint"]):
        assert kindling.api.post(LIST, {"email": f"p{number}@example.com", "reason": reason}).status == 201
        kindling.clock.advance(seconds=1)
    assert report(kindling, "bounced", ["p4@other.example"], **HARD)

    def listed(**query: str) -> list[str]:
        reply = kindling.api.get(LIST, **query)
        assert reply.status == 200, reply.body
        return [address[:2] for address in emails(reply.body)]

    assert listed() == ["p4", "p3", "p2", "p1", "p0"]
    assert listed(limit="2") == ["p4", "p3"]
    assert listed(limit="2", offset="2") == ["p2", "p1"]
    assert listed(limit="200", offset="4") == ["p0"]
    assert listed(offset="5") == []
    assert listed(reason="manual") == ["p2", "p0"]
    assert listed(reason="hard_bounce") == listed(source="webhook") == ["p4"]
    assert listed(query="OTHER.example") == ["p4"]
    assert listed(query="p1@", source="api") == ["p1"]
    assert kindling.api.get(LIST, reason="manual", limit="1").body["total"] == 2
    for query in ({"limit": "0"}, {"limit": "201"}, {"offset": "-1"}, {"reason": "dislike"}, {"source": "rumour"}):
        reply = kindling.api("GET", LIST, query=query)
        is_refused(reply, 400, "invalid_request")
        assert [field["field"] for field in reply.body["fields"]] == list(query)


def test_what_is_no_address_and_who_may_not_are_refused(kindling: Kindling) -> None:
    for body, field in (
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": f"{'a' * 65}@example.com"}, "email"),
        ({"email": f"a@{'a.' * 126}example"}, "email"),
        ({"email": 7}, "email"),
        ({"email": "a@example.com", "reason": "dislike"}, "reason"),
        ({"email": "a@example.com", "scope_type": "domain"}, "scope_type"),
    ):
        reply = kindling.api.post(LIST, body)
        is_refused(reply, 400, "invalid_request")
        assert [problem["field"] for problem in reply.body["fields"]] == [field]
    is_refused(kindling.api.get(f"{LIST}/check"), 400, "invalid_request")
    is_refused(kindling.api.get(f"{LIST}/check", email="nobody"), 400, "invalid_request")
    is_refused(kindling.reader.post(LIST, {"email": "a@example.com"}), 403, "forbidden", required_scope="send")
    is_refused(Api(issue(kindling.user_id, ["send"])).get(LIST), 403, "forbidden", required_scope="read")
    assert kindling.api.post(LIST, {"email": "a@example.com"}).status == 201
    # A test key can read the list, but not change it.
    assert kindling.test_api.get(LIST).body["total"] == 1
    is_refused(kindling.test_api.post(LIST, {"email": "b@example.com"}), 403, "live_key_required")
    is_refused(kindling.test_api("DELETE", f"{LIST}/a@example.com"), 403, "live_key_required")
    assert emails(kindling.api.get(LIST).body) == ["a@example.com"]
