"""AgentMail's webhooks: verified signatures, events counted once in any order, and their consequences."""

import base64
import hmac
import itertools
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from kindling.accounts.claims import claim_key
from kindling.domains import claims as names
from kindling.errors import StoreUnavailable
from kindling.messages import service as messages
from kindling.messages.model import Message, message_id_of
from kindling.platform import aws, clock, table
from kindling.platform.settings import settings
from kindling.warming import store as warmings
from kindling.warming.gate import Windows
from kindling.warming.model import warming_key
from kindling.webhooks import store
from tests.conftest import SECRETS, Kindling
from tests.harness.lambdas import Reply, invoke

PATH = "/webhooks/agentmail"
IDS = itertools.count()
# The name of the field with an event's content.
NAMES = {
    "sent": "send",
    "delivered": "delivery",
    "bounced": "bounce",
    "complained": "complaint",
    "rejected": "reject",
    "opened": "open",
    "clicked": "click",
}
HARD, SOFT = {"type": "Permanent", "sub_type": "General"}, {"type": "Transient", "sub_type": "MailboxFull"}
# A bounce that counts, but suppresses no address.
UNDETERMINED = {"type": "Undetermined", "sub_type": "Undetermined"}


def signature(secret: str, identity: str, sent_at: str, body: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{identity}.{sent_at}.{body}".encode(), "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"


def post(kindling: Kindling, body: str, *, identity: str = "", **headers: str | None) -> Reply:
    """Send a signed webhook; `headers` replace its own ones, None omits one."""
    identity = identity or f"msg_{next(IDS)}"
    sent_at = str(int(kindling.clock.at.timestamp()))
    own = {"id": identity, "timestamp": sent_at}
    own["signature"] = signature(SECRETS["agentmail_webhook"], identity, headers.get("timestamp") or sent_at, body)
    kept = {f"svix-{name}": value for name, value in (own | headers).items() if value is not None}
    return kindling.api("POST", PATH, raw=body, headers=kept)


def event(kind: str, recipients: list[Any] | int, inbox: str = "kim@acme.example", **content: Any) -> dict[str, Any]:
    """A new event about a message, in AgentMail's form; `recipients` may be a number."""
    everybody = [f"p{i}@example.com" for i in range(recipients)] if isinstance(recipients, int) else recipients
    content = {"inbox_id": inbox, "message_id": "<m@x>", "recipients": everybody, **content}
    return {"type": "event", "event_type": f"message.{kind}", "event_id": str(uuid.uuid4()), NAMES[kind]: content}


def deliver(kindling: Kindling, what: dict[str, Any]) -> bool:
    """Send the event; whether it was counted."""
    reply = post(kindling, json.dumps(what))
    assert (reply.status, reply.body["received"]) == (200, True), reply.body
    return bool(reply.body["counted"])


def passed(kindling: Kindling, message_id: str, inbox: str = "kim@acme.example", **changes: Any) -> Message | None:
    """Record a message as one that passes the gate now, if the first tenant has its domain; else None."""
    domain_id = names.domain_id_of(kindling.user_id, inbox.rpartition("@")[2])
    if domain_id is None:
        return None
    about = {"user_id": kindling.user_id, "account_id": "account", "domain_id": domain_id, "message_id": message_id}
    about |= {"sent_at": clock.timestamp(), "created_at": clock.timestamp()} | changes
    message = Message(id=message_id_of(about["user_id"], message_id), **about)
    messages.record(message)
    return message


def report(kindling: Kindling, kind: str, recipients: list[Any] | int, **content: Any) -> bool:
    """Report on a message that passes the gate in this minute, unless it has; whether it was counted."""
    about = {"inbox": "kim@acme.example", "message_id": f"<{kindling.clock.at:%Y-%m-%dT%H:%M}>", **content}
    passed(kindling, about["message_id"], about["inbox"])
    return deliver(kindling, event(kind, recipients, **about))


def admitted(kindling: Kindling, n: int, mailbox_provider: str = "other", name: str = "acme.example") -> None:
    """Let the domain's gate count `n` recipients now, whatever its limits."""
    domain_id = names.domain_id_of(kindling.user_id, name)
    warming = warmings.get(kindling.user_id, str(domain_id))
    assert warming
    at = Windows(f"{kindling.clock.at:%Y-%m-%dT%H:%M}")
    counts = at.counts({mailbox_provider: n})
    sent = warming.sent | {window: warming.sent.get(window, 0) + count for window, count in counts.items()}
    key = warming_key(warming.user_id, warming.domain_id)
    aws.table().update_item(Key=key, **table.assigned({"sent": sent, "minute": at.minute}))


def judge_what_is_queued() -> int:
    """Run the worker on all queued judgements; their number."""
    return len(worked("JudgeWarmingFunction", settings().judgements_queue_url))


def worked(function: str, url: str) -> list[dict[str, str]]:
    """Run a worker on all messages of its queue, none of which may fail; their bodies."""
    messages = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    records = [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]
    if records:
        assert invoke(function, {"Records": records}) == {"batchItemFailures": []}
    return records


def totals(kindling: Kindling, name: str = "acme.example") -> dict[str, int]:
    metrics = kindling.api.get(f"/v1/domains/{name}/stats").body["metrics"]
    return {
        key.removeprefix("total_"): value for key, value in metrics.items() if key.startswith("total_") and value != 0
    }


def suppressed(kindling: Kindling) -> dict[str, str]:
    rows = kindling.api.get("/v1/suppressions").body["suppressions"]
    return {row["email"]: f"{row['reason']} {row['source']}" for row in rows}


def test_only_what_the_provider_signed_a_moment_ago_is_believed(kindling: Kindling) -> None:
    kindling.verified_domain()
    body = json.dumps(event("sent", 1))
    now = kindling.clock.at

    def stamp(**shift: float) -> str:
        return str(int((now + timedelta(**shift)).timestamp()))

    other = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
    right = signature(SECRETS["agentmail_webhook"], "m", stamp(), body)
    wrong = signature(other, "m", stamp(), body)
    bad: list[dict[str, str | None]] = [
        {"signature": None},
        {"id": None},
        {"timestamp": None},
        {"id": None, "timestamp": None, "signature": None},
        {"signature": ""},
        {"signature": "v1"},
        {"signature": "v1,"},
        {"signature": "v1,not base64!"},
        {"signature": wrong},
        {"signature": right.replace("v1,", "v2,")},
        {"signature": right.replace("v1,", "v1a,")},
        {"signature": right.removeprefix("v1,")},
        {"signature": f"{wrong} {right.replace('v1,', 'v2,')}"},
        {"signature": signature(SECRETS["agentmail_webhook"], "m", stamp(), f"{body} ")},
        {"signature": signature(SECRETS["agentmail_webhook"], "another", stamp(), body)},
        {"signature": right, "timestamp": stamp(seconds=1)},
        {"timestamp": stamp(minutes=-5, seconds=-1)},
        {"timestamp": stamp(minutes=5, seconds=1)},
        {"timestamp": "yesterday"},
        {"timestamp": f"{stamp()}.5"},
        {"timestamp": "-1"},
        {"timestamp": "²"},
    ]
    sentences = set()
    for headers in bad:
        reply = post(kindling, body, identity="m", **headers)
        assert (reply.status, reply.body["error"]) == (401, "unauthorized"), headers
        sentences.add(reply.body["message"])
    assert len(sentences) == 1
    assert totals(kindling) == {}
    rotated = f"{wrong} v2,{'A' * 44} {right}"
    good: list[dict[str, str | None]] = [
        {"signature": rotated},
        {"timestamp": stamp(minutes=-5)},
        {"timestamp": stamp(minutes=5)},
    ]
    for headers in good:
        assert post(kindling, json.dumps(json.loads(body)), identity="m", **headers).status == 200, headers
    # All three deliveries were of the same event, which counts once.
    assert totals(kindling) == {"sent": 1}


def test_a_signed_body_that_is_no_event_is_refused_and_one_that_counts_nothing_is_not(kindling: Kindling) -> None:
    kindling.verified_domain()
    kindling.api.post("/v1/domains", {"domain": "unverified.example"}, Prefer="respond-async")
    sent = event("sent", 1)
    bodies = [
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        json.dumps({"event_type": 7}),
        json.dumps({"event_type": "message.sent"}),
        json.dumps({"event_type": "message.sent", "send": "x"}),
        json.dumps({"event_type": "message.sent", "send": {"recipients": ["a@example.com"]}}),
        json.dumps(sent | {"send": sent["send"] | {"recipients": "a@example.com"}}),
        json.dumps(sent | {"send": sent["send"] | {"timestamp": "soon"}}),
        json.dumps({"event_type": "domain.verified"}),
        json.dumps({"event_type": "domain.verified", "domain": {"domain": ""}}),
    ]
    for body in bodies:
        reply = post(kindling, body)
        assert (reply.status, reply.body["error"]) == (400, "invalid_request"), body
    for ignored in (
        {"event_type": "message.received", "message": {}},
        {"event_type": "something.new"},
        {"event_type": "domain.verified", "domain": {"domain": "nobody.example"}},
        event("sent", 3, inbox="kim@nobody.example"),
        event("sent", 3, inbox="kim@unverified.example"),
    ):
        assert deliver(kindling, ignored) is False, ignored
    assert totals(kindling) == {}
    assert suppressed(kindling) == {}


def test_each_event_counts_once_however_often_and_in_whatever_order_it_comes(kindling: Kindling) -> None:
    story: list[tuple[str, list[Any] | int, dict[str, str]]] = [
        ("sent", 5, {}),
        ("delivered", 3, {}),
        ("bounced", [{"address": "Hard@Example.com", "status": "5.1.1"}], HARD),
        ("bounced", ["soft@example.com"], SOFT),
        ("complained", ["spam@example.com"], {"type": "abuse", "sub_type": "spam"}),
        ("complained", ["happy@example.com"], {"type": "not-spam"}),
        ("complained", ["glad@example.com"], {"type": "abuse", "sub_type": "not-spam"}),
        ("rejected", ["bad@example.com"], {}),
        ("opened", ["p1@example.com"], {}),
        ("clicked", ["p1@example.com"], {}),
    ]
    expected = {
        "sent": 5, "delivered": 3, "bounced": 2, "hard_bounce": 1, "soft_bounce": 1, "unknown_mailbox": 1,
        "complaints": 1, "rejected": 1, "opened": 1, "clicked": 1,
    }  # fmt: skip
    orders = [list(range(10)), [5, 2, 9, 8, 7, 4, 1, 0, 3, 6]]
    for number, order in enumerate(orders):
        name = f"d{number}.example"
        kindling.verified_domain(name)
        about = {"inbox": f"kim@{name}", "message_id": f"<{name}>"}
        assert passed(kindling, f"<{name}>", f"kim@{name}")
        events = [event(kind, who, **about, **more) for kind, who, more in story]
        counted = [deliver(kindling, events[i]) for i in order]
        assert counted == [i not in (5, 6) for i in order]
        assert [deliver(kindling, events[i]) for i in (0, 2, 4, 8)] == [False] * 4
        assert totals(kindling, name) == expected
    assert suppressed(kindling) == {
        "hard@example.com": "hard_bounce webhook",
        "spam@example.com": "complaint webhook",
    }


def test_an_event_without_an_id_is_known_by_that_of_its_webhook_and_an_open_by_its_message(kindling: Kindling) -> None:
    kindling.verified_domain()
    body = json.dumps({name: value for name, value in event("sent", 2).items() if name != "event_id"})
    assert [post(kindling, body, identity=identity).body["counted"] for identity in ("a", "a", "b")] == [
        True,
        False,
        True,
    ]
    # An event without recipients counts as one recipient of the message.
    assert report(kindling, "bounced", [], **HARD)
    assert (totals(kindling), suppressed(kindling)) == ({"sent": 4, "bounced": 1, "hard_bounce": 1}, {})
    assert [report(kindling, "opened", [], message_id="<0>") for _ in range(2)] == [True, False]
    for kind in ("opened", "clicked"):
        assert report(kindling, kind, ["p1@example.com"], message_id="<1>") is True
        assert report(kindling, kind, ["p1@example.com"], message_id="<1>") is False
        assert report(kindling, kind, ["p2@example.com"], message_id="<1>") is True
        assert report(kindling, kind, ["p1@example.com"], message_id="<2>") is True
    assert totals(kindling) == {"sent": 4, "bounced": 1, "hard_bounce": 1, "opened": 4, "clicked": 3}


@pytest.mark.parametrize("hours", [0.1, 30])
def test_an_event_about_an_unknown_message_counts_on_the_day_on_which_it_happened(
    kindling: Kindling, hours: float
) -> None:
    kindling.verified_domain()
    kindling.clock.at = datetime.fromisoformat("2026-03-11T00:00:00+00:00")
    kindling.clock.advance(hours=hours)
    happened = {
        "2026-03-10T23:59:59.999Z": "2026-03-10",
        "2026-03-11T00:59:59+01:00": "2026-03-10",
        "2026-03-11T00:00:00Z": "2026-03-11",
        "2026-03-10T20:00:00-05:00": "2026-03-11",
    }
    for at in happened:
        assert deliver(kindling, event("sent", 1, timestamp=at))
    strange = ["2026-02-01T00:00:00Z", "2030-01-01T00:00:00Z", "2026-03-10T10:00:00", None]
    for odd in strange:
        assert deliver(kindling, event("delivered", 1, timestamp=odd))
    stats = kindling.api.get("/v1/domains/acme.example/stats/daily", days="3").body["stats"]
    assert {day["date"]: day["total_sent"] for day in stats if day["total_sent"]} == {
        "2026-03-10": 2,
        "2026-03-11": 2,
    }
    # An impossible timestamp counts on the day of delivery.
    today = kindling.clock.at.date().isoformat()
    assert {day["date"]: day["total_delivered"] for day in stats if day["total_delivered"]} == {today: 4}


def test_a_bounce_has_the_domain_judged_at_once_and_a_delivery_does_not(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    assert report(kindling, "sent", 200)
    assert report(kindling, "delivered", 140)
    assert judge_what_is_queued() == 0
    bounced = event("bounced", 60, message_id="<late>", **UNDETERMINED)
    assert passed(kindling, "<late>")
    assert deliver(kindling, bounced)
    assert judge_what_is_queued() == 1
    # The first delivery may have failed after counting and before queueing.
    assert not deliver(kindling, bounced)
    assert judge_what_is_queued() == 1
    assert kindling.api.get(f"/v1/domains/{domain['id']}/warming").body["phase"] == "suspended"


@pytest.mark.parametrize("kind", ["bounced", "complained", "rejected"])
def test_a_report_that_may_stop_a_domain_queues_its_judgement(kindling: Kindling, kind: str) -> None:
    kindling.verified_domain()
    for details in (SOFT, HARD):
        assert report(kindling, kind, 1, **details)
        assert judge_what_is_queued() == 1


def test_an_address_that_is_only_reserved_has_sent_nothing(kindling: Kindling) -> None:
    kindling.verified_domain()
    rival = {"status": "reserved", "user_id": "somebody", "account_id": "a", "domain_id": "elsewhere"}
    aws.table().put_item(Item={**claim_key("kim@acme.example"), **rival})
    assert report(kindling, "sent", 1)
    assert totals(kindling) == {"sent": 1}


def test_suppressions_that_a_webhook_made_keep_out_later_mail_of_that_tenant_alone(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert kindling.api.post("/v1/suppressions", {"email": "hard@example.com", "reason": "unsubscribe"}).status == 201
    assert report(kindling, "bounced", ["HARD@example.com", "new@example.com", "new@example.com"], **HARD)
    assert suppressed(kindling) == {
        "hard@example.com": "unsubscribe api",
        "new@example.com": "hard_bounce webhook",
    }
    assert kindling.other.get("/v1/suppressions").body["total"] == 0
    assert report(kindling, "complained", ["angry@example.com"])
    assert suppressed(kindling)["angry@example.com"] == "complaint webhook"
    assert kindling.api("DELETE", "/v1/suppressions/new@example.com").status == 200
    # A second delivery of the event does not add the entry again.
    assert "new@example.com" not in suppressed(kindling)


@pytest.mark.usefixtures("steady_clock")
@pytest.mark.parametrize(("actions", "sizes"), [(99, [100]), (100, [100, 2]), (250, [100, 100, 53])])
def test_what_an_event_changes_fits_into_its_transactions(
    monkeypatch: pytest.MonkeyPatch, actions: int, sizes: list[int]
) -> None:
    written: list[int] = []
    monkeypatch.setattr(table, "transact", lambda part: written.append(len(part)))
    assert store.once("e", [{"Put": {"Item": {}}}] * actions)
    assert written == sizes


def test_an_event_about_many_recipients_counts_once_and_is_completed_by_its_repetition(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    kindling.verified_domain()
    monkeypatch.setattr(store, "MOST", 4)
    complained = event("complained", 12)
    written, parts = table.transact, itertools.count(1)

    def lost(actions: table.Part) -> None:
        if next(parts) == 3:
            raise StoreUnavailable("No.")
        written(actions)

    with monkeypatch.context() as patch:
        patch.setattr(table, "transact", lost)
        assert post(kindling, json.dumps(complained)).status == 503
    assert (totals(kindling), len(suppressed(kindling))) == ({"complaints": 12}, 6)
    assert [deliver(kindling, complained) for _ in range(2)] == [True, False]
    assert (totals(kindling), len(suppressed(kindling))) == ({"complaints": 12}, 12)
    # What its tenant has taken off the list since is not put back by another repetition.
    assert kindling.api("DELETE", "/v1/suppressions/p11@example.com").status == 200
    assert not deliver(kindling, complained)
    assert len(suppressed(kindling)) == 11


def test_an_open_by_many_recipients_is_known_again(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert [report(kindling, "opened", 200) for _ in range(2)] == [True, False]
    assert totals(kindling) == {"opened": 200}


def test_the_providers_word_that_a_domain_is_verified_has_it_looked_at(kindling: Kindling) -> None:
    kindling.world.set(domain_states={"new.example": {"status": "VERIFYING"}})
    domain = kindling.api.post("/v1/domains", {"domain": "new.example", "type": "both"}).body
    assert (domain["verified"], kindling.api.get("/v1/domains/new.example/warming").body["phase"]) == (
        False,
        "not_started",
    )
    verified = {"event_type": "domain.verified", "domain": {"domain": "New.Example"}}
    url = settings().verifications_queue_url
    # The event only triggers a check: the status comes from the provider.
    assert deliver(kindling, verified)
    assert len(worked("CheckDomainFunction", url)) == 1
    assert kindling.api.get("/v1/domains/new.example").body["verified"] is False
    kindling.world.set(domain_states={"new.example": {"status": "VERIFIED"}})
    assert deliver(kindling, verified)
    assert len(worked("CheckDomainFunction", url)) == 1
    assert kindling.api.get("/v1/domains/new.example").body["verified"] is True
    assert kindling.api.get("/v1/domains/new.example/warming").body["phase"] == "phase_1"
    assert deliver(kindling, verified)
    assert len(worked("CheckDomainFunction", url)) == 1
    assert len(kindling.api.get("/v1/domains/new.example/warming/history").body["history"]) == 1
