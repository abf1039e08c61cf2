"""POST /v1/send/batch: up to 100 messages, each admitted separately."""

from typing import Any

from kindling.sending.model import SendBatch
from tests.conftest import Kindling
from tests.functions.api.test_send import OUTBOX, at, calls, email, is_refused, sender, sent, used
from tests.harness.lambdas import Reply

BATCH = "/v1/send/batch"


def words(reply: Reply) -> list[str]:
    """The error code or status of each message."""
    assert reply.status == 202, reply.body
    waits = [wait for result in reply.body["results"] if (wait := result.get("retry_after_seconds"))]
    assert reply.body.get("retry_after_seconds") == min(waits, default=None)
    assert reply.headers.get("Retry-After") == (str(min(waits)) if waits else None)
    assert set(reply.body) - {"retry_after_seconds"} == {"results", "accepted", "rejected"}
    results: list[dict[str, Any]] = reply.body["results"]
    accepted = [result for result in results if "message_id" in result]
    assert (reply.body["accepted"], reply.body["rejected"]) == (len(accepted), len(results) - len(accepted))
    assert all(result["message"] for result in results if result["status"] == "rejected")
    return [result.get("error", result["status"]) for result in results]


def test_each_message_stands_for_itself_and_the_answers_keep_the_order(kindling: Kindling) -> None:
    sender(kindling)
    sender(kindling, "two.example")
    assert kindling.api.post("/v1/suppressions", {"email": "gone@example.com"}).status == 201
    kindling.world.set(rejected_recipients=["never@example.com"])
    at(kindling, "03-01T10:00:00")
    emails = [
        email(2, subject="first"),
        {"to": ["p@example.com"]},
        email(1, user="lee"),
        email(["a@example.com", "gone@example.com"]),
        email(4, subject="too many for what is left"),
        email(["never@example.com"]),
        email(2, subject="still fits"),
        email(5, "two.example", subject="another domain"),
        email(1, subject="x" * 999, cc="p@example.com"),
        {},
    ]
    reply = kindling.api.post(BATCH, {"emails": emails})
    assert words(reply) == [
        "queued",
        "invalid_request",
        "unknown_sender",
        "recipients_suppressed",
        "rate_limit_exceeded",
        "provider_refused",
        "queued",
        "queued",
        "invalid_request",
        "invalid_request",
    ]
    results = reply.body["results"]
    assert {field["field"] for field in results[1]["fields"]} == {"from"}
    assert {field["field"] for field in results[8]["fields"]} == {"subject", "cc"}
    assert results[3]["suppressed"] == ["gone@example.com"]
    limited = {"limit_type": "per_minute", "limit": 5, "used": 2, "retry_after_seconds": 60, "warming_phase": "phase_1"}
    assert {name: results[4][name] for name in limited} == limited
    assert results[5]["outcome"] == "not_sent"
    messages = {message["message_id"]: message["subject"] for message in sent(kindling)}
    queued = [results[i]["message_id"] for i in (0, 6, 7)]
    assert [messages.pop(identity) for identity in queued] == ["first", "still fits", "another domain"]
    assert messages == {}
    assert (used(kindling), used(kindling, "two.example")) == (4, 5)


def test_a_batch_may_have_a_hundred_messages() -> None:
    assert len(SendBatch.model_validate({"emails": [email()] * 100}).emails) == 100


def test_a_batch_that_is_none_is_refused_as_a_whole(kindling: Kindling) -> None:
    sender(kindling)
    for body, field in (
        ({}, "emails"),
        ({"emails": []}, "emails"),
        ({"emails": email()}, "emails"),
        ({"emails": [email()] * 101}, "emails"),
        ({"emails": [email(), "pat@example.com"]}, "emails.1"),
        ({"emails": [email()], "from": "kim@acme.example"}, "from"),
    ):
        reply = kindling.api.post(BATCH, body)
        is_refused(reply, 400, "invalid_request")
        assert [problem["field"] for problem in reply.body["fields"]] == [field]
    is_refused(kindling.reader.post(BATCH, {"emails": [email()]}), 403, "forbidden", required_scope="send")
    assert words(kindling.other.post(BATCH, {"emails": [email()]})) == ["unknown_sender"]
    assert (sent(kindling), used(kindling)) == ([], 0)


def test_no_limit_is_passed_by_many_small_messages_and_all_refusals_cost_one_write(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T10:00:00")
    kindling.hold_a_lease()
    with calls() as seen:
        reply = kindling.api.post(BATCH, {"emails": [email()] * 20})
    assert words(reply) == ["queued"] * 5 + ["rate_limit_exceeded"] * 15
    assert seen.count("UpdateItem") == 5 + 1
    assert (used(kindling), len(sent(kindling))) == (5, 5)
    # A test key's messages are not counted.
    reply = kindling.test_api.post(BATCH, {"emails": [email(3)] * 20})
    assert words(reply) == ["simulated"] * 20
    assert {result["environment"] for result in reply.body["results"]} == {"test"}
    assert len({result["message_id"] for result in reply.body["results"]}) == 20
    assert (used(kindling), len(sent(kindling))) == (5, 5)


def test_a_batch_is_told_the_shortest_wait_of_its_messages(kindling: Kindling) -> None:
    sender(kindling)
    kindling.world.fault("agentmail", "POST", OUTBOX, "drop_answer")
    reply = kindling.api.post(BATCH, {"emails": [email(1), email(5)]})
    assert words(reply) == ["provider_unavailable", "rate_limit_exceeded"]
    assert (reply.body["retry_after_seconds"], reply.body["results"][1]["retry_after_seconds"] > 1) == (1, True)


def test_a_repeated_batch_sends_nothing_twice(kindling: Kindling) -> None:
    sender(kindling)
    batch = {"emails": [email(subject="one"), email(subject="two")]}
    first, again = (kindling.api.post(BATCH, batch, Idempotency_Key="k1") for _ in range(2))
    assert words(first) == ["queued", "queued"]
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    # The same Idempotency-Key on the other route is another message.
    kindling.clock.advance(minutes=1)
    assert kindling.api.post("/v1/send", email(subject="one"), Idempotency_Key="k1").status == 202
    assert (used(kindling), len(sent(kindling))) == (3, 3)
    kindling.clock.advance(minutes=1)
    kindling.world.fault("agentmail", "POST", OUTBOX, "drop_answer")
    reply = kindling.api.post(BATCH, batch, Idempotency_Key="k2")
    assert words(reply) == ["provider_unavailable"] * 2
    assert [result["outcome"] for result in reply.body["results"]] == ["unknown"] * 2
    assert (used(kindling), len(sent(kindling))) == (5, 5)
    kindling.world.heal()
    assert words(kindling.api.post(BATCH, batch, Idempotency_Key="k2")) == ["queued", "queued"]
    assert (used(kindling), len(sent(kindling))) == (5, 5)


def test_a_repeat_of_a_batch_that_was_half_accepted_counts_nothing_twice(kindling: Kindling) -> None:
    sender(kindling)
    batch = {"emails": [email(subject="one"), email(subject="two"), email(5, subject="three")]}
    kindling.world.fault("agentmail", "POST", OUTBOX, "drop_answer", calls=[2, 3, 4])
    assert words(kindling.api.post(BATCH, batch, Idempotency_Key="k")) == [
        "queued",
        "provider_unavailable",
        "rate_limit_exceeded",
    ]
    kindling.world.heal()
    kindling.clock.advance(minutes=1)
    reply = kindling.api.post(BATCH, batch, Idempotency_Key="k")
    assert words(reply) == ["queued"] * 3
    assert (used(kindling), len(sent(kindling))) == (7, 3)


def test_a_message_of_a_repeated_batch_that_is_known_to_be_accepted_is_not_asked_for_again(kindling: Kindling) -> None:
    sender(kindling)
    batch = {"emails": [email(subject="one"), email(5, subject="two")]}
    kindling.world.fault("agentmail", "POST", OUTBOX, "drop_answer")
    assert words(kindling.api.post(BATCH, batch, Idempotency_Key="k")) == [
        "provider_unavailable",
        "rate_limit_exceeded",
    ]
    kindling.world.heal()
    for _ in range(2):
        # The second repeat meets a provider that is down, and does not need it.
        reply = kindling.api.post(BATCH, batch, Idempotency_Key="k")
        assert words(reply) == ["queued", "rate_limit_exceeded"]
        kindling.world.fault("agentmail", "POST", OUTBOX, "refuse", status=503)


def test_the_key_that_a_message_of_a_batch_names_repeats_it_alone(kindling: Kindling) -> None:
    sender(kindling)
    kindling.world.fault("agentmail", "POST", OUTBOX, "drop_answer")
    (result,) = kindling.api.post(BATCH, {"emails": [email(2)]}).body["results"]
    kindling.world.heal()
    reply = kindling.api.post("/v1/send", email(2), Idempotency_Key=result["idempotency_key"])
    assert [message["message_id"] for message in sent(kindling)] == [reply.body["message_id"]]
    assert used(kindling) == 2
