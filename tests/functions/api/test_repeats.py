"""A message that is sent again: under its Idempotency-Key it is one message, sent and counted once."""

import pytest

from kindling.platform import table
from kindling.sending import service, store
from tests.conftest import Kindling
from tests.functions.api.test_send import (
    ACCOUNTS,
    OUTBOX,
    SEND,
    at,
    email,
    is_limited,
    is_refused,
    sender,
    sent,
    used,
)


def test_one_idempotency_key_of_two_tenants_is_two_messages() -> None:
    assert service._provider_key("one", "k") == service._provider_key("one", "k") != service._provider_key("other", "k")


@pytest.mark.parametrize("fault", ["timeout_after", "drop_answer"])
def test_an_unclear_outcome_keeps_the_quota_and_its_repeat_sends_nothing_twice(kindling: Kindling, fault: str) -> None:
    sender(kindling)
    kindling.world.fault("agentmail", "POST", OUTBOX, fault)
    reply = kindling.api.post(SEND, email(2), Idempotency_Key="k1")
    is_refused(reply, 502, "provider_unavailable", outcome="unknown")
    assert (used(kindling), len(sent(kindling))) == (2, 1)
    kindling.world.heal()
    again = kindling.api.post(SEND, email(2), Idempotency_Key="k1")
    assert (again.status, "Idempotent-Replayed" in again.headers) == (202, False)
    assert [message["message_id"] for message in sent(kindling)] == [again.body["message_id"]]
    # One lost answer is retried with the same idempotency key.
    kindling.clock.advance(minutes=1)
    kindling.world.fault("agentmail", "POST", OUTBOX, fault, calls=[1])
    assert kindling.api.post(SEND, email(1)).status == 202
    assert len(sent(kindling)) == 2


def unclear(kindling: Kindling, n: int, **headers: str) -> str:
    """Send a message whose outcome stays unknown; the key that its error names."""
    kindling.world.fault("agentmail", "POST", OUTBOX, "drop_answer")
    reply = kindling.api.post(SEND, email(n), **headers)
    is_refused(reply, 502, "provider_unavailable", outcome="unknown")
    assert reply.headers["Retry-After"] == "1"
    kindling.world.heal()
    return str(reply.body["idempotency_key"])


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k1"}])
def test_the_key_that_an_unclear_outcome_names_repeats_it(kindling: Kindling, headers: dict[str, str]) -> None:
    sender(kindling)
    key = unclear(kindling, 3, **headers)
    assert key == headers.get("Idempotency_Key", key)
    # There would be no room for it, had it to pass the gate again.
    for _ in range(2):
        reply = kindling.api.post(SEND, email(3), Idempotency_Key=key)
        assert [message["message_id"] for message in sent(kindling)] == [reply.body["message_id"]]
        assert used(kindling) == 3


def test_a_repeat_under_a_named_key_is_the_same_message(kindling: Kindling) -> None:
    sender(kindling)
    key = unclear(kindling, 3)
    is_refused(kindling.api.post(SEND, email(3, subject="Other"), Idempotency_Key=key), 422, "idempotency_key_reused")
    assert (used(kindling), len(sent(kindling))) == (3, 1)


def test_a_repeat_that_reaches_nobody_tells_nothing_about_the_first_try(kindling: Kindling) -> None:
    sender(kindling)
    key = unclear(kindling, 3)
    for fault in ("rate_limit", "drop_answer"):
        kindling.world.fault("agentmail", "POST", OUTBOX, fault)
        reply = kindling.api.post(SEND, email(3), Idempotency_Key=key)
        is_refused(reply, 502, "provider_unavailable", outcome="unknown", idempotency_key=key)
        assert used(kindling) == 3
        kindling.world.heal()
    assert kindling.api.post(SEND, email(3), Idempotency_Key=key).status == 202
    assert (used(kindling), len(sent(kindling))) == (3, 1)


def test_a_repeat_that_is_refused_frees_no_quota(kindling: Kindling) -> None:
    sender(kindling)
    kindling.world.fault("agentmail", "POST", OUTBOX, "refuse", status=500)
    reply = kindling.api.post(SEND, email(3))
    kindling.world.heal()
    kindling.world.set(rejected_recipients=["p2@example.com"])
    again = kindling.api.post(SEND, email(3), Idempotency_Key=reply.body["idempotency_key"])
    is_refused(again, 502, "provider_refused", outcome="not_sent")
    assert used(kindling) == 3


def test_a_repeat_waits_while_its_domain_is_paused(kindling: Kindling) -> None:
    domain = sender(kindling)["domain_id"]
    key = unclear(kindling, 3)
    assert kindling.api.post(f"/v1/domains/{domain}/warming/pause").status == 200
    is_refused(kindling.api.post(SEND, email(3), Idempotency_Key=key), 403, "warming_paused")
    assert kindling.api.post(f"/v1/domains/{domain}/warming/resume").status == 200
    assert kindling.api.post(SEND, email(3), Idempotency_Key=key).status == 202
    assert (used(kindling), len(sent(kindling))) == (3, 1)


def test_a_message_is_known_for_a_day(kindling: Kindling) -> None:
    sender(kindling)
    key = unclear(kindling, 1)
    item = table.get(store._counted_key(kindling.user_id, service._provider_key(kindling.user_id, key)))
    assert item is not None
    assert item["expires_at"] == int(kindling.clock.at.timestamp()) + 24 * 3600


def test_the_wait_that_the_mail_provider_names_reaches_the_client(kindling: Kindling) -> None:
    sender(kindling)
    kindling.world.fault("agentmail", "POST", OUTBOX, "rate_limit", seconds=90)
    reply = kindling.api.post(SEND, email())
    is_refused(reply, 502, "provider_unavailable", outcome="not_sent", retry_after_seconds=90)
    assert reply.headers["Retry-After"] == "90"


def test_the_same_key_replays_an_answer_but_not_a_refusal_that_asks_for_another_try(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T10:00:00")
    first = kindling.api.post(SEND, email(3), Idempotency_Key="k1")
    again = kindling.api.post(SEND, email(3), Idempotency_Key="k1")
    assert (first.status, again.status, again.body) == (202, 202, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    is_refused(kindling.api.post(SEND, email(2), Idempotency_Key="k1"), 422, "idempotency_key_reused")
    for _ in range(2):
        is_limited(kindling.api.post(SEND, email(3), Idempotency_Key="k2"), "per_minute", 5, 3, 60)
    assert (used(kindling), len(sent(kindling))) == (3, 1)
    kindling.clock.advance(minutes=1)
    assert kindling.api.post(SEND, email(3), Idempotency_Key="k2").status == 202
    # Without an Idempotency-Key, two messages are sent.
    kindling.clock.advance(minutes=1)
    assert kindling.api.post(SEND, email(1)).status == kindling.api.post(SEND, email(1)).status == 202
    assert (used(kindling), len(sent(kindling))) == (8, 4)


def test_a_refusal_that_ends_when_somebody_acts_is_not_replayed(kindling: Kindling) -> None:
    account = sender(kindling, ready=False)
    is_refused(kindling.api.post(SEND, email(), Idempotency_Key="k"), 403, "account_not_active")
    assert kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"warmup_enabled": False}).status == 200
    assert kindling.api.post(SEND, email(), Idempotency_Key="k").status == 202
