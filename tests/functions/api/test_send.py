"""POST /v1/send: permissions, limits, and that a message is sent at most once."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from kindling import providers
from kindling.accounts import claims
from kindling.accounts.model import ProvisionAccount
from kindling.errors import ProviderRefused
from kindling.platform import aws
from kindling.sending import service
from kindling.sending.model import SendEmail
from tests.conftest import Kindling, issue
from tests.functions.test_webhooks import UNDETERMINED, judge_what_is_queued, report
from tests.harness.lambdas import Api, Reply

SEND, ACCOUNTS = "/v1/send", "/api/email/accounts"
OUTBOX = "/v0/inboxes/*"
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}


def sender(kindling: Kindling, name: str = "acme.example", *, ready: bool = True) -> dict[str, Any]:
    """The account kim@… of a domain in its first phase; when `ready`, it may send without warmup."""
    # Claims are cached.
    service._claims.clear()
    account = kindling.account("kim", kindling.verified_domain(name))
    if ready:
        assert kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"warmup_enabled": False}).status == 200
    return account


def email(to: int | list[str] = 1, name: str = "acme.example", user: str = "kim", **fields: Any) -> dict[str, Any]:
    """A message from user@name; `to` may be a number of recipients."""
    everybody = [f"p{i}@example.com" for i in range(to)] if isinstance(to, int) else to
    return {"from": f"{user}@{name}", "to": everybody, "subject": "Hello", "text_body": "Hello Pat", **fields}


def sent(kindling: Kindling) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = kindling.world.inventory()["agentmail"]["messages"]
    return messages


def used(kindling: Kindling, name: str = "acme.example") -> int:
    shown = kindling.api.get(f"/v1/domains/{name}/warming").body
    return int(shown["today_sent"])


def at(kindling: Kindling, instant: str) -> None:
    kindling.clock.at = datetime.fromisoformat(f"2026-{instant}+00:00")


def is_refused(reply: Reply, status: int, code: str, **extras: Any) -> None:
    assert (reply.status, reply.body["error"]) == (status, code), reply.body
    assert reply.body["message"]
    assert reply.body["request_id"] == reply.headers["X-Request-ID"]
    assert {name: reply.body.get(name) for name in extras} == extras


def is_limited(reply: Reply, limit_type: str, limit: int, used: int, seconds: int) -> None:
    """Whether the answer is the documented 429, with its header."""
    message = f"{limit_type.replace('_', '-')} sending limit exceeded"
    assert (reply.status, reply.headers.get("Retry-After")) == (429, str(seconds)), reply.body
    assert reply.body == {
        "error": "rate_limit_exceeded",
        "message": message,
        "limit_type": limit_type,
        "limit": limit,
        "used": used,
        "retry_after_seconds": seconds,
        "warming_phase": "phase_1",
        "request_id": "request-1",
    }


@contextmanager
def calls() -> Iterator[list[str]]:
    """The names of the calls to DynamoDB within the block."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        seen.append(model.name)

    clients = (aws.table().meta.client, aws.table_without_retries().meta.client, aws.dynamodb_client())
    events = [client.meta.events for client in clients]
    for one in events:
        one.register("before-call.dynamodb", note)
    try:
        yield seen
    finally:
        for one in events:
            one.unregister("before-call.dynamodb", note)


def suspend(kindling: Kindling, name: str = "acme.example") -> None:
    """Suspend the domain by its bounces."""
    assert report(kindling, "sent", 200, inbox=f"kim@{name}")
    assert report(kindling, "bounced", 60, inbox=f"kim@{name}", **UNDETERMINED)
    assert judge_what_is_queued() == 1


def follow_a_day_of(kindling: Kindling, n: int) -> None:
    """A schedule whose whole day may go out in one minute."""
    plan = {"steps": [dict.fromkeys(("daily_limit", "hourly_limit", "per_minute_limit"), n)]}
    phases = {f"phase_{number}": plan | {"min_days": 60, "min_volume": 1} for number in (1, 2, 3, 4)}
    assert kindling.api("PUT", "/v1/warming/schedules", {"phases": phases}).status == 200


def test_a_message_leaves_with_everything_that_it_says_and_each_recipient_counts(kindling: Kindling) -> None:
    account = sender(kindling)
    assert kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"display_name": "Kim Lee"}).status == 200
    attached = {"filename": "a.txt", "content": base64.b64encode(b"hi").decode(), "content_type": "text/plain"}
    reply = kindling.api.post(
        SEND,
        {
            "from": "Kim Lee <KIM@acme.example>",
            "to": ["Pat <Pat@Example.com>"],
            "cc": [' "Lee, \\"Moss\\"" <lee@bücher.example>'],
            "bcc": ["max@example.com"],
            "reply_to": "Zoë <desk@acme.example>",
            "subject": "Hello",
            "html_body": "<p>Hello</p>",
            "text_body": "Hello",
            "headers": {"X-Campaign": "spring"},
            "tags": ["spring"],
            "attachments": [attached],
        },
    )
    assert (reply.status, reply.body["status"], set(reply.body)) == (202, "queued", {"id", "message_id", "status"})
    [message] = sent(kindling)
    wanted = {
        "message_id": reply.body["message_id"],
        "inbox_id": "kim@acme.example",
        "to": ['"Pat" <pat@example.com>'],
        "cc": ['"Lee, \\"Moss\\"" <lee@xn--bcher-kva.example>'],
        "bcc": ["max@example.com"],
        "reply_to": ['"Zoë" <desk@acme.example>'],
        "subject": "Hello",
        "html": "<p>Hello</p>",
        "text": "Hello",
        "headers": {"X-Campaign": "spring"},
        "labels": ["sent", "spring"],
    }
    assert {name: message[name] for name in wanted} == wanted
    assert (message["attachments"][0]["filename"], message["attachments"][0]["size"]) == ("a.txt", 2)
    assert used(kindling) == 3
    # A recipient listed twice is counted twice: never fewer are counted than sent to.
    assert kindling.api.post(SEND, email(["pat@example.com"] * 2)).status == 202
    assert used(kindling) == 5


def test_a_name_in_from_is_the_accounts_own_or_refused(kindling: Kindling) -> None:
    account = sender(kindling)
    named = email() | {"from": "Kim <kim@acme.example>"}
    for own in (None, "Kim Lee", "kim"):
        if own:
            assert kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"display_name": own}).status == 200
        reply = kindling.api.post(SEND, named)
        is_refused(reply, 400, "invalid_request")
        assert [problem["field"] for problem in reply.body["fields"]] == ["from"]
        assert repr(own) in reply.body["message"] if own else "no display name" in reply.body["message"]
    assert (sent(kindling), used(kindling)) == ([], 0)
    assert kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"display_name": "Kim"}).status == 200
    for text in ("Kim <kim@acme.example>", '"Kim" <KIM@acme.example>', "<kim@acme.example>", "kim@acme.example"):
        assert kindling.api.post(SEND, email() | {"from": text}).status == 202, text


def test_a_suppressed_recipient_is_found_under_any_display_name(kindling: Kindling) -> None:
    sender(kindling)
    assert kindling.api.post("/v1/suppressions", {"email": "pat@bücher.example"}).status == 201
    for text in ("Pat <PAT@bücher.example>", '"a <b" <pat@xn--bcher-kva.example>'):
        reply = kindling.api.post(SEND, email([text]))
        is_refused(reply, 422, "recipients_suppressed", suppressed=["pat@xn--bcher-kva.example"])


BAD: list[tuple[str, dict[str, Any]]] = [
    ("from", {"from": "kim"}),
    ("from", {"from": None}),
    ("to", {"to": []}),
    ("to", {"to": "pat@example.com"}),
    ("to.0", {"to": ["pat@localhost"]}),
    ("to.1", {"to": ["pat@example.com", "a@b.example\r\nBcc: x@y.example"]}),
    ("to", {"to": ["pat@example.com"] * 51}),
    ("body", {"to": ["pat@example.com"] * 26, "bcc": ["max@example.com"] * 25}),
    ("cc.0", {"cc": ["nobody"]}),
    ("body", {"text_body": None}),
    ("body", {"text_body": ""}),
    ("subject", {"subject": "Hello\nBcc: x@y.example"}),
    ("subject", {"subject": "x" * 999}),
    ("headers", {"headers": {"Bcc": "x@y.example"}}),
    ("headers", {"headers": {"X A": "x"}}),
    ("headers.X-A", {"headers": {"X-A": "x\r\nBcc: x@y.example"}}),
    ("tags.0", {"tags": [""]}),
    ("attachments.0.content", {"attachments": [{"filename": "a", "content": "no base64!"}]}),
    ("attachments", {"attachments": [{"filename": "a", "content": ""}] * 11}),
    ("template", {"template": "welcome"}),
    ("metadata", {"metadata": {}}),
]


def test_a_message_that_is_not_one_is_refused_by_field(kindling: Kindling) -> None:
    sender(kindling)
    for field, fields in BAD:
        reply = kindling.api.post(SEND, {**email(), **fields})
        is_refused(reply, 400, "invalid_request")
        assert [problem["field"] for problem in reply.body["fields"]] == [field], reply.body
    assert (sent(kindling), used(kindling)) == ([], 0)


def test_a_header_that_the_message_or_its_provider_sets_is_refused() -> None:
    of_fields = ("From", "To", "Cc", "Bcc", "Subject", "Reply-To")
    for name in (*of_fields, "Sender", "Date", "Message-ID", "Return-Path", "DKIM-Signature"):
        with pytest.raises(ValidationError, match=name):
            SendEmail.model_validate(email(headers={name: "x"}))


def test_a_message_may_be_as_large_as_its_limits() -> None:
    attached = [{"filename": "a", "content": ""}] * 10
    largest = SendEmail.model_validate(email(25, bcc=["max@example.com"] * 25, subject="x" * 998, attachments=attached))
    assert len(largest.recipients) == 50
    assert len(SendEmail.model_validate(email(50)).to) == 50


def test_nobody_sends_from_an_address_that_is_not_their_own(kindling: Kindling) -> None:
    account = sender(kindling)
    absent = kindling.api.post(SEND, email(user="lee"))
    is_refused(absent, 403, "unknown_sender")
    foreign = kindling.other.post(SEND, email())
    is_refused(foreign, 403, "unknown_sender")
    assert foreign.body["message"] == absent.body["message"].replace("lee", "kim")
    sends_only = Api(issue(kindling.user_id, ["send"]))
    assert sends_only.post(SEND, email()).status == 202
    is_refused(sends_only.get("/v1/domains/acme.example/warming"), 403, "forbidden", required_scope="read")
    is_refused(kindling.reader.post(SEND, email()), 403, "forbidden", required_scope="send")
    assert len(sent(kindling)) == 1
    assert kindling.api("DELETE", f"{ACCOUNTS}/{account['id']}").status == 200
    is_refused(kindling.api.post(SEND, email()), 403, "unknown_sender")


def test_an_address_that_was_only_reserved_is_looked_up_again(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    service._claims.clear()
    names = {"domain_id": domain["id"], "domain": domain["domain"], "username": "kim"}
    undone = ProvisionAccount(**kindling._operation("kim"), account_id="undone", **names)
    claims.reserve(undone)
    is_refused(kindling.api.post(SEND, email()), 403, "unknown_sender")
    claims.release(undone.address, undone.account_id)
    account = kindling.account("kim", domain)
    assert kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"warmup_enabled": False}).status == 200
    assert kindling.api.post(SEND, email()).status == 202


def test_an_account_sends_once_it_is_warm_or_its_owner_will_not_wait(kindling: Kindling) -> None:
    banned = sender(kindling, "two.example", ready=False)
    kindling.world.set(warmup_states={"kim@two.example": -1})
    account = sender(kindling, ready=False)
    path = f"{ACCOUNTS}/{account['id']}"
    is_refused(kindling.api.post(SEND, email()), 403, "account_not_active")
    is_refused(kindling.test_api.post(SEND, email()), 403, "account_not_active")
    assert kindling.api.patch(path, {"warmup_enabled": False}).status == 200
    assert kindling.api.post(SEND, email()).status == 202
    kindling.clock.advance(seconds=2)
    assert kindling.api.patch(path, {"warmup_enabled": True}).status == 200
    is_refused(kindling.api.post(SEND, email()), 403, "account_not_active")
    kindling.clock.advance(days=30)
    kindling.api.get(f"{ACCOUNTS}/warmup-analytics")
    assert kindling.api.get(path).body["account"]["status"] == "active"
    assert kindling.api.post(SEND, email()).status == 202
    # A banned account cannot send even with its warmup switched off.
    assert kindling.api.get(f"{ACCOUNTS}/{banned['id']}").body["account"]["warmup_status"] == "banned"
    kindling.api.patch(f"{ACCOUNTS}/{banned['id']}", {"warmup_enabled": False})
    is_refused(kindling.api.post(SEND, email(name="two.example")), 403, "account_not_active")
    assert len(sent(kindling)) == 2


def test_a_warmup_that_is_switched_off_and_on_at_once_is_what_its_row_says(kindling: Kindling) -> None:
    path = f"{ACCOUNTS}/{sender(kindling, ready=False)['id']}"
    assert kindling.api.patch(path, {"warmup_enabled": False}).status == 200
    # The provider may still run the job of the first call: the second one fails, or succeeds in the end.
    assert kindling.api.patch(path, {"warmup_enabled": True}).status in (200, 502)
    kindling.clock.advance(minutes=5)
    [account] = kindling.world.inventory()["instantly"]["accounts"]
    assert kindling.api.get(path).body["account"]["warmup_enabled"] is (account["warmup_status"] == 1)


def test_a_domain_sends_while_it_is_verified_switched_on_outbound_and_not_stopped(kindling: Kindling) -> None:
    account = sender(kindling)
    path, row = "/v1/domains/acme.example", f"/api/email/domains/{account['domain_id']}"
    for change in ({"active": False}, {"type": "inbound"}, {"type": "alias"}):
        assert kindling.api("PUT", path, change).status == 200
        is_refused(kindling.api.post(SEND, email()), 403, "domain_not_sending")
        assert kindling.api("PUT", path, {"active": True, "type": "outbound"}).status == 200
    assert kindling.api.patch(row, {"status": "failed"}).status == 200
    is_refused(kindling.api.post(SEND, email()), 403, "domain_not_sending")
    kindling.api.post(f"{path}/verify")
    assert kindling.api.post(f"{path}/warming/pause").status == 200
    is_refused(kindling.api.post(SEND, email(), Idempotency_Key="p1"), 403, "warming_paused", warming_phase="paused")
    assert kindling.api.post(f"{path}/warming/resume").status == 200
    assert kindling.api.post(SEND, email(), Idempotency_Key="p1").status == 202
    suspend(kindling)
    is_refused(kindling.api.post(SEND, email()), 403, "warming_suspended", warming_phase="suspended")
    aws.table().update_item(
        Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"WARMING#{account['domain_id']}"},
        UpdateExpression="SET phase = :rest",
        ExpressionAttributeValues={":rest": "not_started"},
    )
    is_refused(kindling.api.post(SEND, email()), 403, "warming_not_started", warming_phase="not_started")
    assert (len(sent(kindling)), used(kindling)) == (1, 1)


def test_minute_hour_and_day_each_have_their_limit_until_the_clock_says_so(kindling: Kindling) -> None:
    sender(kindling)
    post = kindling.api.post
    at(kindling, "03-01T10:00:15")
    assert post(SEND, email(3, cc=["c@example.com"], bcc=["b@example.com"])).status == 202
    is_limited(post(SEND, email()), "per_minute", 5, 5, 45)
    at(kindling, "03-01T10:00:59.500")
    is_limited(post(SEND, email()), "per_minute", 5, 5, 1)
    at(kindling, "03-01T10:01:00")
    is_limited(post(SEND, email(46)), "daily", 50, 5, 14 * 3600 - 60)
    # A message is admitted whole or not at all; a smaller one still fits.
    is_limited(post(SEND, email(6)), "hourly", 10, 5, 59 * 60)
    assert post(SEND, email(2)).status == 202
    is_limited(post(SEND, email(4)), "hourly", 10, 7, 59 * 60)
    assert post(SEND, email(3)).status == 202
    is_limited(post(SEND, email()), "hourly", 10, 10, 59 * 60)
    is_limited(post(SEND, email(41)), "daily", 50, 10, 14 * 3600 - 60)
    for hour in (11, 12, 13, 14):
        for minute in (0, 1):
            at(kindling, f"03-01T{hour}:0{minute}:00")
            assert post(SEND, email(5)).status == 202
    is_limited(post(SEND, email()), "daily", 50, 50, 9 * 3600 + 59 * 60)
    at(kindling, "03-01T23:59:59.999")
    is_limited(post(SEND, email()), "daily", 50, 50, 1)
    assert (used(kindling), sum(len(m["to"]) for m in sent(kindling))) == (50, 48)
    at(kindling, "03-02T00:00:00")
    assert post(SEND, email(5)).status == 202
    assert used(kindling) == 5
    # A clock that is behind does not count in a past window.
    at(kindling, "03-01T23:59:30")
    is_limited(post(SEND, email()), "per_minute", 5, 5, 90)
    assert kindling.api.get("/v1/domains/acme.example/warming").body["today_sent"] == 5


def test_an_admitted_message_costs_two_writes_and_the_refusals_of_ten_seconds_one(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T10:58:00")
    assert kindling.api.post(SEND, email()).status == 202
    for instant in ("10:58:10", "10:58:20", "10:59:00", "10:59:01", "11:00:00", "11:00:01"):
        at(kindling, f"03-01T{instant}")
        # The quota's lease is a write of its own, but not for every message.
        kindling.hold_a_lease()
        with calls() as seen:
            assert kindling.api.post(SEND, email(2)).status == 202
        # The gate's decision, and the message that reports will be about.
        assert [name for name in seen if name in WRITES] == ["UpdateItem", "TransactWriteItems"], instant
    at(kindling, "03-01T11:00:02")
    kindling.hold_a_lease()
    with calls() as seen:
        for _ in range(3):
            is_limited(kindling.api.post(SEND, email(2)), "per_minute", 5, 4, 58)
    assert seen == ["BatchGetItem", "UpdateItem", "BatchGetItem", "BatchGetItem"]
    assert kindling.api.post(SEND, email(1)).status == 202
    at(kindling, "03-01T11:01:00")
    assert kindling.api.post(SEND, email(5)).status == 202
    # What had gathered was counted with the message that was admitted.
    for second, writes in ((1, 0), (9, 0), (10, 1), (59, 1), (62, 0), (130, 1)):
        at(kindling, f"03-01T11:0{1 + second // 60}:{second % 60:02}")
        kindling.hold_a_lease()
        with calls() as seen:
            assert kindling.api.post(SEND, email()).status == 429
        assert seen == ["BatchGetItem", *["UpdateItem"] * writes], second


def test_a_stop_is_seen_by_the_next_message_also_after_a_refusal(kindling: Kindling) -> None:
    account = sender(kindling)
    path, account_path = "/v1/domains/acme.example", f"{ACCOUNTS}/{account['id']}"
    at(kindling, "03-01T10:00:00")
    assert kindling.api.post(SEND, email(5)).status == 202

    def stopped(act: Reply, status: int, code: str) -> None:
        assert act.status == 200, act.body
        is_refused(kindling.api.post(SEND, email()), status, code)

    def limited(act: Reply | None = None) -> None:
        assert act is None or act.status == 200, act.body
        is_limited(kindling.api.post(SEND, email()), "per_minute", 5, 5, 60)

    limited()
    stopped(kindling.api.post(f"{path}/warming/pause"), 403, "warming_paused")
    limited(kindling.api.post(f"{path}/warming/resume"))
    stopped(kindling.api("PUT", path, {"active": False}), 403, "domain_not_sending")
    limited(kindling.api("PUT", path, {"active": True}))
    suspend(kindling)
    is_refused(kindling.api.post(SEND, email()), 403, "warming_suspended")
    limited(kindling.api.post(f"{path}/warming/start", {"force": True}))
    stopped(kindling.api("DELETE", account_path), 403, "unknown_sender")


def test_a_lowered_limit_is_seen_by_the_next_message(kindling: Kindling) -> None:
    follow_a_day_of(kindling, 10)
    sender(kindling)
    assert kindling.api.post(SEND, email(5)).status == 202
    assert kindling.api.post(SEND, email(6)).body["limit"] == 10
    follow_a_day_of(kindling, 5)
    assert kindling.api.post(SEND, email(1)).body["limit"] == 5


def test_quota_that_is_given_back_is_there_at_once(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    follow_a_day_of(kindling, 5)
    sender(kindling)

    def refuse(*_: object, **__: object) -> str:
        assert kindling.api.post(SEND, email(3)).status == 429
        raise ProviderRefused("No.")

    with monkeypatch.context() as patch:
        patch.setattr(providers.mail(), "send_message", refuse)
        is_refused(kindling.api.post(SEND, email(3)), 502, "provider_refused", outcome="not_sent")
    assert kindling.api.post(SEND, email(3)).status == 202


def test_one_suppressed_recipient_stops_the_whole_message(kindling: Kindling) -> None:
    sender(kindling)
    assert kindling.api.post("/v1/suppressions", {"email": "P1@example.com"}).status == 201
    assert kindling.other.post("/v1/suppressions", {"email": "p0@example.com"}).status == 201
    for reply in (
        kindling.api.post(SEND, email(3)),
        kindling.api.post(SEND, email(1, cc=["Pat <p1@EXAMPLE.com>"])),
        kindling.api.post(SEND, email(1, bcc=["p1@example.com"])),
        kindling.test_api.post(SEND, email(2)),
    ):
        is_refused(reply, 422, "recipients_suppressed", suppressed=["p1@example.com"])
    assert (sent(kindling), used(kindling)) == ([], 0)
    assert kindling.api("DELETE", "/v1/suppressions/p1@example.com").status == 200
    assert kindling.api.post(SEND, email(3)).status == 202


def test_a_definite_no_of_the_provider_gives_the_quota_back(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T10:00:00")
    kindling.world.set(rejected_recipients=["p4@example.com"])
    is_refused(kindling.api.post(SEND, email(5)), 502, "provider_refused", outcome="not_sent")
    assert used(kindling) == 0
    # The provider's rate limit: the message was certainly not sent.
    at(kindling, "03-01T10:00:57")
    kindling.world.fault("agentmail", "POST", OUTBOX, "rate_limit", seconds=2)
    is_refused(kindling.api.post(SEND, email(4)), 502, "provider_unavailable", outcome="not_sent")
    assert (kindling.clock.at.minute, used(kindling)) == (1, 0)
    kindling.world.heal()
    at(kindling, "03-01T10:02:00")
    assert kindling.api.post(SEND, email(4)).status == 202
    is_limited(kindling.api.post(SEND, email(2)), "per_minute", 5, 4, 60)
    assert (used(kindling), len(sent(kindling))) == (4, 1)


def test_a_test_key_reaches_nobody_and_touches_no_quota(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T10:00:00")
    simulated = [kindling.test_api.post(SEND, email(20)) for _ in range(3)]
    assert kindling.api.post(SEND, email(5)).status == 202
    assert kindling.api.post(SEND, email(5)).status == 429
    simulated.append(kindling.test_api.post(SEND, email(5)))
    for reply in simulated:
        assert reply.status == 202, reply.body
        expected = {"message_id": reply.body["message_id"], "status": "simulated", "environment": "test"}
        assert reply.body == expected
    assert len({reply.body["message_id"] for reply in simulated}) == 4
    assert (used(kindling), len(sent(kindling))) == (5, 1)
    replayed = [kindling.test_api.post(SEND, email(5), Idempotency_Key="k1").body for _ in range(2)]
    assert replayed[0] == replayed[1]
    is_refused(kindling.test_api.post(SEND, email(user="lee")), 403, "unknown_sender")
