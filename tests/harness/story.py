"""A tenant as an operator would meet it: domains in every phase, accounts, messages, operations that failed."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kindling.accounts.model import account_key
from kindling.accounts.reputation import DailyReputation
from kindling.cleanups.model import BACK_OFF
from kindling.events import store as events
from kindling.events.model import Delivery, DeliveryStatus
from kindling.metrics import store as metrics
from kindling.metrics.model import day_sort_key, metrics_partition
from kindling.platform import clock, table
from kindling.warming import store
from kindling.warming.model import Limits, Phase, Warming, history_entry
from kindling.warming.schedules import PRESETS
from tests.conftest import Kindling

# The days of the warming that is drawn, the one of the pause, and for how long that was.
DAYS, PAUSED_ON, PAUSED_DAYS = 30, 17, 3
# What the gate refused on days of it: recipients and messages.
REFUSED = {5: (40, 8), 7: (180, 36), 14: (2_600, 52), PAUSED_ON: (1_150, 23), PAUSED_ON + 1: (75, 2), 26: (9_000, 180)}
EVERY_PROVIDER = {"gmail": 0.5, "microsoft": 0.2, "yahoo": 0.15, "other": 0.15}


@dataclass
class Story:
    """The ids of what there is to see."""

    domain: str
    account: str
    message: str
    webhook: str
    succeeded: str
    failed: str

    @property
    def pages(self) -> dict[str, str]:
        """Every page of the console by a name."""
        sections = ("domains", "accounts", "messages", "operations", "suppressions", "webhooks", "keys", "audit")
        return {name: f"/console/{name}" for name in (*sections, "cleanups")} | {
            "domain": f"/console/domains/{self.domain}?recipients=40000",
            "account": f"/console/accounts/{self.account}",
            "message": f"/console/messages/{self.message}",
            "webhook": f"/console/webhooks/{self.webhook}",
            "operation": f"/console/operations/{self.succeeded}",
            "failure": f"/console/operations/{self.failed}",
        }


def tell(kindling: Kindling) -> Story:
    """Make all of it, through the API where that is quick, and weeks of warming by writing what they leave behind."""
    domain = kindling.verified_domain("mail.acme.example")
    warming = kindling.account("pat", domain)
    kindling.clock.advance(days=9)
    external = kindling.api.post("/api/email/domains", {"domain": "external-shop.example"})
    assert external.status == 201, external.body
    resting = kindling.verified_domain("news.acme.example")
    paused = kindling.api.post(f"/v1/domains/{resting['id']}/warming/pause", {"reason": "list is being cleaned"})
    assert paused.status == 200, paused.body
    made = kindling.api(
        "POST", "/api/email/accounts", {"username": "kim", "domain_id": domain["id"], "display_name": "Kim of Acme"},
        headers={"prefer": "respond-async"},
    )  # fmt: skip
    succeeded = made.body["operation"]
    account = succeeded["subject_id"]
    failed = _failed(kindling, domain)
    weeks(kindling, domain["id"])
    _reputation(kindling, warming["id"])
    message = _mail(kindling, account)
    webhook = delivering(kindling)
    _cleanup(kindling, domain)
    for address, reason in (("pat@example.com", "complaint"), ("lee@example.org", "hard_bounce")):
        assert kindling.api.post("/v1/suppressions", {"email": address, "reason": reason}).status == 201
    return Story(domain["id"], warming["id"], message, webhook, succeeded["id"], failed)


def weeks(kindling: Kindling, domain_id: str) -> None:
    """Thirty days of warming, as they stand in the table: mail, reports, a pause with its cause, and the history."""
    chance = random.Random(7)  # noqa: S311
    today = clock.now()
    warming = store.get(kindling.user_id, domain_id)
    assert warming
    standard = PRESETS["standard"]
    phase, ramp, began = Phase.PHASE_1, 0, today - timedelta(days=DAYS)
    _enter(kindling, warming, phase, began, "warming_started", "")
    limit = 0
    for number in range(DAYS):
        day = began + timedelta(days=number)
        if PAUSED_ON <= number < PAUSED_ON + PAUSED_DAYS:
            if number == PAUSED_ON:
                detail = "bounce rate 8.4% of 4,812 recipients is above 5.0%"
                _enter(kindling, warming, Phase.PAUSED, day, "bounce_rate", detail)
            continue
        if number == 12:
            phase, ramp = Phase.PHASE_2, 0
            _enter(kindling, warming, phase, day, "metrics_passed", "all thresholds passed")
        if number == PAUSED_ON + PAUSED_DAYS:
            phase, ramp = Phase.PHASE_1, 12
            _enter(kindling, warming, phase, day, "warming_resumed", "")
        if number == PAUSED_ON + PAUSED_DAYS + 3:
            phase, ramp = Phase.PHASE_2, 0
            _enter(kindling, warming, phase, day, "metrics_passed", "all thresholds passed")
        limit = standard.limits(phase, ramp).daily_limit
        ramp += 1
        if day.weekday() < 5 or number % 3:
            sent = round(limit * chance.uniform(0.6, 0.97))
            share = 0.084 if number == PAUSED_ON - 1 else chance.uniform(0.004, 0.02)
            _day(kindling, domain_id, day.date().isoformat(), sent, limit, round(sent * share), chance)
    for number, (recipients, messages) in REFUSED.items():
        on = f"{began + timedelta(days=number):%Y-%m-%d}"
        metrics.add_refused(kindling.user_id, domain_id, on, recipients=recipients, messages=messages)
    limits = standard.limits(Phase.PHASE_2, ramp)
    _now(kindling, warming, limits, ramp)


def _reputation(kindling: Kindling, account_id: str) -> None:
    """Thirty days of a reputation that rises, with two on which nobody could read it."""
    values = [None if number in (11, 12) else min(62 + 2 * number, 97 - number % 3) for number in range(DAYS)]
    daily = DailyReputation(last_day=clock.today(), values=values)
    made = clock.timestamp(clock.now() - timedelta(days=DAYS))
    put = {"daily_reputation": daily.model_dump(mode="json"), "created_at": made}
    table.update(account_key(kindling.user_id, account_id), **table.assigned(put))


def _day(
    kindling: Kindling, domain_id: str, day: str, sent: int, limit: int, bounced: int, chance: random.Random
) -> None:
    """A day's item: what the gate admitted by mailbox provider and what was reported."""
    counts: dict[str, int] = {"admitted": sent, "sent": sent, "delivered": sent - bounced, "bounced": bounced}
    counts |= {"hard_bounced": bounced, "unknown_mailbox": bounced, "complained": round(sent * 0.0004)}
    item: dict[str, Any] = {"pk": metrics_partition(kindling.user_id, domain_id), "sk": day_sort_key(day)}
    for provider, share in EVERY_PROVIDER.items():
        item |= {f"{name}@{provider}": round(n * share) for name, n in counts.items()}
        item[f"complained@{provider}"] = chance.choice([0, 0, 1, 2]) if provider == "yahoo" and sent > 1000 else 0
    table.put({**item, **counts, "daily_limit": limit})


def _enter(kindling: Kindling, warming: Warming, to: Phase, at: Any, reason: str, detail: str) -> None:
    kept, kindling.clock.at = kindling.clock.at, at
    current = store.get(kindling.user_id, warming.domain_id)
    assert current
    by = "api" if reason.startswith("warming") else "system"
    entry = history_entry(current, to, reason=reason, triggered_by=by, detail=detail or None)
    table.transact([store.recorded(current, entry)])
    fields = {"phase": to, "revision": current.revision + 1}
    table.update({"pk": f"TENANT#{kindling.user_id}", "sk": f"WARMING#{warming.domain_id}"}, **table.assigned(fields))
    kindling.clock.at = kept


def _now(kindling: Kindling, warming: Warming, limits: Limits, ramp: int) -> None:
    """The gate's item as it stands today."""
    now = clock.now()
    day, hour, minute = (now.isoformat()[:length] for length in (10, 13, 16))
    sent = {day: 1_840, hour: 212, minute: 6, f"{day[2:4]}{day[5:7]}{day[8:10]}g": 920}
    fields = {
        "phase": Phase.PHASE_2,
        "limits": limits.model_dump(),
        "limits_on": day,
        "budgets": {},
        "ramp_day": ramp,
        "phase_days": 7,
        "mailed_days": 6,
        "mailed": 18_400,
        "judged_from": "",
        "counted_on": day,
        "minute": minute,
        "sent": sent,
        "strikes": 1,
        "warming_started_at": clock.timestamp(now - timedelta(days=DAYS)),
        "phase_started_at": clock.timestamp(now - timedelta(days=7)),
    }
    key = {"pk": f"TENANT#{kindling.user_id}", "sk": f"WARMING#{warming.domain_id}"}
    table.update(key, **table.assigned(fields))
    domain = {"pk": f"TENANT#{kindling.user_id}", "sk": f"DOMAIN#{warming.domain_id}"}
    table.update(domain, **table.assigned({"created_at": clock.timestamp(now - timedelta(days=DAYS + 1))}))


def _failed(kindling: Kindling, domain: dict[str, Any]) -> str:
    """An operation that failed and was undone."""
    kindling.world.fault("instantly", "POST", "/api/v2/accounts", "refuse", status=400)
    command = {"username": "sales", "domain_id": domain["id"]}
    reply = kindling.api("POST", "/api/email/accounts", command, headers={"prefer": "respond-async"})
    kindling.world.heal()
    return str(reply.body["operation"]["id"])


def _mail(kindling: Kindling, account: str) -> str:
    """Messages, of which one came to nobody; the id of the last."""
    assert kindling.api.patch(f"/api/email/accounts/{account}", {"warmup_enabled": False}).status == 200
    sent: dict[str, Any] = {}
    subjects = ("Your invoice of November", "Welcome to Acme", "A <b>very</b> long subject " + "and so on " * 12)
    for number, subject in enumerate(subjects):
        kindling.clock.advance(minutes=1)
        body = {
            "from": "kim@mail.acme.example",
            "to": [f"pat{number}@example.com"],
            "subject": subject,
            "text_body": ".",
        }
        reply = kindling.api.post("/v1/send", body)
        assert reply.status == 202, reply.body
        sent = reply.body
    return str(sent["id"])


def delivering(kindling: Kindling) -> str:
    """A webhook with a delivery that was made, one that failed and one to come; its id."""
    made = kindling.api.post("/v1/webhooks", {"url": "https://hooks.example.com/kindling"}).body["webhook"]
    for number, status in enumerate((DeliveryStatus.SUCCEEDED, DeliveryStatus.FAILED, DeliveryStatus.PENDING)):
        at = clock.timestamp(clock.now() - timedelta(hours=number))
        delivery = Delivery(
            id=f"evt_{number}", user_id=kindling.user_id, webhook_id=made["id"], event_type="warming.paused",
            payload="{}", status=status, attempts=number + 1, next_attempt_at=at, created_at=at,
            response_status=None if number else 200, last_error="HTTP 500" if number == 1 else None,
        )  # fmt: skip
        key = {"pk": f"TENANT#{kindling.user_id}", "sk": f"DELIVERY#{made['id']}#{delivery.id}"}
        owner = {"owner": f"{kindling.user_id}#delivery#{made['id']}"}
        table.put({**key, **delivery.model_dump(mode="json", exclude_none=True), **owner})
    assert events.get(kindling.user_id, made["id"])
    return str(made["id"])


def _cleanup(kindling: Kindling, domain: dict[str, Any]) -> None:
    """A cleanup that a provider keeps refusing."""
    now = clock.now()
    row = {
        "user_id": kindling.user_id,
        "kind": "inbox",
        "target": f"old@{domain['domain']}",
        "subject_id": "s",
        "attempts": 11,
        "last_error": "AgentMail answered 500: the inbox is locked",
        "created_at": clock.timestamp(now - timedelta(days=1)),
        "due_at": clock.timestamp(now + BACK_OFF),
        "owner": f"{kindling.user_id}#cleanup",
    }
    table.put({"pk": f"TENANT#{kindling.user_id}", "sk": "CLEANUP#inbox#s", **row})
