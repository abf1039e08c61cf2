"""Budgets of mailbox providers and the cap of a warmed domain: what is refused, shown, explained and changed."""

from typing import Any

import pytest

from tests.conftest import Kindling, issue
from tests.functions.api.test_schedules import SCHEDULES, begin_next_day, follow, own
from tests.functions.api.test_send import at, email, is_refused, sender, sent
from tests.functions.api.test_send_batch import BATCH, words
from tests.functions.api.test_warming import WARMING, act, changes, shown, stand, triple
from tests.functions.test_webhooks import report
from tests.harness.lambdas import Api

CAP = f"{WARMING}/cap"


def at_gmail(n: int) -> list[str]:
    return [f"g{i}@{('gmail.com', 'GoogleMail.com')[i % 2]}" for i in range(n)]


def budget(kindling: Kindling, name: str = "gmail") -> tuple[Any, ...]:
    (one,) = (one for one in shown(kindling)["mailbox_providers"] if one["mailbox_provider"] == name)
    return one["sent_today"], one["daily_limit"], one["remaining_today"]


def limited_to(kindling: Kindling, day: int, **shares: float) -> None:
    """A sender whose whole day may go out in one minute, in shares to mailbox providers."""
    follow(kindling, own(day) | {"mailbox_providers": shares})
    sender(kindling)
    at(kindling, "03-01T10:00:00")


def warmed(kindling: Kindling) -> None:
    stand(kindling, sender(kindling)["domain_id"], phase="warmed", limits=triple(1_500, 150, 6))


def test_a_full_budget_refuses_its_mailbox_provider_and_no_other(kindling: Kindling) -> None:
    limited_to(kindling, 10, gmail=0.5)
    post = kindling.api.post
    assert post("/v1/send", email(at_gmail(4))).status == 202
    whole = post("/v1/send", email([*at_gmail(2), "p@yahoo.com"]))
    assert (whole.status, whole.headers["Retry-After"]) == (429, str(14 * 3600))
    assert whole.body == {
        "error": "rate_limit_exceeded",
        "message": "daily gmail sending limit exceeded",
        "limit_type": "mailbox_provider",
        "mailbox_provider": "gmail",
        "limit": 5,
        "used": 4,
        "retry_after_seconds": 14 * 3600,
        "warming_phase": "phase_1",
        "request_id": "request-1",
    }
    assert post("/v1/send", email([*at_gmail(1), "p@yahoo.com"])).status == 202
    is_refused(post("/v1/send", email(at_gmail(1))), 429, "rate_limit_exceeded", used=5)
    # Mail to others goes on, right after the refusal; the limit of all comes first.
    assert post("/v1/send", email(["p@outlook.com", "p@acme.test"])).status == 202
    is_refused(post("/v1/send", email(at_gmail(3))), 429, "rate_limit_exceeded", limit_type="daily", used=8)
    assert (budget(kindling), budget(kindling, "yahoo")) == ((5, 5, 0), (1, None, None))
    assert budget(kindling, "other") == (1, None, None)
    at(kindling, "03-02T00:00:00")
    assert (budget(kindling), budget(kindling, "yahoo")) == ((0, 5, 5), (0, None, None))
    assert post("/v1/send", email(at_gmail(5))).status == 202


def test_a_batch_goes_past_a_full_budget(kindling: Kindling) -> None:
    limited_to(kindling, 10, gmail=0.2)
    emails = [email(at_gmail(1)), email(at_gmail(2)), email(["p@yahoo.com"]), email(at_gmail(1)), email(at_gmail(1))]
    reply = kindling.api.post(BATCH, {"emails": emails})
    assert words(reply) == ["queued", "rate_limit_exceeded", "queued", "queued", "rate_limit_exceeded"]
    refused = reply.body["results"][1]
    assert (refused["limit_type"], refused["mailbox_provider"], refused["used"]) == ("mailbox_provider", "gmail", 1)
    assert budget(kindling) == (2, 2, 0)


def test_quota_that_is_given_back_is_free_again_in_its_budget(kindling: Kindling) -> None:
    limited_to(kindling, 10, gmail=0.2)
    kindling.world.set(rejected_recipients=["never@gmail.com"])
    emails = [email(["never@gmail.com"]), email(["never@gmail.com", "p@yahoo.com"]), email(["p@yahoo.com"])]
    assert words(kindling.api.post(BATCH, {"emails": emails})) == ["provider_refused", "provider_refused", "queued"]
    assert (budget(kindling), budget(kindling, "yahoo")) == ((0, 2, 2), (1, None, None))
    assert shown(kindling)["today_sent"] == 1
    assert kindling.api.post("/v1/send", email(at_gmail(2))).status == 202


def test_a_lower_budget_holds_at_once_and_a_higher_one_from_the_next_day(kindling: Kindling) -> None:
    limited_to(kindling, 10, gmail=0.5)
    follow(kindling, own(10) | {"mailbox_providers": {"gmail": 0.3, "yahoo": 0.01}})
    assert (budget(kindling), budget(kindling, "yahoo")) == ((0, 3, 3), (0, 1, 1))
    for body in (own(10) | {"mailbox_providers": {"gmail": 1}}, own(10), {"preset": "standard"}):
        follow(kindling, body)
        assert (budget(kindling), budget(kindling, "yahoo")) == ((0, 3, 3), (0, 1, 1))
    assert kindling.api.get(SCHEDULES).body["schedule"]["mailbox_providers"] == {}
    follow(kindling, own(10) | {"mailbox_providers": {"gmail": 1}})
    begin_next_day(kindling, "03-02")
    assert (budget(kindling), budget(kindling, "yahoo")) == ((0, 10, 10), (0, None, None))
    # A stopped domain has no room at any mailbox provider.
    act(kindling, "pause")
    assert budget(kindling) == (0, 0, 0)


@pytest.mark.parametrize(
    ("shares", "field", "message"),
    [
        ({"own": 0.5}, "mailbox_providers.own.[key]", "must be 'gmail', 'microsoft', 'yahoo', 'apple' or 'other'"),
        ({"gmail": 0}, "mailbox_providers.gmail", "must be more than 0.0"),
        ({"gmail": 1.01}, "mailbox_providers.gmail", "may be at most 1.0"),
    ],
)
def test_a_share_that_is_none_is_refused(kindling: Kindling, shares: Any, field: str, message: str) -> None:
    reply = kindling.api("PUT", SCHEDULES, own(10) | {"mailbox_providers": shares})
    is_refused(reply, 400, "invalid_request", fields=[{"field": field, "message": message}])
    preset = kindling.api("PUT", SCHEDULES, {"preset": "tiered", "mailbox_providers": {"gmail": 0.5}})
    is_refused(preset, 400, "invalid_request")


def test_an_explanation_names_the_budget_when_it_is_told_the_mailbox_providers(kindling: Kindling) -> None:
    limited_to(kindling, 10, gmail=0.5)
    assert kindling.api.post("/v1/send", email(at_gmail(4))).status == 202

    def explain(**body: Any) -> dict[str, Any]:
        reply = act(kindling, "explain", **body)
        assert reply.status == 200, reply.body
        return dict(reply.body)

    told = explain(mailbox_providers={"gmail": 2, "yahoo": 1})
    assert (told["recipients"], told["allowed"], told["retry_after_seconds"]) == (3, False, 14 * 3600)
    assert told["reasons"] == ["the daily gmail limit of 5 has room for 1 more recipients"]
    assert told["mailbox_providers"] == shown(kindling)["mailbox_providers"]
    assert explain(mailbox_providers={"gmail": 1, "yahoo": 2}, recipients=3)["allowed"] is True
    never = explain(mailbox_providers={"gmail": 6})
    assert (never["allowed"], never["earliest_at"], never["recipients"]) == (False, None, 6)
    assert never["reasons"] == [
        "6 recipients are more than the whole daily gmail limit of 5: send to fewer at once",
    ]
    # Without them nothing is said about them, but their room is shown.
    assert explain(recipients=3)["reasons"] == []
    assert explain(recipients=3)["mailbox_providers"] == told["mailbox_providers"]
    for body in (
        {"mailbox_providers": {"gmail": 2}, "recipients": 3},
        {"mailbox_providers": {"gmail": 0}},
        {"mailbox_providers": {"own": 1}},
        {"mailbox_providers": {"gmail": "many"}},
    ):
        is_refused(act(kindling, "explain", **body), 400, "invalid_request")


def test_a_cap_of_a_warmed_domain_applies_at_once_and_is_removed_again(kindling: Kindling) -> None:
    warmed(kindling)
    domain_id = shown(kindling)["domain_id"]

    def cap(daily_limit: int | None) -> dict[str, int]:
        reply = kindling.api("PUT", CAP, {"daily_limit": daily_limit})
        message = "cap set" if daily_limit else "cap removed"
        assert reply.body == {"domain_id": domain_id, "daily_limit": daily_limit, "message": message}
        return dict(shown(kindling)["current_limits"])

    assert cap(1_000) == triple(1_000, 100, 5)
    assert cap(100) == triple(100, 10, 5)
    # Higher at once, too.
    assert cap(2_001) == triple(2_001, 201, 7)
    assert kindling.api.post("/v1/send", email(7)).status == 202
    is_refused(kindling.api.post("/v1/send", email(1)), 429, "rate_limit_exceeded", limit_type="per_minute")
    begin_next_day(kindling, "03-02")
    assert shown(kindling)["current_limits"] == triple(2_001, 201, 7)
    # Shares of the schedule are shares of the cap.
    follow(kindling, own(10) | {"mailbox_providers": {"gmail": 0.1}})
    assert (shown(kindling)["current_limits"], budget(kindling)) == (triple(2_001, 201, 7), (0, 201, 201))
    assert (cap(3_000)["daily_limit"], budget(kindling)[1]) == (3_000, 300)
    # Without a cap, as much as ends the first phase.
    assert (cap(None)["daily_limit"], budget(kindling)) == (20, (0, 2, 2))
    assert shown(kindling)["phase"] == "warmed"
    assert changes(kindling) == [("phase_1", "warming_started", "system")]


def test_a_cap_waits_for_a_domain_that_is_not_warmed(kindling: Kindling) -> None:
    account = sender(kindling)
    before = shown(kindling)
    assert kindling.api("PUT", CAP, {"daily_limit": 300_000}).status == 200
    assert shown(kindling) == before
    stand(kindling, account["domain_id"], phase="phase_4", ramp_day=13, mailed_days=7, mailed=400_000)
    assert kindling.api.post("/v1/send", email(1)).status == 202
    assert report(kindling, "delivered", 1)
    begin_next_day(kindling, "03-02")
    assert (shown(kindling)["phase"], shown(kindling)["current_limits"]) == ("warmed", triple(300_000, 30_000, 999))
    assert kindling.api("PUT", CAP, {"daily_limit": None}).status == 200
    assert shown(kindling)["current_limits"] == triple(1_500, 150, 5)


def test_only_an_admin_with_a_live_key_caps_a_domain_of_its_own(kindling: Kindling) -> None:
    warmed(kindling)
    lesser = Api(issue(kindling.user_id, ["read", "provision", "send"]))
    is_refused(lesser("PUT", CAP, {"daily_limit": 5}), 403, "forbidden", required_scope="admin")
    is_refused(kindling.test_api("PUT", CAP, {"daily_limit": 5}), 403, "live_key_required")
    is_refused(kindling.other("PUT", CAP, {"daily_limit": 5}), 404, "not_found")
    for body in ({}, {"daily_limit": 0}, {"daily_limit": 10**9}, {"daily_limit": "many"}, {"limit": 5}):
        is_refused(kindling.api("PUT", CAP, body), 400, "invalid_request")
    assert shown(kindling)["current_limits"]["daily_limit"] == 1_500
    assert kindling.api("PUT", CAP, {"daily_limit": 10**9 - 1}).status == 200
    assert kindling.api("PUT", CAP, {"daily_limit": 1}).status == 200
    assert kindling.api.post("/v1/send", email(1)).status == 202
    is_refused(kindling.api.post("/v1/send", email(1)), 429, "rate_limit_exceeded", limit_type="daily", limit=1)
    assert len(sent(kindling)) == 1
