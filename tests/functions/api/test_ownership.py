"""Ownership of domains: only the tenant whose challenge is in DNS can verify a domain, through any route."""

import itertools
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kindling.domains import claims, store, verification
from kindling.domains.model import DomainStatus
from kindling.domains.ownership import GRACE, LOOK_EVERY, Ownership
from kindling.domains.verification import Look
from kindling.platform import aws, clock
from kindling.providers.model import MailDomain, TxtSurvey
from tests.conftest import Kindling
from tests.functions.test_webhooks import post as webhook
from tests.harness.lambdas import Api, invoke

DOMAINS = "/api/email/domains"
NAMES = ("external-acme.example", "mail.external-acme.example")
VERIFIED = {"status": "VERIFIED"}

Way = Callable[[Kindling, Api, dict[str, Any]], object]


def register(api: Api, name: str) -> dict[str, Any]:
    reply = api.post(DOMAINS, {"domain": name})
    assert reply.status == 201, reply.body
    domain: dict[str, Any] = reply.body["domain"]
    return domain


def row(api: Api, domain: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{DOMAINS}/{domain['id']}").body["domain"]
    return found


def record(domain: dict[str, Any]) -> dict[str, Any]:
    """The domain's ownership record, as its row lists it."""
    (found,) = (r for r in domain["dns_records"] if r["name"] == f"_kindling.{domain['domain']}")
    return dict(found)


def publish(kindling: Kindling, *domains: dict[str, Any]) -> None:
    """Publish exactly these domains' challenges."""
    texts: dict[str, list[str]] = {}
    for domain in domains:
        texts.setdefault(record(domain)["name"], []).append(record(domain)["value"])
    kindling.world.set(dns_txt={f"_kindling.{name}": None for name in NAMES} | texts)


def by_trigger(_: Kindling, api: Api, domain: dict[str, Any]) -> None:
    api.post(f"{DOMAINS}/{domain['id']}/verify")


def by_poll(_: Kindling, api: Api, domain: dict[str, Any]) -> None:
    api("POST", f"{DOMAINS}/{domain['id']}/verify", query={"poll": "true"})


def by_sending_api(_: Kindling, api: Api, domain: dict[str, Any]) -> None:
    api.post(f"/v1/domains/{domain['domain']}/verify")


def by_list(_: Kindling, api: Api, __: dict[str, Any]) -> None:
    api.get(DOMAINS)


def by_poller(kindling: Kindling, api: Api, domain: dict[str, Any]) -> None:
    api.patch(f"{DOMAINS}/{domain['id']}", {"status": "verifying"})
    kindling.clock.advance(minutes=11)
    assert invoke("VerifyDomainsFunction", {})["queued"] >= 1
    kindling.work("CheckDomainFunction", "verifications")


def by_webhook(kindling: Kindling, _: Api, domain: dict[str, Any]) -> None:
    event = {"event_type": "domain.verified", "event_id": str(uuid.uuid4()), "domain": {"domain": domain["domain"]}}
    assert webhook(kindling, json.dumps(event)).body["counted"]
    kindling.work("CheckDomainFunction", "verifications")


WAYS: dict[str, Way] = {
    "trigger": by_trigger,
    "poll": by_poll,
    "the other API": by_sending_api,
    "list": by_list,
    "poller": by_poller,
    "webhook": by_webhook,
}


def no_challenge(kindling: Kindling, _: dict[str, Any], __: dict[str, Any]) -> None:
    kindling.world.set(dns_txt={f"_kindling.{name}": None for name in NAMES})


def another_tenants(kindling: Kindling, _: dict[str, Any], other: dict[str, Any]) -> None:
    publish(kindling, other)


def at_the_parent(kindling: Kindling, mine: dict[str, Any], _: dict[str, Any]) -> None:
    parent = mine["domain"].partition(".")[2]
    places = [mine["domain"], f"_kindling.{parent}", *([parent] if "." in parent else [])]
    kindling.world.set(dns_txt={place: [record(mine)["value"]] for place in places})


def with_another_case(kindling: Kindling, mine: dict[str, Any], _: dict[str, Any]) -> None:
    kindling.world.set(dns_txt={record(mine)["name"]: [record(mine)["value"].upper(), record(mine)["value"][:-1]]})


def stale(kindling: Kindling, mine: dict[str, Any], other: dict[str, Any]) -> None:
    """The challenge from before another tenant took the name over and left."""
    for api, domain in ((kindling.api, mine), (kindling.other, other)):
        publish(kindling, domain)
        by_trigger(kindling, api, domain)
        assert row(api, domain)["status"] == "verified"
    publish(kindling, mine)


def unanswered(kindling: Kindling, mine: dict[str, Any], _: dict[str, Any]) -> None:
    publish(kindling, mine)
    kindling.world.fault("dns", "TXT", "/*", "refuse")


LACKS = {f.__name__: f for f in (no_challenge, another_tenants, stale, at_the_parent, with_another_case, unanswered)}


@pytest.mark.parametrize(("way", "lack", "name"), list(itertools.product(WAYS, LACKS, NAMES)))
def test_without_its_own_challenge_no_way_leads_to_verified(kindling: Kindling, way: str, lack: str, name: str) -> None:
    mine, other = register(kindling.api, name), register(kindling.other, name)
    kindling.world.set(domain_states={name: VERIFIED})
    LACKS[lack](kindling, mine, other)
    WAYS[way](kindling, kindling.api, mine)
    found = row(kindling.api, mine)
    assert found["status"] != "verified"
    assert found["ownership"]["verified"] is False
    assert kindling.api.get(f"/v1/domains/{mine['id']}").body["ownership_verified"] is False


@pytest.mark.parametrize(("way", "name"), list(itertools.product(WAYS, NAMES)))
def test_its_own_challenge_leads_to_verified_and_the_provider_is_still_needed(
    kindling: Kindling, way: str, name: str
) -> None:
    mine, other = register(kindling.api, name), register(kindling.other, name)
    publish(kindling, mine)
    if way != "webhook":
        WAYS[way](kindling, kindling.api, mine)
        assert row(kindling.api, mine)["status"] != "verified"
    kindling.world.set(domain_states={name: VERIFIED})
    WAYS[way](kindling, kindling.other, other)
    assert row(kindling.other, other)["status"] != "verified"
    WAYS[way](kindling, kindling.api, mine)
    found = row(kindling.api, mine)
    assert (found["status"], found["ownership"]["verified"], found["status_reason"]) == ("verified", True, None)
    assert kindling.api.get(f"/v1/domains/{mine['id']}").body["ownership_verified"] is True


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_the_provider_holds_as_verified_begins_unproven(kindling: Kindling, name: str) -> None:
    kindling.world.set(domain_states={name: VERIFIED})
    mine = register(kindling.api, name)
    assert mine["status"] == "pending"
    assert f"_kindling.{name}" in mine["status_reason"]
    publish(kindling, mine)
    by_trigger(kindling, kindling.api, mine)
    assert row(kindling.api, mine)["status"] == "verified"


def test_a_challenge_that_already_stands_verifies_at_once(kindling: Kindling) -> None:
    mine = register(kindling.api, NAMES[0])
    publish(kindling, mine)
    assert kindling.api("DELETE", f"{DOMAINS}/{mine['id']}").status == 200
    kindling.world.set(domain_states={NAMES[0]: VERIFIED})
    again = register(kindling.api, NAMES[0])
    assert (again["status"], record(again)) == ("verified", record(mine))


def test_each_tenant_sees_his_own_challenge_and_the_same_again(kindling: Kindling) -> None:
    name = NAMES[0]
    mine, other = register(kindling.api, name), register(kindling.other, name)
    assert record(mine)["value"] != record(other)["value"]
    sub = register(kindling.api, NAMES[1])
    assert record(sub)["value"] != record(mine)["value"]
    shown = kindling.api.get(f"/v1/domains/{name}/dns").body["records"]
    (challenge,) = (r for r in shown if r["purpose"] == "ownership")
    assert (challenge["name"], challenge["value"]) == (record(mine)["name"], record(mine)["value"])
    assert (challenge["required"], challenge["verified"]) == (True, False)


def test_who_has_not_published_waits_with_a_sentence_and_loses_nothing(kindling: Kindling) -> None:
    name = NAMES[0]
    mine, other = register(kindling.api, name), register(kindling.other, name)
    kindling.world.set(domain_states={name: VERIFIED})
    publish(kindling, mine)
    by_trigger(kindling, kindling.other, other)
    by_trigger(kindling, kindling.api, mine)
    for _ in range(3):
        by_list(kindling, kindling.other, other)
        kindling.clock.advance(hours=13)
    waiting = row(kindling.other, other)
    assert (waiting["status"], record(waiting)) == ("pending", record(other))
    assert f"_kindling.{name}" in waiting["status_reason"]
    assert row(kindling.api, mine)["status"] == "verified"


def test_a_verified_name_is_taken_until_its_challenge_is_replaced(kindling: Kindling) -> None:
    name = NAMES[0]
    kindling.world.set(domain_states={name: VERIFIED})
    mine = register(kindling.api, name)
    publish(kindling, mine)
    by_trigger(kindling, kindling.api, mine)
    refused = kindling.other.post(DOMAINS, {"domain": name})
    assert (refused.status, refused.body["error"]) == (409, "domain_taken")
    theirs = refused.body["dns_record"]
    assert theirs["name"] == f"_kindling.{name}"
    kindling.world.set(dns_txt={theirs["name"]: None})
    assert kindling.other.post(DOMAINS, {"domain": name}).status == 409
    kindling.world.set(dns_txt={theirs["name"]: [theirs["value"], record(mine)["value"]]})
    assert kindling.other.post(DOMAINS, {"domain": name}).status == 409
    kindling.world.set(dns_txt={theirs["name"]: [theirs["value"]]})
    other = register(kindling.other, name)
    assert other["status"] == "verified"
    lost = row(kindling.api, mine)
    assert (lost["status"], lost["ownership"]["verified"]) == ("pending", False)
    assert "Another tenant has proven" in lost["status_reason"]
    # What he had published proves nothing any more.
    assert record(lost)["value"] == verification.challenge(kindling.user_id, name) != record(mine)["value"]


def test_a_challenge_left_behind_proves_nothing_after_the_name_changed_hands(kindling: Kindling) -> None:
    name = NAMES[0]
    kindling.world.set(domain_states={name: VERIFIED})
    mine = register(kindling.api, name)
    publish(kindling, mine)
    by_trigger(kindling, kindling.api, mine)
    assert kindling.api("DELETE", f"{DOMAINS}/{mine['id']}").status == 200
    other = register(kindling.other, name)
    publish(kindling, mine, other)
    by_trigger(kindling, kindling.other, other)
    assert row(kindling.other, other)["status"] == "verified"
    assert kindling.other("DELETE", f"{DOMAINS}/{other['id']}").status == 200
    again = register(kindling.api, name)
    assert again["status"] == "pending"
    assert record(again)["value"] != record(mine)["value"]
    for way in WAYS.values():
        way(kindling, kindling.api, again)
        assert row(kindling.api, again)["status"] != "verified"


def test_a_domain_moves_to_another_tenant_and_back(kindling: Kindling) -> None:
    name = NAMES[0]
    kindling.world.set(domain_states={name: VERIFIED})
    rows = [(kindling.api, register(kindling.api, name)), (kindling.other, register(kindling.other, name))]
    for turn in range(5):
        api, domain = rows[turn % 2]
        publish(kindling, row(api, domain))
        by_trigger(kindling, api, domain)
        statuses = [row(*one)["status"] for one in rows]
        assert statuses == (["verified", "pending"] if turn % 2 == 0 else ["pending", "verified"])


def test_two_challenges_at_once_leave_the_name_where_it_is(kindling: Kindling) -> None:
    name = NAMES[0]
    mine, other = register(kindling.api, name), register(kindling.other, name)
    kindling.world.set(domain_states={name: VERIFIED})
    publish(kindling, mine)
    by_trigger(kindling, kindling.api, mine)
    publish(kindling, mine, other)
    by_trigger(kindling, kindling.other, other)
    held = row(kindling.other, other)
    assert (held["status"], row(kindling.api, mine)["status"]) == ("pending", "verified")
    assert "Another tenant has verified" in held["status_reason"]


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1]])
def test_neither_above_nor_beneath_a_verified_name_is_anything_inherited(
    kindling: Kindling, names: tuple[str, str]
) -> None:
    kindling.world.set(domain_states=dict.fromkeys(NAMES, VERIFIED))
    mine = register(kindling.api, names[0])
    publish(kindling, mine)
    by_trigger(kindling, kindling.api, mine)
    for api in (kindling.api, kindling.other):
        related = register(api, names[1])
        by_trigger(kindling, api, related)
        assert row(api, related)["status"] == "pending"
    publish(kindling, mine, row(kindling.other, related))
    by_trigger(kindling, kindling.other, related)
    assert row(kindling.other, related)["status"] == "verified"
    assert row(kindling.api, mine)["status"] == "verified"


def looked_at_daily(kindling: Kindling, days: int) -> None:
    """Run the poller's daily checks."""
    for _ in range(days):
        kindling.clock.advance(seconds=LOOK_EVERY.total_seconds() + 1)
        invoke("VerifyDomainsFunction", {})
        kindling.work("CheckDomainFunction", "verifications")


def test_a_missing_challenge_is_told_at_once_and_ends_the_use_after_the_grace(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    kindling.api.patch(f"/api/email/accounts/{account['id']}", {"warmup_enabled": False})
    email = {"from": "kim@acme.example", "to": ["pat@example.com"], "text_body": "Hello"}
    kindling.world.fault("dns", "TXT", "/_kindling.acme.example", "forge", message="somebody-else=1")
    looked_at_daily(kindling, 1)
    warned = row(kindling.api, domain)
    assert (warned["status"], warned["ownership"]["verified"]) == ("verified", False)
    assert warned["ownership"]["in_use_until"] in warned["status_reason"]
    looked_at_daily(kindling, 2)
    assert row(kindling.api, domain)["status"] == "verified"
    assert kindling.api.post("/v1/send", email).status == 202
    looked_at_daily(kindling, 1)
    ended = row(kindling.api, domain)
    assert (ended["status"], ended["verified_at"]) == ("pending", None)
    assert kindling.api.post("/v1/send", email).body["error"] == "domain_not_sending"
    refused = kindling.api.post("/api/email/accounts", {"username": "lou", "domain_id": domain["id"]})
    assert refused.body["error"] == "domain_not_verified"
    kindling.world.heal()
    by_trigger(kindling, kindling.api, domain)
    assert row(kindling.api, domain)["status"] == "verified"
    assert kindling.api.post("/v1/send", email).status == 202


def test_a_challenge_that_comes_back_within_the_grace_changes_nothing(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    for _ in range(3):
        kindling.world.fault("dns", "TXT", "/*", "forge", message="gone")
        looked_at_daily(kindling, 2)
        kindling.world.heal()
        looked_at_daily(kindling, 1)
        found = row(kindling.api, domain)
        assert (found["status"], found["status_reason"], found["ownership"]["missing_since"]) == (
            "verified",
            None,
            None,
        )


def test_a_dns_that_is_silent_for_weeks_costs_nobody_a_domain(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    kindling.world.fault("dns", "TXT", "/*", "timeout_after")
    looked_at_daily(kindling, 10)
    found = row(kindling.api, domain)
    assert (found["status"], found["ownership"]["missing_since"]) == ("verified", None)


def test_a_domain_in_use_is_asked_about_again_when_a_day_is_over(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    looked_at = row(kindling.api, domain)["ownership"]["checked_at"]
    day_over = clock.parse(looked_at) + LOOK_EVERY
    for instant, looks in ((day_over - timedelta(milliseconds=1), False), (day_over, True)):
        kindling.clock.at = instant
        by_list(kindling, kindling.api, domain)
        seen = row(kindling.api, domain)["ownership"]["checked_at"]
        assert seen == (clock.timestamp(instant) if looks else looked_at)


def test_nobody_takes_a_name_over_while_dns_is_silent(kindling: Kindling) -> None:
    mine = store.get(kindling.user_id, kindling.verified_domain()["id"])
    assert mine
    rival = mine.model_copy(
        update={
            "id": "d",
            "user_id": "rival",
            "status": DomainStatus.VERIFYING,
            "ownership": Ownership(challenge="theirs"),
            "verification_triggered_at": clock.timestamp(),
        }
    )
    live = MailDomain(domain_id=mine.domain, status="VERIFIED")
    both, new = frozenset({"theirs", mine.ownership.challenge}), frozenset({"theirs"})
    # What the rival published is seen by most; whether the old one is gone, nobody can tell.
    for views, status in (
        ((both, new, None), "pending"),
        ((both, both, new), "pending"),
        ((new, new, None), "verified"),
    ):
        outcome = verification.decide(rival, Look(live, TxtSurvey(views)), clock.now())
        assert outcome.status == status, views


def test_one_clear_miss_and_then_silence_is_one_strike(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    kindling.world.fault("dns", "TXT", "/*", "forge", message="gone")
    looked_at_daily(kindling, 1)
    kindling.world.heal()
    kindling.world.fault("dns", "TXT", "/*", "refuse")
    looked_at_daily(kindling, 5)
    assert row(kindling.api, domain)["status"] == "verified"


def test_a_domain_in_use_that_the_provider_forgot_is_still_judged_by_its_challenge(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=404)
    looked_at_daily(kindling, 1)
    assert row(kindling.api, domain)["status"] == "verified"
    kindling.world.fault("dns", "TXT", "/*", "forge", message="gone")
    looked_at_daily(kindling, 4)
    assert row(kindling.api, domain)["status"] == "pending"


def test_the_grace_is_three_days_and_the_look_is_daily() -> None:
    assert (GRACE.total_seconds() / 3600, LOOK_EVERY.total_seconds() / 3600) == (72, 24)


def test_late_events_about_mail_belong_to_who_sent_it(kindling: Kindling) -> None:
    mine = kindling.verified_domain()
    kindling.account("kim", mine)
    kindling.world.fault("dns", "TXT", "/*", "forge", message="gone")
    refused = kindling.other.post(DOMAINS, {"domain": "acme.example"})
    assert refused.status == 409
    kindling.world.heal()
    kindling.world.fault("dns", "TXT", "/*", "forge", message=refused.body["dns_record"]["value"])
    other = register(kindling.other, "acme.example")
    assert other["status"] == "verified"
    complaint = {"inbox_id": "kim@acme.example", "message_id": "m", "recipients": ["pat@example.com"]}
    event = {"event_type": "message.complained", "event_id": "e", "complaint": complaint}
    assert webhook(kindling, json.dumps(event)).body["counted"]
    assert kindling.api.get("/v1/suppressions/check", email="pat@example.com").body["suppressed"]
    assert not kindling.other.get("/v1/suppressions/check", email="pat@example.com").body["suppressed"]


def test_a_name_that_changes_hands_while_it_is_saved_is_no_reason_to_undo(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = NAMES[0]
    mine = register(kindling.api, name)
    publish(kindling, mine)
    assert kindling.api("DELETE", f"{DOMAINS}/{mine['id']}").status == 200
    kindling.world.set(domain_states={name: VERIFIED})
    claimed = claims.taken
    rival = {"pk": f"DOMAIN#{name}", "sk": "VERIFIED", "user_id": "somebody", "domain_id": "else"}

    def overtaken(*arguments: Any) -> Any:
        aws.table().put_item(Item=rival)
        return claimed(*arguments)

    monkeypatch.setattr(claims, "taken", overtaken)
    again = register(kindling.api, name)
    assert again["status"] == "pending"
    assert row(kindling.api, again)["id"] == again["id"]


def test_nobody_restarts_the_check_of_a_name_that_the_provider_has_verified(kindling: Kindling) -> None:
    mine, other = register(kindling.api, NAMES[0]), register(kindling.other, NAMES[0])
    kindling.world.set(domain_states={NAMES[0]: VERIFIED})
    kindling.world.fault("agentmail", "POST", f"/v0/domains/{NAMES[0]}/verify", "refuse", status=500)
    for api, domain in ((kindling.api, mine), (kindling.other, other)):
        assert api.post(f"{DOMAINS}/{domain['id']}/verify").status == 200
    kindling.world.set(domain_states={NAMES[0]: {"status": "PENDING"}})
    assert kindling.other.post(f"{DOMAINS}/{other['id']}/verify").status == 502
