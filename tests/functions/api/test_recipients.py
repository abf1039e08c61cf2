"""GET /v1/recipients/export: everything that is kept about an address, and nothing about others."""

from typing import Any

from kindling.keys.model import Scope
from tests.conftest import Kindling, issue
from tests.functions.api.test_emails import ERASE, send, tell
from tests.functions.api.test_send import is_refused, sender
from tests.functions.test_webhooks import HARD
from tests.harness.lambdas import Api

EXPORT = "/v1/recipients/export"
PAT = "pat@example.com"


def export(kindling: Kindling, email: str = PAT, **query: str) -> dict[str, Any]:
    reply = kindling.api.get(EXPORT, email=email, **query)
    assert reply.status == 200, reply.body
    return dict(reply.body)


def test_messages_events_and_the_suppression_of_an_address_are_exported(kindling: Kindling) -> None:
    sender(kindling)
    first = send(kindling, PAT, "lee@example.com", subject="First", tags=["spring"], bcc=["max@example.com"])
    kindling.clock.advance(seconds=1)
    second = send(kindling, "lee@example.com", cc=["Pat@Example.com"])
    send(kindling, "lee@example.com")
    tell(kindling, first, "delivered", PAT)
    tell(kindling, first, "delivered", "lee@example.com")
    tell(kindling, first, "complained", "lee@example.com")
    tell(kindling, second, "bounced", PAT, "lee@example.com", **HARD)
    body = export(kindling, " Pat@Example.com ")
    assert (body["email"], body["suppression"]["reason"]) == (PAT, "hard_bounce")
    newer, older = body["messages"]
    assert (older["id"], older["subject"], older["tags"]) == (first["id"], "First", ["spring"])
    assert (older["to"], older["cc"], older["bcc"]) == ([PAT], [], [])
    # What befell others is not told of this address.
    assert older["status"] == "delivered"
    assert [(one["event_type"], one["recipients"]) for one in older["events"]] == [
        ("queued", [PAT]),
        ("delivered", [PAT]),
    ]
    assert (newer["to"], newer["cc"], newer["status"]) == ([], [PAT], "bounced")
    assert [one["address"] for one in newer["recipients"]] == [PAT]
    assert [(one["event_type"], one["recipients"]) for one in newer["events"]] == [
        ("queued", [PAT]),
        ("bounced", [PAT]),
    ]
    assert "lee@" not in str(body)
    assert "max@" not in str(body)


def test_an_event_that_names_nobody_is_about_everybody(kindling: Kindling) -> None:
    sender(kindling)
    tell(kindling, send(kindling, PAT, "lee@example.com"), "rejected", reason="Bad content")
    (message,) = export(kindling)["messages"]
    assert (message["status"], message["events"][1]["recipients"]) == ("rejected", [])


def test_an_export_comes_in_pages_and_ends_with_an_erasure(kindling: Kindling) -> None:
    sender(kindling)
    sent: list[str] = []
    for _ in range(3):
        sent.insert(0, send(kindling, PAT)["id"])
        kindling.clock.advance(seconds=1)
    first = export(kindling, limit="2")
    last = export(kindling, limit="2", cursor=first["next_cursor"])
    assert [one["id"] for one in first["messages"] + last["messages"]] == sent
    assert "next_cursor" not in last
    assert kindling.api.post("/v1/suppressions", {"email": PAT}).status == 201
    assert kindling.api.post(ERASE, {"email": PAT}).body == {"erased": 3, "complete": True}
    # Without the suppression, the address would be written to again.
    left = export(kindling)
    assert (left["suppression"]["email"], left["messages"]) == (PAT, [])


def test_only_an_administrator_of_the_tenant_exports(kindling: Kindling) -> None:
    sender(kindling)
    send(kindling, PAT)
    for scope in Scope:
        reply = Api(issue(kindling.user_id, [scope.value])).get(EXPORT, email=PAT)
        if scope is Scope.ADMIN:
            assert (reply.status, len(reply.body["messages"])) == (200, 1)
        else:
            is_refused(reply, 403, "forbidden", required_scope="admin")
    nothing: dict[str, Any] = {"email": PAT, "suppression": None, "messages": []}
    assert kindling.other.get(EXPORT, email=PAT).body == nothing
    for query in ({}, {"email": "nobody"}, {"email": PAT, "limit": "101"}, {"email": PAT, "limit": "0"}):
        is_refused(kindling.api("GET", EXPORT, query=query), 400, "invalid_request")
