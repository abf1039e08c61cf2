"""The webhook events of a sent message and of a verified domain."""

from collections import Counter
from math import ceil, floor
from typing import Any

import httpx
import pytest
from agentmail.events import types as judges
from pydantic import BaseModel

from local.sandbox import Sandbox
from tests.sandbox.resources import Receiver, Time, as_posts, inbox, publish, send, verified_domain, webhook, zone_id

JUDGES: dict[str, type[BaseModel]] = {
    "message.sent": judges.MessageSentEvent,
    "message.delivered": judges.MessageDeliveredEvent,
    "message.bounced": judges.MessageBouncedEvent,
    "message.complained": judges.MessageComplainedEvent,
    "message.rejected": judges.MessageRejectedEvent,
    "message.opened": judges.MessageOpenedEvent,
    "domain.verified": judges.DomainVerifiedEvent,
}
KEYS = {
    "message.sent": "send",
    "message.delivered": "delivery",
    "message.bounced": "bounce",
    "message.complained": "complaint",
    "message.rejected": "reject",
    "message.opened": "open",
    "message.clicked": "click",
    "domain.verified": "domain",
}
SIMULATOR = "simulator.example"


@pytest.fixture
def address(agentmail: httpx.Client) -> str:
    return inbox(agentmail, username="kim")


@pytest.fixture
def hook(agentmail: httpx.Client) -> Receiver:
    webhook(agentmail)
    return Receiver()


def set_rates(admin: httpx.Client, **rates: float) -> None:
    admin.post("/settings", json={"rates": {"agentmail.to": rates}}).raise_for_status()


def content(event: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = event[KEYS[event["event_type"]]]
    return details


def counted(hook: Receiver) -> Counter[str]:
    """How many recipients each kind of event has; bounces by their type."""
    counts: Counter[str] = Counter()
    for event in hook.events:
        kind = content(event).get("type") if event["event_type"] == "message.bounced" else event["event_type"]
        counts[str(kind)] += len(content(event)["recipients"])
    return counts


def test_a_message_is_sent_and_delivered(
    agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: Receiver
) -> None:
    sent = send(agentmail, address, to=["Ann <ann@else.test>", "bob@else.test"], cc="cat@else.test").json()
    assert sandbox.deliver(hook) == 2
    assert hook.kinds == ["message.sent", "message.delivered"]
    for event in hook.events:
        details = content(event)
        assert set(event) == {"type", "event_type", "event_id", KEYS[event["event_type"]]}
        assert event["type"] == "event"
        assert (details["inbox_id"], details["message_id"], details["thread_id"]) == (address, *sent.values())
        assert details["recipients"] == ["ann@else.test", "bob@else.test", "cat@else.test"]
        assert details["timestamp"] == "2026-11-20T10:00:00.000Z"
    assert len({event["event_id"] for event in hook.events}) == 2


def test_a_refused_or_repeated_send_publishes_no_event(
    agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: Receiver
) -> None:
    send(agentmail, address, "key-1", to="ann@else.test").raise_for_status()
    sandbox.deliver(hook)
    send(agentmail, address, "key-1", to="ann@else.test").raise_for_status()
    send(agentmail, address, "key-1", to="bob@else.test")
    send(agentmail, address)
    assert sandbox.deliver(hook) == 0


def test_test_addresses_always_have_their_outcome(
    agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: Receiver
) -> None:
    names = ("bounce", "Bounce+7", "softbounce-1", "block", "complaint", "anybody")
    send(agentmail, address, to=[f"{name}@{SIMULATOR}" for name in names]).raise_for_status()
    sandbox.deliver(hook)
    _, hard, soft, blocked, delivered, complained = map(content, hook.events)
    assert hook.kinds[1:] == [*["message.bounced"] * 3, "message.delivered", "message.complained"]
    assert (hard["type"], hard["sub_type"]) == ("Permanent", "General")
    assert hard["recipients"] == [{"address": f"{name}@{SIMULATOR}", "status": "5.1.1"} for name in names[:2]]
    assert (soft["type"], soft["sub_type"]) == ("Transient", "MailboxFull")
    assert soft["recipients"] == [{"address": f"softbounce-1@{SIMULATOR}", "status": "4.2.2"}]
    assert (blocked["type"], blocked["sub_type"]) == ("Permanent", "General")
    assert blocked["recipients"] == [{"address": f"block@{SIMULATOR}", "status": "5.7.1"}]
    assert delivered["recipients"] == [f"complaint@{SIMULATOR}", f"anybody@{SIMULATOR}"]
    assert (complained["type"], complained["recipients"]) == ("abuse", [f"complaint@{SIMULATOR}"])


def test_outcomes_match_the_rates_at_every_moment(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: Receiver
) -> None:
    set_rates(admin, bounce=0.05, soft_bounce=0.03, reject=0.007, complaint=0.004, open=0.37, click=0.1)
    shares = {
        "message.sent": 1.0,
        "message.delivered": 0.913,
        "message.rejected": 0.007,
        "Permanent": 0.05,
        "Transient": 0.03,
        "message.complained": 0.004,
        "message.opened": 0.37,
        "message.clicked": 0.1,
    }
    for number in range(1, 101):
        send(agentmail, address, to=[f"{n}@else.test" for n in range(7)]).raise_for_status()
        sandbox.deliver(hook)
        counts, total = counted(hook), 7 * number
        for kind, share in shares.items():
            assert floor(round(total * share, 6)) <= counts[kind] <= ceil(round(total * share, 6)), (kind, total)


def test_a_recipient_has_one_final_outcome_and_reacts_only_when_delivered(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: Receiver
) -> None:
    set_rates(admin, delivery=0.4, bounce=0.2, soft_bounce=0.1, reject=0.1, complaint=1.0, open=1.0, click=1.0)
    everybody = {f"{number}@else.test" for number in range(50)}
    send(agentmail, address, to=sorted(everybody)).raise_for_status()
    sandbox.deliver(hook)
    details = {event["event_type"]: content(event)["recipients"] for event in hook.events}
    bounced = [entry["address"] for e in hook.events for entry in e.get("bounce", {}).get("recipients", [])]
    ends = [*details["message.delivered"], *details["message.rejected"], *bounced]
    assert len(ends) == len(set(ends)) == 40
    assert set(ends) < everybody
    for reaction in ("complained", "opened", "clicked"):
        assert details[f"message.{reaction}"] == details["message.delivered"]


def test_two_runs_have_the_same_outcomes(hook: Receiver) -> None:
    runs = []
    for _ in range(2):
        sandbox, receiver = Sandbox(), Receiver()
        headers = {"Authorization": "Bearer am_us_organisation"}
        transport = httpx.MockTransport(sandbox.handle)
        with httpx.Client(transport=transport, base_url="http://sandbox/v0", headers=headers) as agentmail:
            webhook(agentmail)
            rates = {"agentmail.to": {"bounce": 0.13, "open": 0.3}}
            agentmail.post("http://sandbox/_admin/settings", json={"rates": rates, "webhook_shuffle": True})
            address = inbox(agentmail, username="kim")
            for number in range(20):
                send(agentmail, address, to=[f"{number}-{n}@else.test" for n in range(3)]).raise_for_status()
            sandbox.deliver(receiver)
        runs.append([(event["event_type"], content(event)["recipients"]) for event in receiver.events])
    assert runs[0] == runs[1]


def test_every_domain_has_its_own_rates(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client, sandbox: Sandbox, hook: Receiver
) -> None:
    verified_domain(admin, agentmail, cloudflare)
    sandbox.deliver(Receiver())
    admin.post("/settings", json={"rates": {"Acme.example": {"bounce": 1.0}}}).raise_for_status()
    for domain in ("acme.example", "agentmail.to"):
        send(agentmail, inbox(agentmail, username="lee", domain=domain), to="ann@else.test").raise_for_status()
    sandbox.deliver(hook)
    assert hook.kinds == ["message.sent", "message.bounced", "message.sent", "message.delivered"]


def test_an_untracked_message_has_no_opened_event(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: Receiver
) -> None:
    set_rates(admin, open=1.0)
    send(agentmail, address, to="ann@else.test", track_opens=False).raise_for_status()
    send(agentmail, address, to="ann@else.test").raise_for_status()
    sandbox.deliver(hook)
    assert hook.kinds.count("message.opened") == 1


def test_outcomes_are_delayed_by_a_setting(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str, hook: Receiver, time: Time
) -> None:
    admin.post("/settings", json={"webhook_delay_seconds": 60}).raise_for_status()
    send(agentmail, address, to="ann@else.test").raise_for_status()
    assert (sandbox.deliver(hook), hook.kinds) == (1, ["message.sent"])
    time.advance(seconds=59)
    assert sandbox.deliver(hook) == 0
    time.advance(seconds=1)
    assert sandbox.deliver(hook) == 1
    assert hook.events[1]["delivery"]["timestamp"] == "2026-11-20T10:01:00.000Z"


def test_a_webhook_gets_only_the_events_it_subscribed_to(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, address: str
) -> None:
    set_rates(admin, open=1.0, click=1.0)
    webhook(agentmail, event_types=["message.opened"])
    webhook(agentmail, event_types=["message.sent"], inbox_ids=["lee@agentmail.to"])
    webhook(agentmail, event_types=["message.delivered"], inbox_ids=[address])
    webhook(agentmail, event_types=["message.clicked"], pod_ids=["another pod"])
    send(agentmail, address, to="ann@else.test").raise_for_status()
    hook = Receiver()
    sandbox.deliver(hook)
    assert sorted(hook.kinds) == ["message.delivered", "message.opened"]


def test_a_verified_domain_is_announced_without_a_request(
    agentmail: httpx.Client, cloudflare: httpx.Client, sandbox: Sandbox, hook: Receiver, time: Time
) -> None:
    records = agentmail.post("/domains", json={"domain": "acme.example"}).json()["records"]
    agentmail.post("/domains/acme.example/verify").raise_for_status()
    publish(cloudflare, records)
    time.advance(seconds=2)
    assert sandbox.deliver(hook) == 0
    time.advance(seconds=1)
    assert sandbox.deliver(hook) == 1
    assert hook.events[0]["domain"] == agentmail.get("/domains/acme.example").json()
    assert hook.events[0]["domain"]["status"] == "VERIFIED"
    time.advance(days=1)
    assert sandbox.deliver(hook) == 0


def test_a_domain_that_is_verified_again_is_announced_again(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client, sandbox: Sandbox, hook: Receiver
) -> None:
    domain = verified_domain(admin, agentmail, cloudflare)
    zone = zone_id(cloudflare)
    record = cloudflare.get(f"/zones/{zone}/dns_records").json()["result"][0]
    cloudflare.delete(f"/zones/{zone}/dns_records/{record['id']}").raise_for_status()
    assert agentmail.get("/domains/acme.example").json()["status"] == "PENDING"
    missing = [r for r in domain["records"] if r["name"] == record["name"] and r["type"] == record["type"]]
    cloudflare.post(f"/zones/{zone}/dns_records/batch", json={"posts": as_posts(missing)}).raise_for_status()
    sandbox.deliver(hook)
    assert hook.kinds == ["domain.verified", "domain.verified"]


def test_a_forced_state_is_announced_and_a_deleted_domain_is_not(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client, sandbox: Sandbox, hook: Receiver, time: Time
) -> None:
    for name in ("set.example", "gone.example"):
        records = agentmail.post("/domains", json={"domain": name}).json()["records"]
        publish(cloudflare, records, name)
    agentmail.post("/domains/gone.example/verify").raise_for_status()
    agentmail.delete("/domains/gone.example").raise_for_status()
    admin.post("/settings", json={"domain_states": {"set.example": {"status": "VERIFYING"}}}).raise_for_status()
    time.advance(days=1)
    assert sandbox.deliver(hook) == 0
    admin.post("/settings", json={"domain_states": {"set.example": {"status": "VERIFIED"}}}).raise_for_status()
    sandbox.deliver(hook)
    assert [event["domain"]["domain_id"] for event in hook.events] == ["set.example"]


def test_the_official_sdk_knows_every_event(
    admin: httpx.Client,
    agentmail: httpx.Client,
    cloudflare: httpx.Client,
    sandbox: Sandbox,
    address: str,
    hook: Receiver,
) -> None:
    verified_domain(admin, agentmail, cloudflare)
    set_rates(admin, bounce=0.2, reject=0.2, open=0.5)
    send(agentmail, address, to=[f"{n}@else.test" for n in range(9)], cc=f"complaint@{SIMULATOR}").raise_for_status()
    sandbox.deliver(hook)
    assert set(hook.kinds) == set(JUDGES)
    for event in hook.events:
        JUDGES[event["event_type"]].model_validate(event)
