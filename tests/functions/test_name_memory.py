"""A name remembers: the gate of a deleted domain is that of the next domain of its name, whoever registers it."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

import pytest

from kindling.domains import saga
from kindling.domains.model import OffboardDomain, OnboardDomain
from kindling.platform import aws
from kindling.warming import store
from kindling.warming.model import Phase, warming_key
from tests.conftest import EVERYTHING, Kindling, issue
from tests.functions.api.test_ownership import NAMES, VERIFIED, by_trigger, publish, row
from tests.functions.api.test_schedules import follow, own
from tests.functions.api.test_send import at, email, is_limited, is_refused, sender, suspend
from tests.functions.api.test_warming import WARMING, changes, history, shown, stand, triple
from tests.functions.test_webhooks import UNDETERMINED, judge_what_is_queued, report
from tests.harness.lambdas import Api

NAME = NAMES[0]
PATH = f"/v1/domains/{NAME}/warming"


def delete(tenant: Kindling, domain_id: str) -> None:
    """Delete a domain's row, as the state machine does."""
    name = tenant.api.get(f"/v1/domains/{domain_id}").body["domain"]
    saga.retire_domain(OffboardDomain(operation_id="o", user_id=tenant.user_id, domain_id=domain_id, domain=name))


def sender_again(kindling: Kindling, username: str) -> dict[str, Any]:
    """Register the first tenant's deleted domain again, with an account that may send."""
    account = kindling.account(username, kindling.verified_domain())
    path = f"/api/email/accounts/{account['id']}"
    assert kindling.api.patch(path, {"warmup_enabled": False}).status == 200
    return account


def rival(kindling: Kindling) -> Kindling:
    """Another tenant."""
    user_id = str(uuid.uuid4())
    return replace(kindling, user_id=user_id, api=Api(issue(user_id, EVERYTHING)))


def registered(tenant: Kindling) -> dict[str, Any]:
    """A new domain of a zone that is not ours, as the state machine saves it."""
    tenant.world.set(domain_states={NAME: VERIFIED})
    onboard = OnboardDomain(**tenant._operation(NAME), domain_id=str(uuid.uuid4()), domain=NAME)
    saga.claim_name(onboard)
    saga.register_domain(onboard)
    saga.save_domain(onboard, {"status": "skipped"}, triggered=True)
    return row(tenant.api, {"id": onboard.domain_id})


def proven(tenant: Kindling, domain: dict[str, Any] | None = None) -> dict[str, Any]:
    """A domain whose challenge stands, and no other tenant's."""
    domain = domain or registered(tenant)
    publish(tenant, row(tenant.api, domain))
    by_trigger(tenant, tenant.api, domain)
    domain = row(tenant.api, domain)
    assert domain["status"] == "verified", domain
    return domain


def test_what_was_sent_before_a_deletion_counts_in_its_minute_hour_and_day(kindling: Kindling) -> None:
    domain_id = sender(kindling)["domain_id"]
    at(kindling, "03-01T10:00:01")
    assert kindling.api.post("/v1/send", email(5)).status == 202
    for number, (instant, username) in enumerate((("10:00:20", "lee"), ("10:01:00", "max"), ("10:59:00", "pat"))):
        delete(kindling, domain_id)
        domain_id = sender_again(kindling, username)["domain_id"]
        at(kindling, f"03-01T{instant}")
        message = email(1, user=username)
        if number == 0:
            is_limited(kindling.api.post("/v1/send", message), "per_minute", 5, 5, 40)
        elif number == 1:
            assert kindling.api.post("/v1/send", email(5, user=username)).status == 202
        else:
            is_limited(kindling.api.post("/v1/send", message), "hourly", 10, 10, 60)
    assert shown(kindling)["today_sent"] == 10
    assert shown(kindling)["remaining_today"] == 40
    at(kindling, "03-02T00:00:00")
    assert kindling.api.post("/v1/send", message).status == 202
    assert shown(kindling)["today_sent"] == 1


def test_a_suspension_outlives_its_domain_and_says_what_ends_it(kindling: Kindling) -> None:
    domain_id = sender(kindling)["domain_id"]
    assert kindling.api.post("/v1/send", email(5)).status == 202
    suspend(kindling)
    delete(kindling, domain_id)
    sender_again(kindling, "lee")
    found = shown(kindling)
    because = (
        "the name was suspended when its former domain ended; a key with the scope admin starts it again with force"
    )
    assert (found["phase"], found["stopped_because"], found["today_sent"]) == ("suspended", because, 5)
    assert kindling.api.post(f"{WARMING}/explain").body["reasons"] == [f"warming is suspended: {because}"]
    assert [(entry["from_phase"], entry["to_phase"], entry["detail"]) for entry in history(kindling)] == [
        ("not_started", "suspended", because)
    ]
    assert changes(kindling) == [("suspended", "warming_continued", "system")]
    is_refused(kindling.api.post("/v1/send", email(user="lee")), 403, "warming_suspended")
    is_refused(kindling.api.post(f"{WARMING}/start"), 409, "already_warming")
    assert kindling.api.post(f"{WARMING}/start", {"force": True}).status == 200
    found = shown(kindling)
    assert (found["phase"], found["remaining_today"], len(history(kindling))) == ("phase_1", 45, 2)


def test_a_pause_outlives_its_domain_and_is_resumed_by_the_next(kindling: Kindling) -> None:
    domain_id = sender(kindling)["domain_id"]
    stand(kindling, domain_id, ramp_day=3, limits=triple(150, 15, 5))
    assert kindling.api.post(f"{WARMING}/pause", {"reason": "secret"}).status == 200
    delete(kindling, domain_id)
    sender_again(kindling, "lee")
    assert (shown(kindling)["phase"], "secret" in json.dumps(shown(kindling))) == ("paused", False)
    is_refused(kindling.api.post("/v1/send", email(user="lee")), 403, "warming_paused")
    assert kindling.api.post(f"{WARMING}/resume").body["phase"] == "phase_1"
    assert shown(kindling)["current_limits"]["daily_limit"] == 50


def test_another_tenant_takes_the_gate_over_and_learns_nothing_else(kindling: Kindling) -> None:
    mine = proven(kindling)
    because = "61 bounces from 200 recipients"
    stopped = {"phase": "suspended", "phase_before": "phase_2", "stopped_because": because, "stopped_by": "system"}
    stand(kindling, mine["id"], **stopped, judged_from="2026-02-27")
    assert report(kindling, "bounced", 3, inbox=f"kim@{NAME}")
    delete(kindling, mine["id"])
    other = rival(kindling)
    theirs = proven(other)
    told = other.api.get(PATH).body | other.api.get(f"{PATH}/history").body
    assert (told["phase"], told["phase_before"]) == ("suspended", "phase_2")
    for secret in (kindling.user_id, mine["id"], because):
        assert secret not in json.dumps(told)
    assert other.api.get(f"/v1/domains/{NAME}/stats").body["metrics"]["total_bounced"] == 0
    gate = store.get(other.user_id, theirs["id"])
    assert gate
    # Its evidence is that of the name.
    assert gate.judged_from == "2026-02-27"
    # And it leads back to the first tenant, by way of the second.
    delete(other, theirs["id"])
    proven(kindling)
    assert kindling.api.get(PATH).body["phase"] == "suspended"


def test_a_name_that_is_taken_over_goes_on_with_the_gate_of_the_tenant_that_lost_it(kindling: Kindling) -> None:
    mine = proven(kindling)
    stand(kindling, mine["id"], phase="phase_2", strikes=2, sent={"2026-03-01": 30})
    other = rival(kindling)
    theirs = proven(other)
    found = other.api.get(PATH).body
    assert (found["phase"], found["today_sent"]) == ("phase_2", 30)
    assert kindling.api.get(PATH).body["phase"] == "phase_2"
    # Back again, with what the other has sent and been stopped for meanwhile.
    assert other.api.post(f"{PATH}/pause").status == 200
    proven(kindling, mine)
    assert row(other.api, theirs)["status"] == "pending"
    found = kindling.api.get(PATH).body
    assert (found["phase"], found["phase_before"], found["today_sent"]) == ("paused", "phase_2", 30)
    reasons = [entry["reason"] for entry in kindling.api.get(f"{PATH}/history").body["history"]]
    assert reasons == ["warming_continued", "warming_started"]


def test_who_never_proves_a_name_neither_frees_nor_spoils_it(kindling: Kindling) -> None:
    mine = proven(kindling)
    stand(kindling, mine["id"], phase="phase_3", strikes=1, sent={"2026-03-01": 30})
    delete(kindling, mine["id"])
    other = rival(kindling)
    stranger = registered(other)
    assert other.api.get(PATH).body["phase"] == "not_started"
    assert other.api.post(f"{PATH}/start", {"force": True}).status == 200
    assert other.api.post(f"{PATH}/pause").status == 200
    assert other.api.get(PATH).body["today_sent"] == 0
    delete(other, stranger["id"])
    proven(kindling)
    found = kindling.api.get(PATH).body
    assert (found["phase"], found["today_sent"]) == ("phase_3", 30)


def test_a_start_by_force_before_the_name_is_proven_lifts_nothing(kindling: Kindling) -> None:
    mine = proven(kindling)
    stand(kindling, mine["id"], phase="suspended")
    delete(kindling, mine["id"])
    kindling.world.set(dns_txt={f"_kindling.{NAME}": None})
    other = rival(kindling)
    theirs = registered(other)
    assert other.api.post(f"{PATH}/start", {"force": True}).body["phase"] == "phase_1"
    proven(other, theirs)
    assert other.api.get(PATH).body["phase"] == "suspended"


@pytest.mark.parametrize(("days", "phase"), [(89, "suspended"), (90, "phase_1")])
def test_a_gate_is_kept_for_90_days_after_its_domain(kindling: Kindling, days: int, phase: str) -> None:
    mine = proven(kindling)
    stand(kindling, mine["id"], phase="suspended", strikes=2)
    kindling.clock.advance(milliseconds=500)
    delete(kindling, mine["id"])
    expiry = kindling.clock.at + timedelta(days=90)
    item = aws.table().get_item(Key=warming_key(kindling.user_id, mine["id"]))["Item"]
    assert item["expires_at"] == ceil(expiry.timestamp())
    kindling.clock.at = expiry - timedelta(milliseconds=1)
    assert store.kept(kindling.user_id, mine["id"])
    kindling.clock.at = expiry
    assert store.kept(kindling.user_id, mine["id"]) is None
    kindling.clock.advance(days=days - 90)
    found = store.get(kindling.user_id, proven(kindling)["id"])
    assert found
    assert (found.phase, found.strikes) == (phase, 0 if phase == "phase_1" else 2)


def test_a_domain_that_gets_its_name_back_when_the_other_is_forgotten_may_send(kindling: Kindling) -> None:
    mine = proven(kindling)
    other = rival(kindling)
    theirs = proven(other)
    delete(other, theirs["id"])
    kindling.clock.advance(days=90)
    proven(kindling, mine)
    found = store.get(kindling.user_id, mine["id"])
    assert found
    assert (found.phase, found.ended_at) == (Phase.PHASE_1, "")


def test_strikes_and_reports_follow_the_name_within_a_tenant(kindling: Kindling) -> None:
    follow(kindling, own(15))
    domain_id = sender(kindling)["domain_id"]
    stand(kindling, domain_id, strikes=2)
    assert kindling.api.post("/v1/send", email(15)).status == 202
    report(kindling, "sent", 15)
    report(kindling, "bounced", 6, **UNDETERMINED)
    delete(kindling, domain_id)
    # Also what is reported while there is no domain of the name, and what comes late.
    report(kindling, "bounced", 1, **UNDETERMINED)
    account = sender_again(kindling, "lee")
    # The figures of a domain are its own.
    assert shown(kindling)["metrics"]["total_bounced"] == 0
    judge_what_is_queued()
    assert shown(kindling)["phase"] == "phase_1"
    report(kindling, "bounced", 1, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert (shown(kindling)["phase"], shown(kindling)["domain_id"]) == ("suspended", account["domain_id"])
    [day] = kindling.api.get("/v1/domains/acme.example/stats/isp").body["stats"]
    assert (day["isp"], day["total_sent"], day["total_bounced"]) == ("other", 0, 1)


def test_a_deleted_domain_follows_no_schedule_and_is_judged_no_more(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    report(kindling, "sent", 40)
    report(kindling, "bounced", 20, **UNDETERMINED)
    delete(kindling, domain["id"])
    before = store.kept(kindling.user_id, domain["id"])
    follow(kindling, own(5))
    assert judge_what_is_queued() == 1
    assert before == store.kept(kindling.user_id, domain["id"])
    assert store.all_of(kindling.user_id) == []
