"""What the gate refuses is counted by the day, seldom written, and shown as a lower bound."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from kindling.metrics import refusals
from kindling.platform import aws
from kindling.platform.observability import logger
from tests.conftest import Kindling
from tests.functions.api.test_budgets import at_gmail, limited_to
from tests.functions.api.test_send import SEND, at, calls, email, is_limited, sender, used
from tests.functions.api.test_send_batch import BATCH, words
from tests.functions.api.test_warming import act
from tests.harness.lambdas import Api


def refused(api: Api, name: str = "acme.example") -> list[tuple[int, int]]:
    """Recipients and messages that were refused yesterday and today, as the API tells them."""
    stats = api.get(f"/v1/domains/{name}/stats/daily", days="2").body["stats"]
    return [(day["refused_recipients"], day["refused_messages"]) for day in stats]


def fail(params: dict[str, Any], **_: Any) -> None:
    if "refused_messages" in params["UpdateExpression"]:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "no"}}, "UpdateItem")


def test_a_message_that_the_gate_refuses_counts_with_its_recipients_whatever_it_is_refused_for(
    kindling: Kindling,
) -> None:
    limited_to(kindling, 10, gmail=0.5)
    expected = [0, 0]

    def try_to_send(to: int | list[str], status: int, error: str, **extras: Any) -> None:
        reply = kindling.api.post(SEND, email(to))
        assert (reply.status, reply.body["error"]) == (status, error)
        assert {name: reply.body[name] for name in extras} == extras
        expected[0] += to if isinstance(to, int) else len(to)
        expected[1] += 1
        assert refused(kindling.api) == [(0, 0), tuple(expected)]
        kindling.clock.advance(seconds=10)

    try_to_send([*at_gmail(6), "p@yahoo.com"], 429, "rate_limit_exceeded", limit_type="mailbox_provider")
    try_to_send(11, 429, "rate_limit_exceeded", limit_type="daily")
    assert act(kindling, "pause").status == 200
    try_to_send(2, 403, "warming_paused")
    assert used(kindling) == 0


def test_what_is_not_refused_by_the_gate_or_only_asked_counts_nothing(kindling: Kindling) -> None:
    sender(kindling)
    assert kindling.api.post("/v1/suppressions", {"email": "gone@example.com"}).status == 201
    assert kindling.api.post(SEND, email(5)).status == 202
    assert kindling.api.post(SEND, email(["gone@example.com"])).body["error"] == "recipients_suppressed"
    assert kindling.api.post(SEND, email(user="lee")).body["error"] == "unknown_sender"
    assert kindling.test_api.post(SEND, email(9)).status == 202
    asked = act(kindling, "explain", recipients=9)
    assert (asked.status, asked.body["allowed"]) == (200, False)
    assert refused(kindling.api) == [(0, 0), (0, 0)]
    assert refusals._gathered == {}


def test_the_messages_of_a_batch_are_counted_each_and_written_once(kindling: Kindling) -> None:
    sender(kindling)
    sender(kindling, "two.example")
    kindling.hold_a_lease()
    emails = [email(2), email(2), email(2), email(3), email(6, "two.example"), email(7, "two.example")]
    with calls() as made:
        reply = kindling.api.post(BATCH, {"emails": emails})
    assert words(reply) == ["queued"] * 2 + ["rate_limit_exceeded"] * 4
    # Two that were admitted, and one for each of two domains.
    assert made.count("UpdateItem") == 2 + 2
    assert (refused(kindling.api), refused(kindling.api, "two.example")) == ([(0, 0), (5, 2)], [(0, 0), (13, 2)])


def test_a_client_that_ignores_a_refusal_costs_a_write_in_ten_seconds(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T10:00:00")
    assert kindling.api.post(SEND, email(5)).status == 202
    made = []
    for seconds in (0, 4, 5.999, 0.001, 9.999, 0.001):
        kindling.clock.advance(seconds=seconds)
        # The count of requests is a write of its own.
        kindling.hold_a_lease()
        with calls() as seen:
            assert kindling.api.post(SEND, email(2)).status == 429
        made.append(seen.count("UpdateItem"))
    assert refused(kindling.api) == [(0, 0), (12, 6)]
    assert made == [1, 0, 0, 1, 0, 1]


def test_what_has_gathered_is_written_with_the_next_message_that_is_admitted(kindling: Kindling) -> None:
    sender(kindling)
    assert kindling.api.post(SEND, email(5)).status == 202
    for _ in range(3):
        assert kindling.api.post(SEND, email(2)).status == 429
    assert refused(kindling.api) == [(0, 0), (2, 1)]
    kindling.clock.advance(minutes=1)
    assert kindling.api.post(SEND, email()).status == 202
    assert refused(kindling.api) == [(0, 0), (6, 3)]


def test_a_store_that_fails_changes_no_answer_and_shows_no_more_than_there_were(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = sender(kindling)
    at(kindling, "03-01T10:00:00")
    logged: list[tuple[str, Any]] = []
    monkeypatch.setattr(logger, "warning", lambda message, **fields: logged.append((message, fields.get("domain_id"))))
    events = aws.table_without_retries().meta.client.meta.events
    events.register("provide-client-params.dynamodb.UpdateItem", fail)
    assert kindling.api.post(SEND, email(4)).status == 202
    is_limited(kindling.api.post(SEND, email(4)), "per_minute", 5, 4, 60)
    assert kindling.clock.at.second == 0
    events.unregister("provide-client-params.dynamodb.UpdateItem", fail)
    assert logged[-1] == ("refusals not counted", account["domain_id"])
    assert refused(kindling.api) == [(0, 0), (0, 0)]
    kindling.clock.advance(seconds=10)
    is_limited(kindling.api.post(SEND, email(2)), "per_minute", 5, 4, 50)
    assert refused(kindling.api) == [(0, 0), (2, 1)]


def test_a_deleted_domain_refuses_nothing_any_more_and_its_name_begins_without_refusals(kindling: Kindling) -> None:
    account = sender(kindling)
    assert kindling.api.post(SEND, email(6)).status == 429
    assert kindling.api.post(SEND, email(6)).status == 429
    assert kindling.api("DELETE", f"/v1/domains/{account['domain_id']}").status == 200
    kindling.clock.advance(minutes=1)
    assert kindling.api.post(SEND, email(6)).status in (403, 404, 422)
    kindling.verified_domain()
    assert refused(kindling.api) == [(0, 0), (0, 0)]


def test_another_tenant_sees_nothing_of_it(kindling: Kindling) -> None:
    sender(kindling)
    assert kindling.api.post(SEND, email(6)).status == 429
    assert kindling.other.get("/v1/domains/acme.example/stats/daily").status == 404
    assert {place[0] for place in refusals._gathered} == {kindling.user_id}
