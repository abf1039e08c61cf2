"""The routes of /v1/emails: the log of messages, what became of them, and its erasure."""

from datetime import timedelta
from typing import Any

import pytest

from kindling.messages import store
from kindling.messages.model import MOST_EVENTS, ListMessages, Message, message_id_of
from kindling.platform import aws, clock
from kindling.platform.settings import settings
from tests.conftest import Kindling, issue
from tests.functions.api.test_send import SEND, at, email, is_refused, sender
from tests.functions.test_webhooks import HARD, deliver, event, suppressed
from tests.harness.lambdas import Api

EMAILS, ERASE = "/v1/emails", "/v1/recipients/erase"


def send(kindling: Kindling, *to: str, **fields: Any) -> dict[str, Any]:
    """Send a message in a minute of its own; what was answered."""
    kindling.clock.advance(minutes=1)
    reply = kindling.api.post(SEND, email(list(to), **fields))
    assert reply.status == 202, reply.body
    return dict(reply.body)


def tell(kindling: Kindling, sent: dict[str, Any], kind: str, *recipients: Any, **details: Any) -> None:
    kindling.clock.advance(seconds=1)
    about = {"message_id": sent["message_id"], "timestamp": clock.timestamp(), **details}
    assert deliver(kindling, event(kind, list(recipients), **about))


def shown(kindling: Kindling, sent: dict[str, Any]) -> dict[str, Any]:
    reply = kindling.api.get(f"{EMAILS}/{sent['id']}")
    assert reply.status == 200, reply.body
    return dict(reply.body["email"])


def events(kindling: Kindling, sent: dict[str, Any]) -> list[dict[str, Any]]:
    return list(kindling.api.get(f"{EMAILS}/{sent['id']}/events").body["events"])


def listed(kindling: Kindling, **query: str) -> list[str]:
    """The ids of a whole list, read in pages."""
    found: list[str] = []
    while True:
        reply = kindling.api("GET", EMAILS, query=query)
        assert reply.status == 200, reply.body
        found += [one["id"] for one in reply.body["emails"]]
        if "next_cursor" not in reply.body:
            return found
        query["cursor"] = reply.body["next_cursor"]


def logged(kindling: Kindling, number: int, to: str = "pat@example.com") -> Message:
    """A message as a send writes it, a second after the one before."""
    instant = clock.timestamp(clock.parse("2026-03-01T09:00:00.000Z") + timedelta(seconds=number))
    about = {"user_id": kindling.user_id, "domain_id": "d", "account_id": "a", "message_id": f"<{number}>"}
    about |= {"sent_at": instant, "created_at": instant, "sender": "kim@acme.example"}
    made = Message(id=message_id_of(kindling.user_id, f"<{number}>"), to=[to], **about)
    store.put(made)
    return made


def test_a_message_is_in_the_log_with_everything_but_its_body(kindling: Kindling) -> None:
    account = sender(kindling)
    at(kindling, "03-01T10:00:58")
    subject = "s" * 201
    kindling.clock.advance(minutes=-1)
    sent = send(kindling, "Pat <pat@example.com>", cc=["lee@example.com"], subject=subject, tags=["news"])
    assert shown(kindling, sent) == {
        "id": sent["id"],
        "message_id": sent["message_id"],
        "domain_id": account["domain_id"],
        "account_id": account["id"],
        "key_id": kindling.api.key.split("_")[2],
        "request_id": "request-1",
        "from": "kim@acme.example",
        "to": ["pat@example.com"],
        "cc": ["lee@example.com"],
        "bcc": [],
        "subject": "s" * 200,
        "tags": ["news"],
        "status": "queued",
        "sent_at": "2026-03-01T10:00:58.000Z",
        "counted_at": "2026-03-01T10:00:00.000Z",
        "recipients": [
            {"address": one, "status": "queued", "at": "2026-03-01T10:00:58.000Z"}
            for one in ("pat@example.com", "lee@example.com")
        ],
        "erased_recipients": 0,
    }
    assert kindling.api.get(EMAILS).body == {"emails": [shown(kindling, sent)]}
    # What a test key sends is simulated, and in no log.
    assert "id" not in kindling.test_api.post(SEND, email()).body
    assert listed(kindling) == [sent["id"]]


def test_reports_tell_what_became_of_each_recipient_in_whatever_order_they_come(kindling: Kindling) -> None:
    sender(kindling)
    sent = send(kindling, "pat@example.com", "max@example.com", "lee@example.com")
    tell(kindling, sent, "delivered", "pat@example.com")
    assert shown(kindling, sent)["status"] == "delivered"
    tell(kindling, sent, "sent", "pat@example.com", "max@example.com", "lee@example.com")
    bounced = {"address": "Max@example.com", "status": "5.1.1"}
    tell(kindling, sent, "bounced", bounced, **HARD)
    tell(kindling, sent, "delivered", "max@example.com")
    tell(kindling, sent, "opened")
    found = shown(kindling, sent)
    assert found["status"] == "bounced"
    outcomes = {one["address"]: (one["status"], one.get("kind")) for one in found["recipients"]}
    assert outcomes == {
        "pat@example.com": ("delivered", None),
        "max@example.com": ("bounced", "unknown_mailbox"),
        # Nobody is named as the one who opened it.
        "lee@example.com": ("delivered", None),
    }
    told = events(kindling, sent)
    assert [one["event_type"] for one in told] == ["queued", "delivered", "sent", "bounced", "delivered", "opened"]
    assert told[3] == {
        "event_type": "bounced",
        "created_at": told[3]["created_at"],
        "recipients": ["max@example.com"],
        "kind": "unknown_mailbox",
    }
    tell(kindling, sent, "complained", "pat@example.com")
    assert shown(kindling, sent)["status"] == "complained"


def test_messages_are_found_by_address_domain_time_and_outcome(kindling: Kindling) -> None:
    domain = sender(kindling)["domain_id"]
    first = send(kindling, "pat@example.com", subject="Welcome to Acme")
    second = send(kindling, "lee@example.com", bcc=["pat@example.com"], subject="News")
    third = send(kindling, "lee@example.com")
    tell(kindling, second, "bounced", "lee@example.com", **HARD)
    newest = [third["id"], second["id"], first["id"]]
    instant = shown(kindling, second)["sent_at"]
    for query, found in (
        ({}, newest),
        ({"limit": "1"}, newest),
        ({"to": "Pat@Example.com"}, [second["id"], first["id"]]),
        ({"to": "pat@example.com", "limit": "1"}, [second["id"], first["id"]]),
        ({"to": "nobody@example.com"}, []),
        ({"from": "kim@acme.example"}, newest),
        ({"from": "max@acme.example"}, []),
        ({"domain": "acme.example"}, newest),
        ({"domain": domain}, newest),
        ({"domain": "other.example"}, []),
        ({"status": "bounced"}, [second["id"]]),
        ({"status": "queued", "limit": "1"}, [third["id"], first["id"]]),
        ({"status": "bounced", "to": "pat@example.com"}, [second["id"]]),
        ({"subject": "acme"}, [first["id"]]),
        ({"since": instant}, [third["id"], second["id"]]),
        ({"until": instant}, [first["id"]]),
        ({"to": "pat@example.com", "since": instant}, [second["id"]]),
        ({"to": "pat@example.com", "until": instant}, [first["id"]]),
        ({"since": instant, "until": instant}, []),
        ({"since": "2027-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, []),
    ):
        assert listed(kindling, **query) == found, query
    for query in ({"status": "lost"}, {"to": "nobody"}, {"since": "2026-01-01T00:00:00"}, {"limit": "101"}, {"a": "b"}):
        is_refused(kindling.api("GET", EMAILS, query=query), 400, "invalid_request")


def test_tenants_and_scopes_are_kept_apart(kindling: Kindling) -> None:
    sender(kindling)
    sent = send(kindling, "pat@example.com")
    for query in ({}, {"to": "pat@example.com"}):
        assert kindling.other("GET", EMAILS, query=query).body == {"emails": []}
    absent = kindling.other.get(f"{EMAILS}/nobody")
    for path in (f"{EMAILS}/{sent['id']}", f"{EMAILS}/{sent['id']}/events"):
        is_refused(kindling.other.get(path), 404, "not_found")
        assert kindling.other.get(path).body["message"] == absent.body["message"]
        assert kindling.reader.get(path).status == 200
        is_refused(Api(issue(kindling.user_id, ["send"])).get(path), 403, "forbidden", required_scope="read")


@pytest.mark.parametrize("reaches", [True, False], ids=["taken", "refused"])
def test_a_message_whose_outcome_is_unknown_can_be_asked_about_until_a_repeat_tells(
    kindling: Kindling, reaches: bool
) -> None:
    sender(kindling)
    outbox = ("agentmail", "POST", "/v0/inboxes/*")
    kindling.world.fault(*outbox, "drop_answer")
    unclear = kindling.api.post(SEND, email(), Idempotency_Key="k").body
    kindling.world.heal()
    assert unclear["outcome"] == "unknown"
    found = shown(kindling, unclear)
    assert (found["status"], found["message_id"], found["idempotency_key"]) == ("unknown", None, "k")
    assert listed(kindling, status="unknown") == listed(kindling, to="p0@example.com") == [unclear["id"]]
    kindling.clock.advance(minutes=2)
    if reaches:
        repeated = kindling.api.post(SEND, email(), Idempotency_Key="k").body
        found = shown(kindling, unclear)
        assert (found["status"], found["message_id"]) == ("queued", repeated["message_id"])
        # Both ids find the one message, and so do reports.
        assert shown(kindling, repeated) == found
        tell(kindling, repeated, "delivered", "p0@example.com")
        assert shown(kindling, unclear)["status"] == "delivered"
    else:
        kindling.world.fault(*outbox, "refuse", status=422)
        assert kindling.api.post(SEND, email(), Idempotency_Key="k").body["outcome"] == "not_sent"
        assert shown(kindling, unclear)["status"] == "rejected"
    assert listed(kindling) == [unclear["id"]]


def test_the_log_forgets_after_its_days(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE_LOG_DAYS", "40")
    settings.cache_clear()
    message = logged(kindling, 0)
    end = message.sent + timedelta(days=40)
    items = [item for item in aws.table().scan()["Items"] if str(item["pk"]).startswith("TENANT#")]
    assert [int(str(item["expires_at"])) for item in items if item["sk"] == "MESSAGE"] == [int(end.timestamp())]
    kindling.clock.at = end - timedelta(milliseconds=1)
    assert shown(kindling, {"id": message.id})["message_id"] == "<0>"
    assert listed(kindling) == [message.id]
    kindling.clock.at = end
    is_refused(kindling.api.get(f"{EMAILS}/{message.id}"), 404, "not_found")
    assert listed(kindling) == listed(kindling, to="pat@example.com") == []


def test_a_message_keeps_150_events(kindling: Kindling) -> None:
    sender(kindling)
    sent = send(kindling, "pat@example.com")
    for _ in range(2):
        tell(kindling, sent, "delivered", "pat@example.com")
    key = {"pk": f"TENANT#{kindling.user_id}#MESSAGE#{sent['id']}", "sk": "MESSAGE"}
    one = aws.table().get_item(Key=key)["Item"]["events"][0]  # type: ignore[index]
    aws.table().update_item(
        Key=key,
        UpdateExpression="SET events = :events",
        ExpressionAttributeValues={":events": [one] * (MOST_EVENTS - 1)},
    )
    for _ in range(2):
        tell(kindling, sent, "delivered", "pat@example.com")
    assert len(events(kindling, sent)) == 1 + 150


def test_no_page_reads_more_than_2000_messages(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [{**logged(kindling, 0).model_dump(), "pk": "p#i", "sk": "MESSAGE", "expires_at": 1e12}] * 2001
    monkeypatch.setattr(store, "_all", lambda *_: iter(items))
    query = ListMessages(subject="nothing")
    page = store.page_of(kindling.user_id, query)
    assert (page.rows, page.next_cursor is not None) == ([], True)
    items.pop()
    assert store.page_of(kindling.user_id, query).next_cursor is None


def test_an_erased_address_is_in_no_message_and_stays_suppressed(kindling: Kindling) -> None:
    sender(kindling)
    alone = send(kindling, "pat@example.com", subject="Hello Pat", tags=["pat"])
    shared = send(kindling, "pat@example.com", "lee@example.com")
    other = send(kindling, "lee@example.com", subject="Hello Lee")
    tell(kindling, shared, "bounced", "pat@example.com", "lee@example.com", **HARD)
    before = shown(kindling, other)
    is_refused(kindling.reader.post(ERASE, {"email": "pat@example.com"}), 403, "forbidden", required_scope="admin")
    is_refused(kindling.test_api.post(ERASE, {"email": "pat@example.com"}), 403, "live_key_required")
    assert kindling.other.post(ERASE, {"email": "pat@example.com"}).body == {"erased": 0, "complete": True}
    assert kindling.api.post(ERASE, {"email": "Pat@example.com"}).body == {"erased": 2, "complete": True}
    assert kindling.api.post(ERASE, {"email": "pat@example.com"}).body == {"erased": 0, "complete": True}
    assert listed(kindling, to="pat@example.com") == []
    # A report that comes later brings the address back into nothing.
    tell(kindling, shared, "complained", "pat@example.com")
    found = shown(kindling, shared)
    assert (found["to"], found["erased_recipients"], found["subject"]) == (["lee@example.com"], 1, "")
    assert events(kindling, shared)[1]["recipients"] == ["lee@example.com"]
    assert shown(kindling, alone)["recipients"] == []
    assert shown(kindling, other) == before
    assert set(suppressed(kindling)) == {"pat@example.com", "lee@example.com"}
    items = [item for item in aws.table().scan()["Items"] if not str(item["sk"]).startswith("SUPPRESSION#")]
    assert not [item for item in items if "pat@example.com" in str(item)]


def test_a_report_that_comes_while_an_address_is_erased_is_kept(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender(kindling)
    sent = send(kindling, "pat@example.com", "lee@example.com")
    tell(kindling, sent, "sent", "lee@example.com")
    real = store.replace

    def late(*change: Any) -> bool:
        monkeypatch.setattr(store, "replace", real)
        tell(kindling, sent, "delivered", "lee@example.com")
        return real(*change)

    monkeypatch.setattr(store, "replace", late)
    assert kindling.api.post(ERASE, {"email": "pat@example.com"}).body == {"erased": 1, "complete": True}
    assert [one["event_type"] for one in events(kindling, sent)] == ["queued", "sent", "delivered"]
    assert listed(kindling, to="pat@example.com") == []
