"""Where a report counts: on the day of sending, for the domain that sent, by the class of the recipient."""

import json
from datetime import timedelta
from typing import Any

import pytest

from kindling.errors import StoreUnavailable
from kindling.messages import service as messages
from kindling.messages.model import message_id_of, message_key
from kindling.platform import aws, clock, table
from kindling.platform.settings import settings
from tests.conftest import Kindling
from tests.functions.api.test_send import at, calls, email, sender, sent
from tests.functions.test_webhooks import (
    HARD,
    SOFT,
    deliver,
    event,
    judge_what_is_queued,
    passed,
    post,
    suppressed,
    totals,
)

STATS = "/v1/domains/acme.example/stats"


def send(kindling: Kindling, to: list[str] | int = 1, **headers: str) -> str:
    """Send through the gate; the message's id."""
    reply = kindling.api.post("/v1/send", email(to), **headers)
    assert reply.status == 202, reply.body
    return str(reply.body["message_id"])


def by_day(kindling: Kindling, total: str) -> dict[str, int]:
    stats = kindling.api.get(f"{STATS}/daily").body["stats"]
    return {day["date"]: day[f"total_{total}"] for day in stats if day[f"total_{total}"]}


def by_class(kindling: Kindling, total: str) -> dict[str, int]:
    stats = kindling.api.get(f"{STATS}/isp").body["stats"]
    return {entry["isp"]: entry[f"total_{total}"] for entry in stats if entry[f"total_{total}"]}


def item_of(kindling: Kindling, message_id: str) -> dict[str, Any]:
    item = table.get(message_key(kindling.user_id, message_id_of(kindling.user_id, message_id))) or {}
    # A message that was completed stands where it was before its id was known.
    return table.get(message_key(kindling.user_id, item["alias"])) or {} if "alias" in item else item


def sizes(prefix: str) -> list[int]:
    """The sizes of the items whose sort key begins so, in bytes, about as DynamoDB counts them."""
    items = [item for item in aws.table().scan()["Items"] if str(item["sk"]).startswith(prefix)]
    return [sum(len(name) + (len(v) if isinstance(v, str) else 4) for name, v in item.items()) for item in items]


def queued() -> set[tuple[str, str]]:
    """The domains whose judgement is queued, each with its tenant; the queue is empty then."""
    url = settings().judgements_queue_url
    found = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for one in found:
        aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    keys = [json.loads(one["Body"]) for one in found]
    return {(key["pk"].removeprefix("TENANT#"), key["sk"].removeprefix("WARMING#")) for key in keys}


def test_a_late_report_counts_on_the_day_and_in_the_hour_of_sending(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T22:59:30")
    message_id = send(kindling, 3)
    at(kindling, "03-03T10:00:00")
    for kind, details in (("sent", {}), ("delivered", {}), ("bounced", HARD), ("complained", {}), ("opened", {})):
        told = event(kind, ["p1@example.com"], message_id=message_id, timestamp=clock.timestamp(), **details)
        assert [deliver(kindling, told) for _ in range(2)] == [True, False]
    for total in ("sent", "delivered", "bounced", "complaints", "opened"):
        assert by_day(kindling, total) == {"2026-03-01": 1}, total
    hours = kindling.api.get(f"{STATS}/hourly", hours="48").body["stats"]
    assert [hour["hour"] for hour in hours if hour["total_bounced"]] == ["2026-03-01T22:00:00Z"]


def test_a_message_is_recorded_small_and_once_in_the_window_in_which_it_was_counted(kindling: Kindling) -> None:
    account = sender(kindling)
    at(kindling, "03-01T10:00:59")
    message_id = send(kindling, ["lee@acme.example", "pat@example.com"], Idempotency_Key="k")
    item = item_of(kindling, message_id)
    assert {name: item[name] for name in item if name not in ("pk", "sk", "expires_at")} == {
        "id": message_id_of(kindling.user_id, message_id),
        "message_id": message_id,
        "user_id": kindling.user_id,
        "owner": f"{kindling.user_id}#email",
        "domain_id": account["domain_id"],
        "account_id": account["id"],
        "sent_at": "2026-03-01T10:00:00.000Z",
        "created_at": "2026-03-01T10:00:59.000Z",
        "sender": "kim@acme.example",
        "to": ["lee@acme.example", "pat@example.com"],
        "subject": "Hello",
        "own": ["acme.example"],
        "key_id": kindling.api.key.split("_")[2],
        "request_id": "request-1",
    }
    assert item["expires_at"] == (clock.parse("2026-03-01T10:00:00Z") + timedelta(days=35)).timestamp()
    # One write unit.
    assert sizes("MESSAGE")[0] < 1024
    assert "own" not in item_of(kindling, send(kindling))
    # A simulated message is none.
    before = len(sizes("MESSAGE"))
    assert kindling.test_api.post("/v1/send", email()).status == 202
    assert len(sizes("MESSAGE")) == before


def test_a_repeat_that_is_sent_after_all_is_recorded_where_it_was_counted(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T23:59:30")
    kindling.world.fault("agentmail", "POST", "/v0/inboxes/*", "drop_answer")
    assert kindling.api.post("/v1/send", email(), Idempotency_Key="k").status == 502
    kindling.world.heal()
    at(kindling, "03-02T00:10:00")
    message_id = send(kindling, Idempotency_Key="k")
    assert item_of(kindling, message_id)["sent_at"] == "2026-03-01T23:59:00.000Z"
    # Recorded again, it stays as it was.
    passed(kindling, message_id, sent_at="2026-03-05T00:00:00.000Z")
    assert item_of(kindling, message_id)["sent_at"] == "2026-03-01T23:59:00.000Z"


def test_a_message_that_cannot_be_recorded_is_sent(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    sender(kindling)

    def lost(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("No.")

    monkeypatch.setattr(messages, "record", lost)
    message_id = send(kindling)
    assert [message["message_id"] for message in sent(kindling)] == [message_id]
    assert item_of(kindling, message_id) == {}


def test_every_message_of_a_batch_is_recorded(kindling: Kindling) -> None:
    sender(kindling)
    reply = kindling.api.post("/v1/send/batch", {"emails": [email(), email(), email(9)]})
    ids = [result.get("message_id") for result in reply.body["results"]]
    assert [bool(item_of(kindling, message_id)) for message_id in ids[:2]] == [True, True]
    assert (ids[2], len(sizes("MESSAGE"))) == (None, 2)


@pytest.mark.parametrize(("left", "known"), [({"milliseconds": 1}, True), ({}, False)])
def test_a_message_is_known_for_35_days(kindling: Kindling, left: dict[str, int], known: bool) -> None:
    kindling.verified_domain()
    message = passed(kindling, "<m>")
    assert message
    kindling.clock.at = message.sent + timedelta(days=35) - timedelta(**left)
    assert (messages.find(kindling.user_id, "<m>") is not None) == known
    assert deliver(kindling, event("complained", ["p@gmail.com"], message_id="<m>"))
    assert by_class(kindling, "complaints") == ({} if known else {"ungated": 1})


def test_only_the_tenant_that_sent_a_message_knows_it(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert passed(kindling, "<m>", user_id="somebody")
    assert messages.find(kindling.user_id, "<m>") is None


def test_mail_that_did_not_pass_the_gate_is_shown_apart_and_alarms_nobody(kindling: Kindling) -> None:
    kindling.verified_domain()
    for kind, details in (("sent", {}), ("bounced", HARD), ("complained", {}), ("rejected", {})):
        assert deliver(kindling, event(kind, ["a@gmail.com", "b@example.com"], message_id="<smtp>", **details))
    assert deliver(kindling, event("rejected", [], message_id="<smtp>"))
    assert judge_what_is_queued() == 0
    assert totals(kindling)["bounced"] == totals(kindling)["hard_bounce"] == 2
    assert (by_class(kindling, "bounced"), by_class(kindling, "rejected")) == ({"ungated": 2}, {"ungated": 3})
    # The addresses are as wrong as any.
    assert set(suppressed(kindling)) == {"a@gmail.com", "b@example.com"}


@pytest.mark.parametrize("kind", ["bounced", "complained", "rejected"])
@pytest.mark.parametrize(
    ("age", "status"),
    [({"milliseconds": 59_999}, 503), ({"seconds": 60}, 200), ({"minutes": -5}, 503), ({"minutes": -6}, 200)],
)
def test_an_alarm_that_is_younger_than_a_minute_waits_for_its_message(
    kindling: Kindling, kind: str, age: dict[str, int], status: int
) -> None:
    kindling.verified_domain()
    instant = clock.timestamp(clock.now() - timedelta(**age))
    told = json.dumps(event(kind, ["p@gmail.com"], message_id="<m>", timestamp=instant, **HARD))
    assert post(kindling, told).status == status
    assert bool(suppressed(kindling)) == (status == 200 and kind != "rejected")
    assert bool(totals(kindling)) == (status == 200)


@pytest.mark.parametrize("kind", ["sent", "delivered", "bounced"])
@pytest.mark.parametrize(("recorded_after", "age", "known"), [(1, 4_999, True), (2, 4_999, True), (1, 5_000, False)])
def test_a_report_that_is_faster_than_the_record_of_its_message_waits_a_moment(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, kind: str, recorded_after: int, age: int, known: bool
) -> None:
    kindling.verified_domain()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == recorded_after:
            assert passed(kindling, "<m>")

    monkeypatch.setattr(clock, "sleep", sleep)
    instant = clock.timestamp(clock.now() - timedelta(milliseconds=age))
    told = event(kind, ["p@gmail.com"], message_id="<m>", timestamp=instant, **HARD)
    assert (post(kindling, json.dumps(told)).status == 200) == (known or kind != "bounced")
    assert waited == ([0.5, 1.0][:recorded_after] if known else [])
    counted = by_class(kindling, kind)
    assert counted == ({"gmail": 1} if known else {} if kind == "bounced" else {"ungated": 1})
    # A message that is known is not waited for.
    if known:
        assert deliver(kindling, event("opened", ["p@gmail.com"], message_id="<m>", timestamp=clock.timestamp()))
        assert len(waited) == recorded_after


def test_a_report_that_came_before_its_message_counts_when_it_is_repeated(kindling: Kindling) -> None:
    kindling.verified_domain()
    now = clock.timestamp()
    told = event("bounced", ["p@gmail.com"], message_id="<m>", timestamp=now, **HARD)
    refused = post(kindling, json.dumps(told))
    assert (refused.status, refused.body["error"]) == (503, "store_unavailable")
    assert (totals(kindling), suppressed(kindling), judge_what_is_queued()) == ({}, {}, 0)
    # What alarms nobody is not waited for.
    assert deliver(kindling, event("sent", ["p@gmail.com"], message_id="<m>", timestamp=now))
    assert passed(kindling, "<m>")
    kindling.clock.advance(seconds=5)
    assert [deliver(kindling, told) for _ in range(2)] == [True, False]
    assert (by_class(kindling, "bounced"), by_class(kindling, "sent")) == ({"gmail": 1}, {"ungated": 1})
    assert judge_what_is_queued() == 2


def test_recipients_in_own_domains_are_a_class_of_their_own(kindling: Kindling) -> None:
    sender(kindling)
    kindling.verified_domain("second.example")
    # Registered, but not proven to be the tenant's own.
    claimed = kindling.api.post("/v1/domains", {"domain": "external-claimed.example"}, Prefer="respond-async")
    assert claimed.status == 202
    recipients = [f"p@{domain}" for domain in ("acme.example", "a.b.second.example", "external-claimed.example")]
    message_id = send(kindling, [*recipients, "p@other.example", "p@gmail.com"])
    assert item_of(kindling, message_id)["own"] == ["a.b.second.example", "acme.example"]
    assert deliver(kindling, event("bounced", [*recipients, "P@GMAIL.com"], message_id=message_id, **SOFT))
    assert by_class(kindling, "bounced") == {"gmail": 1, "other": 1, "own": 2}
    assert totals(kindling)["bounced"] == 4


def test_a_name_that_another_tenant_has_now_is_nobodys_own(kindling: Kindling) -> None:
    sender(kindling)
    claim = {"pk": "DOMAIN#elsewhere.example", "sk": "VERIFIED"}
    for holder, own in (
        ({"user_id": kindling.user_id, "domain_id": "d"}, True),
        ({"user_id": kindling.user_id, "deleted_id": "d"}, False),
        ({"user_id": "somebody", "domain_id": "d"}, False),
    ):
        aws.table().put_item(Item=claim | holder)
        message_id = send(kindling, ["p@elsewhere.example"])
        assert ("own" in item_of(kindling, message_id)) == own


def test_a_mailbox_providers_domain_is_nobodys_own(kindling: Kindling) -> None:
    sender(kindling)
    item = {"pk": "DOMAIN#gmail.com", "sk": "VERIFIED", "user_id": kindling.user_id, "domain_id": "d"}
    aws.table().put_item(Item=item)
    assert "own" not in item_of(kindling, send(kindling, ["p@gmail.com"]))


def test_names_of_up_to_five_labels_are_looked_for_above_a_recipient(kindling: Kindling) -> None:
    sender(kindling)
    names = {"1.2.3.d.example": True, "1.2.3.4.e.example": False}
    for name in names:
        item = {"pk": f"DOMAIN#{name}", "sk": "VERIFIED", "user_id": kindling.user_id, "domain_id": "d"}
        aws.table().put_item(Item=item)
    recipients = [f"p@{name}" for name in names] + ["p@x.y.1.2.3.d.example"]
    assert item_of(kindling, send(kindling, recipients))["own"] == ["1.2.3.d.example", "x.y.1.2.3.d.example"]


def test_what_a_message_asks_of_the_table_is_one_read_and_for_fifty_deep_names_three(kindling: Kindling) -> None:
    sender(kindling)
    for to, reads in ((["p@gmail.com"], 1), ([f"p@a.b.c{n}.example.com" for n in range(50)], 3)):
        kindling.hold_a_lease()
        with calls() as seen:
            kindling.api.post("/v1/send", email(to))
        assert seen.count("BatchGetItem") == reads


def test_the_kinds_of_bounces_are_counted_for_each_recipient_and_only_bad_addresses_are_suppressed(
    kindling: Kindling,
) -> None:
    kindling.verified_domain()
    assert passed(kindling, "<m>")
    statuses = {
        "unknown": "5.1.1",
        "full": "smtp; 552 5.2.2 mailbox full",
        "blocked": "550 5.7.1 refused",
        "vague": "550 no",
    }
    bounced = [{"address": f"{name}@gmail.com", "status": status} for name, status in statuses.items()]
    assert deliver(kindling, event("bounced", bounced, message_id="<m>", **HARD))
    assert totals(kindling) == {
        "bounced": 4, "hard_bounce": 4, "soft_bounce": 1, "unknown_mailbox": 1, "blocked": 1,
    }  # fmt: skip
    assert set(suppressed(kindling)) == {"unknown@gmail.com", "vague@gmail.com"}
    assert by_class(kindling, "blocked") == by_class(kindling, "unknown_mailbox") == {"gmail": 1}


def test_an_event_without_recipients_is_about_one_somewhere_else(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert passed(kindling, "<m>", own=["acme.example"])
    assert deliver(kindling, event("rejected", [], message_id="<m>", reason="Bad content"))
    assert by_class(kindling, "rejected") == {"other": 1}
    assert judge_what_is_queued() == 1


def test_a_late_report_counts_with_the_domain_that_sent_and_has_its_successor_judged(kindling: Kindling) -> None:
    first = kindling.verified_domain()
    assert passed(kindling, "<m>")
    assert kindling.api("DELETE", f"/v1/domains/{first['id']}").status == 200
    second = kindling.verified_domain()
    assert deliver(kindling, event("bounced", ["p@gmail.com"], message_id="<m>", **HARD))
    partitions = {item["pk"] for item in aws.table().scan()["Items"] if str(item["sk"]).startswith("DAY#")}
    assert partitions == {f"TENANT#{kindling.user_id}#METRICS#{first['id']}"}
    assert queued() == {(kindling.user_id, second["id"])}


def test_a_report_counts_with_the_domain_of_its_message_whoever_has_the_name(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert passed(kindling, "<m>", domain_id="former")
    assert deliver(kindling, event("delivered", ["p@gmail.com"], message_id="<m>"))
    partitions = {item["pk"] for item in aws.table().scan()["Items"] if str(item["sk"]).startswith("DAY#")}
    assert partitions == {f"TENANT#{kindling.user_id}#METRICS#former"}


def test_a_late_report_without_a_successor_is_for_the_domain_that_sent(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    kindling.account("kim", domain)
    assert passed(kindling, "<m>")
    assert kindling.api("DELETE", f"/v1/domains/{domain['id']}").status == 200
    assert deliver(kindling, event("bounced", ["p@gmail.com"], message_id="<m>", **HARD))
    assert queued() == {(kindling.user_id, domain["id"])}


def test_a_late_report_also_has_the_domain_judged_that_another_tenant_has_under_the_name(kindling: Kindling) -> None:
    mine = kindling.verified_domain()
    assert passed(kindling, "<m>")
    told = event("complained", ["p@gmail.com"], message_id="<m>")
    key = {"pk": "DOMAIN#acme.example", "sk": "VERIFIED"}
    kindling.account("kim", mine)
    for holder, judged in (
        ({"user_id": "somebody", "domain_id": "theirs"}, {(kindling.user_id, mine["id"]), ("somebody", "theirs")}),
        ({"user_id": "somebody", "deleted_id": "theirs"}, {(kindling.user_id, mine["id"])}),
    ):
        aws.table().put_item(Item=key | holder)
        deliver(kindling, told)
        assert queued() == judged


def test_days_and_hours_stay_below_a_write_unit_in_normal_use(kindling: Kindling) -> None:
    kindling.verified_domain()
    domains = ("gmail.com", "outlook.com", "yahoo.com", "firm.example")
    everybody = [f"p{n}@{domain}" for n in range(9) for domain in domains]
    assert passed(kindling, "<m>")
    for kind, who, details in (
        ("sent", everybody, {}),
        ("delivered", everybody[4:], {}),
        ("opened", everybody[4:], {}),
        ("bounced", everybody[:2], HARD),
        ("bounced", everybody[2:4], SOFT),
        ("complained", everybody[6:7], {}),
    ):
        assert deliver(kindling, event(kind, who, message_id="<m>", **details))
    assert max(*sizes("DAY#"), *sizes("HOUR#")) < 1024
