"""Answers under an Idempotency-Key: successes are replayed, refusals are judged anew."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kindling.entry import replay
from tests.conftest import Kindling
from tests.functions.api.test_send import SEND, email, sender, sent

DOMAINS, ACCOUNTS = "/api/email/domains", "/api/email/accounts"


@dataclass(frozen=True)
class Refusal:
    """A request that is refused, what removes the cause, and the status of the same request after that."""

    path: str
    body: dict[str, Any]
    status: int
    code: str
    mend: Callable[[], object]
    then: int


def conflict(kindling: Kindling) -> Refusal:
    domain = kindling.verified_domain()
    body = {"domain": "acme.example"}
    delete = f"{DOMAINS}/{domain['id']}"
    return Refusal(DOMAINS, body, 409, "domain_exists", lambda: kindling.api("DELETE", delete), 201)


def prerequisite(kindling: Kindling) -> Refusal:
    domain = kindling.api.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    body = {"username": "kim", "domain_id": domain["id"]}

    def verify() -> None:
        kindling.clock.advance(seconds=30)
        kindling.api.post(f"{DOMAINS}/{domain['id']}/verify")

    return Refusal(ACCOUNTS, body, 400, "domain_not_verified", verify, 201)


def suppressed(kindling: Kindling) -> Refusal:
    sender(kindling)
    kindling.api.post("/v1/suppressions", {"email": "p0@example.com"})
    allow = "/v1/suppressions/p0@example.com"
    return Refusal(SEND, email(), 422, "recipients_suppressed", lambda: kindling.api("DELETE", allow), 202)


def absent(kindling: Kindling) -> Refusal:
    path = "/v1/domains/acme.example/warming/explain"
    return Refusal(path, {"recipients": 1}, 404, "not_found", kindling.verified_domain, 200)


def unknown_sender(kindling: Kindling) -> Refusal:
    return Refusal(SEND, email(), 403, "unknown_sender", lambda: sender(kindling), 202)


def limited(kindling: Kindling) -> Refusal:
    sender(kindling)
    assert kindling.api.post(SEND, email(5)).status == 202
    return Refusal(SEND, email(5), 429, "rate_limit_exceeded", lambda: kindling.clock.advance(hours=1), 202)


def provider(kindling: Kindling) -> Refusal:
    kindling.world.fault("agentmail", "POST", "/v0/domains", "refuse", status=422)
    return Refusal(DOMAINS, {"domain": "acme.example"}, 502, "provider_refused", kindling.world.heal, 201)


@pytest.mark.parametrize(
    "case",
    [conflict, prerequisite, suppressed, absent, unknown_sender, limited, provider],
    ids=lambda case: case.__name__,
)
def test_no_refusal_is_replayed(kindling: Kindling, case: Callable[[Kindling], Refusal]) -> None:
    refusal = case(kindling)
    reply = kindling.api.post(refusal.path, refusal.body, Idempotency_Key="k1")
    assert (reply.status, reply.body["error"]) == (refusal.status, refusal.code), reply.body
    refusal.mend()
    later = kindling.api.post(refusal.path, refusal.body, Idempotency_Key="k1")
    assert (later.status, "Idempotent-Replayed" in later.headers) == (refusal.then, False), later.body
    again = kindling.api.post(refusal.path, refusal.body, Idempotency_Key="k1")
    assert (again.status, again.body, "Idempotent-Replayed" in again.headers) == (later.status, later.body, True)


def test_a_request_that_was_not_understood_may_be_corrected_under_its_key(kindling: Kindling) -> None:
    for body in ({"domain": "co.uk"}, {"domain": "acme.example", "colour": "red"}, {}):
        assert kindling.api.post(DOMAINS, body, Idempotency_Key="k1").status == 400
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="k1").status == 201


def test_an_answer_too_large_to_keep_is_given_all_the_same(kindling: Kindling) -> None:
    sender(kindling)
    batch = {"emails": [email(), *[{f"{number}{'é' * 200}": 1 for number in range(20)}] * 99]}
    first = kindling.api.post(f"{SEND}/batch", batch, Idempotency_Key="k1")
    assert (first.status, first.body["accepted"]) == (202, 1)
    assert len(json.dumps(first.body)) > replay.MAX_RECORD_BYTES
    again = kindling.api.post(f"{SEND}/batch", batch, Idempotency_Key="k1")
    assert (again.status, "Idempotent-Replayed" in again.headers, len(sent(kindling))) == (202, False, 1)
