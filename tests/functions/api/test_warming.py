"""The routes of /v1/domains/{id}/warming: phase, limits, history, start, pause, resume and explain."""

import base64
import re
import uuid
from typing import Any

import pytest

from kindling.platform import aws, table
from kindling.warming.words import AFTER_SUSPENSION
from tests.conftest import Kindling, issue
from tests.functions.api.test_contract import TIME, UUID, fits, like, maybe, number, one_of, text
from tests.functions.api.test_schedules import begin_next_day, follow, own
from tests.functions.api.test_send import at, email, is_refused, sender, suspend
from tests.functions.test_webhooks import UNDETERMINED, admitted, judge_what_is_queued, report
from tests.harness.lambdas import Api, Reply

WARMING = "/v1/domains/acme.example/warming"
PHASES = ("not_started", "phase_1", "phase_2", "phase_3", "phase_4", "warmed", "paused", "suspended")
LIMITS: dict[str, Any] = {"daily_limit": number, "hourly_limit": number, "per_minute_limit": number}
PROVIDER: dict[str, Any] = {
    "mailbox_provider": one_of("gmail", "microsoft", "yahoo", "apple", "other"),
    "sent_today": number,
    "daily_limit": maybe(number),
    "remaining_today": maybe(number),
}
EVIDENCE: dict[str, Any] = {
    "window": one_of("7_days", "28_days"),
    **dict.fromkeys(("recipients", "reported", "delivered", "bounces", "blocks", "listening", "complaints"), number),
}
SHOWN: dict[str, Any] = {
    "domain_id": like(UUID),
    "domain": text,
    "phase": one_of(*PHASES),
    "warming_started_at": maybe(like(TIME)),
    "phase_started_at": maybe(like(TIME)),
    "days_in_current_phase": number,
    "current_limits": lambda limits: fits(limits, LIMITS),
    **dict.fromkeys(("today_sent", "this_hour_sent", "this_minute_sent"), number),
    **dict.fromkeys(("remaining_today", "remaining_this_hour", "remaining_this_minute"), number),
    "metrics": lambda metrics: isinstance(metrics, dict),
    "eligible_for_advancement": lambda value: isinstance(value, bool),
    **dict.fromkeys(("advancement_blockers", "climbing_blockers", "advice"), lambda said: all(map(text, said))),
    "evidence": lambda windows: [fits(one, EVIDENCE) for one in windows] == [True, True],
    "next_phase": maybe(one_of(*PHASES)),
    "next_phase_limits": maybe(lambda limits: fits(limits, LIMITS)),
    "phase_before": maybe(one_of(*PHASES)),
    "stopped_because": maybe(text),
    "schedule": lambda schedule: fits(schedule, {"name": text} | {"version": number}),
    "mailbox_providers": lambda providers: all(fits(one, PROVIDER) for one in providers),
}
ENTRY: dict[str, Any] = {
    "id": like(UUID),
    "domain_id": like(UUID),
    "from_phase": one_of(*PHASES),
    "to_phase": one_of(*PHASES),
    "reason": text,
    "triggered_by": one_of("system", "api"),
    "created_at": like(TIME),
}
SNAPSHOT: dict[str, Any] = {
    **dict.fromkeys(("bounce_rate", "complaint_rate", "delivery_rate"), lambda rate: 0 <= rate <= 1),
    **dict.fromkeys(("daily_volume", "days_in_phase"), number),
}


def act(kindling: Kindling, command: str, **body: Any) -> Reply:
    return kindling.api.post(f"{WARMING}/{command}", body)


def shown(kindling: Kindling) -> dict[str, Any]:
    body: dict[str, Any] = kindling.api.get(WARMING).body
    assert fits(body, SHOWN)
    return body


def history(kindling: Kindling) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = kindling.api.get(f"{WARMING}/history").body["history"]
    optional = {"detail": text, "metrics_snapshot": lambda snapshot: fits(snapshot, SNAPSHOT)}
    assert all(fits(entry, ENTRY, **optional) for entry in entries)
    return entries


def changes(kindling: Kindling) -> list[tuple[str, str, str]]:
    """The phase, reason and trigger of each history entry, newest first."""
    return [(entry["to_phase"], entry["reason"], entry["triggered_by"]) for entry in history(kindling)]


def stand(kindling: Kindling, domain_id: str, **values: Any) -> None:
    """Set attributes of a domain's warming directly."""
    aws.table().update_item(
        Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"WARMING#{domain_id}"},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
    )


def live_through(kindling: Kindling, domain_id: str, total: int) -> None:
    """Write a long history: copies of the last entry, each with its own id and sort key."""
    rows = {"KeyConditionExpression": table.Key("pk").eq(f"TENANT#{kindling.user_id}#WARMING#{domain_id}")}
    last = table.pages(rows)[-1]
    with aws.table().batch_writer() as batch:
        for place in range(int(last["sk"]) + 1, total + 1):
            batch.put_item(Item={**last, "sk": f"{place:010}", "id": str(uuid.uuid4())})
    stand(kindling, domain_id, revision=total)


def triple(day: int, hour: int, minute: int) -> dict[str, int]:
    return {"daily_limit": day, "hourly_limit": hour, "per_minute_limit": minute}


def test_remaining_counts_are_numbers_in_every_phase(kindling: Kindling) -> None:
    account = sender(kindling)
    at(kindling, "03-01T10:00:00")
    assert kindling.api.post("/v1/send", email(3)).status == 202
    report(kindling, "sent", 3)
    begun = shown(kindling)
    expected = {
        "domain_id": account["domain_id"],
        "domain": "acme.example",
        "phase": "phase_1",
        "days_in_current_phase": 0,
        "current_limits": triple(50, 10, 5),
        "today_sent": 3,
        "this_hour_sent": 3,
        "remaining_today": 47,
        "remaining_this_hour": 7,
        "remaining_this_minute": 2,
        "eligible_for_advancement": False,
        "next_phase": "phase_2",
        "next_phase_limits": triple(2_000, 200, 8),
        "phase_before": None,
        "stopped_because": None,
        "schedule": {"name": "standard", "version": 1},
    }
    assert {name: begun[name] for name in expected} == expected
    assert (begun["metrics"]["period_days"], begun["metrics"]["total_sent"]) == (7, 3)
    assert begun["advancement_blockers"] == [
        "minimum 7 days in phase required (currently 0)",
        "daily limit must have climbed to 1,500 (currently 50)",
        "at least 3,000 recipients in this phase required (currently 0)",
    ]
    assert begun["climbing_blockers"] == ["a day with 25% of the daily limit of 50 is required (the busiest had 3)"]
    assert (begun["advice"], begun["evidence"][0]["recipients"]) == ([], 0)
    # No limit is above twice the busiest day.
    kindling.clock.advance(days=-1)
    admitted(kindling, 60_000)
    kindling.clock.advance(days=1)

    def standing(phase: str, limits: dict[str, int] | None = None) -> tuple[Any, ...]:
        stand(kindling, account["domain_id"], phase=phase, **({"limits": limits} if limits else {}))
        found = shown(kindling)
        assert (found["phase"], found["today_sent"], found["this_hour_sent"]) == (phase, 3, 3)
        names = ("remaining_today", "remaining_this_hour", "remaining_this_minute", "next_phase", "next_phase_limits")
        return tuple(found[name] for name in names)

    unlimited = 1_000_000_000
    assert standing("phase_2", triple(5_000, 500, 20)) == (4_997, 497, 17, "phase_3", triple(15_000, 1_500, 50))
    assert standing("phase_3", triple(15_000, 1_500, 50))[3:] == ("phase_4", triple(100_000, 10_000, 333))
    assert standing("phase_4", triple(100_000, 10_000, 2)) == (
        99_997, 9_997, 0, "warmed", triple(120_000, 12_000, 400),
    )  # fmt: skip
    for phase in ("not_started", "paused", "suspended"):
        assert standing(phase) == (0, 0, 0, None, None)
        assert shown(kindling)["current_limits"] == triple(0, 0, 0)
        assert shown(kindling)["eligible_for_advancement"] is False
    aws.table().update_item(
        Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"WARMING#{account['domain_id']}"},
        UpdateExpression="REMOVE limits, limits_on",
    )
    assert standing("warmed") == (unlimited - 3,) * 3 + (None, None)
    # No limit, but still counted.
    assert kindling.api.post("/v1/send", email(50)).status == 202
    assert shown(kindling)["today_sent"] == 53


def test_warming_starts_by_itself_or_on_request_once_spf_or_dkim_stands(kindling: Kindling) -> None:
    domain = kindling.api.post("/v1/domains", {"domain": "external-acme.example", "type": "outbound"}).body
    path = f"/v1/domains/{domain['id']}/warming"
    rest = kindling.api.get(path).body
    assert (rest["phase"], rest["warming_started_at"], rest["phase_started_at"]) == ("not_started", None, None)
    assert rest["advancement_blockers"] == ["warming has not been started"]
    assert kindling.api.get(f"{path}/history").body["history"] == []
    for command, error in (("pause", "not_warming"), ("resume", "not_paused")):
        is_refused(kindling.api.post(f"{path}/{command}"), 409, error, current_phase="not_started")
    missing = kindling.api.post(f"{path}/start")
    is_refused(missing, 400, "prerequisites_not_met", spf_verified=False, dkim_verified=False)
    assert missing.body["message"] == "Domain must have SPF or DKIM verified before starting warming"
    is_refused(kindling.reader.post(f"{path}/start"), 403, "forbidden", required_scope="provision")
    for body in ({"force": "perhaps"}, {"forced": True}):
        is_refused(kindling.api.post(f"{path}/start", body), 400, "invalid_request")
    started = kindling.api.post(f"{path}/start", {"force": True})
    assert (started.status, started.body) == (200, {"message": "warming started", "phase": "phase_1"})
    # A domain that has its records, found or not yet verified, needs no force; one that is verified started already.
    kindling.world.set(domain_states={"new.example": {"status": "VERIFYING"}})
    kindling.api.post("/v1/domains", {"domain": "new.example"})
    assert kindling.api.post("/v1/domains/new.example/warming/start").body["phase"] == "phase_1"
    kindling.verified_domain()
    for body in ({}, {"force": True}):
        is_refused(act(kindling, "start", **body), 409, "already_warming", current_phase="phase_1")
    entry = history(kindling)[0]
    assert changes(kindling) == [("phase_1", "warming_started", "system")]
    assert (entry["from_phase"], "metrics_snapshot" in entry) == ("not_started", False)
    forced = kindling.api.get(f"{path}/history").body["history"]
    assert [(entry["triggered_by"], "metrics_snapshot" in entry) for entry in forced] == [("api", False)]
    # A later verification does not start it again.
    kindling.world.set(domain_states={"new.example": {"status": "VERIFIED"}})
    assert kindling.api.post("/v1/domains/new.example/verify").body["verified"] is True
    assert len(kindling.api.get("/v1/domains/new.example/warming/history").body["history"]) == 1


@pytest.mark.parametrize(("found", "status"), [("spf", 200), ("dkim", 200), ("dmarc", 400)])
def test_either_of_two_records_is_enough_to_start_with(kindling: Kindling, found: str, status: int) -> None:
    domain = kindling.api.post("/v1/domains", {"domain": "external-acme.example", "type": "outbound"}).body
    checks = dict.fromkeys(("mx", "spf", "dkim", "dmarc"), False) | {found: True}
    aws.table().update_item(
        Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"DOMAIN#{domain['id']}"},
        UpdateExpression="SET checks = :checks",
        ExpressionAttributeValues={":checks": checks},
    )
    assert kindling.api.post(f"/v1/domains/{domain['id']}/warming/start").status == status


def test_a_pause_stops_everything_and_its_end_brings_back_the_place_that_was_left(kindling: Kindling) -> None:
    account = sender(kindling)
    stand(kindling, account["domain_id"], ramp_day=3, phase_days=4, limits=triple(150, 15, 5))
    admitted(kindling, 70)
    paused = act(kindling, "pause", reason="  holidays  ")
    expected = {"message": "warming paused", "previous_phase": "phase_1", "reason": "holidays"}
    assert (paused.status, paused.body) == (200, expected)
    found = shown(kindling)
    assert (found["phase"], found["phase_before"], found["stopped_because"]) == ("paused", "phase_1", "holidays")
    assert found["advancement_blockers"] == ["warming is paused: holidays"]
    is_refused(kindling.api.post("/v1/send", email()), 403, "warming_paused")
    is_refused(act(kindling, "pause"), 409, "not_warming", current_phase="paused")
    is_refused(act(kindling, "start"), 409, "already_warming", current_phase="paused")
    is_refused(act(kindling, "start", force=True), 409, "already_warming", current_phase="paused")
    for body in ({"reason": " "}, {"reason": "x" * 501}, {"why": "holidays"}):
        is_refused(act(kindling, "pause", **body), 400, "invalid_request")
    is_refused(kindling.reader.post(f"{WARMING}/resume"), 403, "forbidden", required_scope="provision")
    kindling.clock.advance(days=20)
    resumed = act(kindling, "resume")
    assert (resumed.status, resumed.body) == (200, {"message": "warming resumed", "phase": "phase_1"})
    found = shown(kindling)
    # The same day of the ramp, as far as twice the busiest of the last days allows.
    assert (found["current_limits"], found["days_in_current_phase"]) == (triple(140, 14, 5), 4)
    assert (found["phase_before"], found["stopped_because"]) == (None, None)
    is_refused(act(kindling, "resume"), 409, "not_paused", current_phase="phase_1")
    assert kindling.api.post("/v1/send", email()).status == 202
    # The gate has forgotten the mail from before the pause, but the policy has not.
    assert shown(kindling)["evidence"][1]["recipients"] == 70
    assert act(kindling, "pause").body["reason"] == "manual pause"
    assert changes(kindling)[:3] == [
        ("paused", "manual pause", "api"),
        ("phase_1", "warming_resumed", "api"),
        ("paused", "holidays", "api"),
    ]
    # Warmed and suspended domains cannot be paused.
    for phase in ("warmed", "suspended"):
        stand(kindling, account["domain_id"], phase=phase)
        is_refused(act(kindling, "pause"), 409, "not_warming", current_phase=phase)
        is_refused(act(kindling, "resume"), 409, "not_paused", current_phase=phase)
        is_refused(act(kindling, "start"), 409, "already_warming", current_phase=phase)


def test_a_pause_by_the_policy_starts_the_ramp_over_and_forgets_what_led_to_it(kindling: Kindling) -> None:
    follow(kindling, own(50))
    account = sender(kindling)
    assert kindling.api.post("/v1/send", email(50)).status == 202
    report(kindling, "delivered", 50)
    begin_next_day(kindling, "03-02")
    stand(kindling, account["domain_id"], phase_days=9)
    assert shown(kindling)["current_limits"]["daily_limit"] == 100
    admitted(kindling, 200)
    bounced = {"message_id": "<before>", **UNDETERMINED}
    report(kindling, "bounced", 24, **bounced)
    assert judge_what_is_queued() == 1
    found = shown(kindling)
    assert (found["phase"], found["phase_before"]) == ("paused", "phase_1")
    assert re.fullmatch(
        r"24 bounces from 250 recipients: above 5\.0% with 98\.0% confidence in 7 days", found["stopped_because"]
    )
    [entry, *_] = history(kindling)
    assert (entry["reason"], entry["triggered_by"]) == ("bounce_rate_exceeded", "system")
    assert entry["detail"] == found["stopped_because"]
    assert entry["metrics_snapshot"]["bounce_rate"] == 0.096
    assert entry["metrics_snapshot"]["days_in_phase"] == 9
    assert found["advice"] == [
        "remove the recipients that caused this, then resume: a phase lower, with at most half of the busiest day",
        "1 of 2 pauses by the policy in this phase: the one after the last is a suspension",
    ]
    begin_again = act(kindling, "resume")
    assert begin_again.body["phase"] == "phase_1"
    # Nobody could tell which reports of this day are about earlier mail: nothing more goes out today.
    assert (shown(kindling)["current_limits"]["daily_limit"], shown(kindling)["remaining_today"]) == (50, 0)
    is_refused(kindling.api.post("/v1/send", email()), 429, "rate_limit_exceeded", limit_type="daily")
    begin_next_day(kindling, "03-03")
    # Bounces of earlier mail do not count after the resumption: there are three, not thirty.
    admitted(kindling, 100)
    report(kindling, "bounced", 3, **UNDETERMINED)
    report(kindling, "bounced", [f"q{i}@example.com" for i in range(3)], **bounced)
    assert judge_what_is_queued() == 2
    assert (shown(kindling)["phase"], len(history(kindling))) == ("phase_1", 3)
    # The third stop within one phase is a suspension.
    for day, phase in (("03-04", "paused"), ("03-05", "suspended")):
        begin_next_day(kindling, day)
        admitted(kindling, 200)
        report(kindling, "bounced", 30, **UNDETERMINED)
        assert judge_what_is_queued() == 1
        assert shown(kindling)["phase"] == phase
        act(kindling, "resume")


def test_only_an_admin_by_force_starts_a_suspended_domain_over(kindling: Kindling) -> None:
    sender(kindling)
    admitted(kindling, 200)
    suspend(kindling)
    assert changes(kindling)[0] == ("suspended", "bounce_rate_exceeded", "system")
    assert shown(kindling)["advice"] == [AFTER_SUSPENSION]
    is_refused(act(kindling, "start"), 409, "already_warming", current_phase="suspended")
    operator = Api(issue(kindling.user_id, ["read", "provision"]))
    is_refused(operator.post(f"{WARMING}/start", {"force": True}), 403, "forbidden", required_scope="admin")
    assert shown(kindling)["phase"] == "suspended"
    kindling.clock.advance(minutes=1)
    started = act(kindling, "start", force=True)
    assert (started.status, started.body) == (200, {"message": "warming started", "phase": "phase_1"})
    found = shown(kindling)
    assert (found["phase"], found["stopped_because"], found["phase_before"]) == ("phase_1", None, None)
    assert found["warming_started_at"] == found["phase_started_at"] == history(kindling)[0]["created_at"]
    assert changes(kindling)[0] == ("phase_1", "warming_started", "api")
    # Only reports about later mail count.
    report(kindling, "bounced", 9, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    begin_next_day(kindling, "03-02")
    report(kindling, "bounced", 1, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert shown(kindling)["phase"] == "phase_1"
    assert kindling.api.post("/v1/send", email()).status == 202


def test_the_history_is_walked_page_by_page_without_repetition(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    assert act(kindling, "pause").status == act(kindling, "resume").status == 200
    total = 107
    live_through(kindling, domain["id"], total)

    def page(**query: str) -> tuple[list[str], str | None]:
        body = kindling.api("GET", f"{WARMING}/history", query=query).body
        assert set(body) == {"domain_id", "history", "next_cursor"}
        return [entry["id"] for entry in body["history"]], body["next_cursor"]

    everything, cursor = page(limit="1000")
    assert (len(everything), cursor is None) == (100, False)
    rest, cursor = page(limit="100", cursor=str(cursor))
    everything += rest
    assert (len(set(everything)), cursor) == (total, None)
    assert len(page()[0]) == 50
    walked: list[str] = []
    cursor = None
    while True:
        entries, cursor = page(limit="30", **({"cursor": cursor} if cursor else {}))
        walked += entries
        if cursor is None:
            break
        # New entries appear on the first page and do not shift the others.
        if len(walked) == 30:
            act(kindling, "pause")
    assert walked == everything
    assert changes(kindling)[0] == ("paused", "manual pause", "api")
    assert page(limit="1")[0] != everything[:1]
    forged = base64.urlsafe_b64encode(b"9" * 10).decode()
    assert page(cursor=forged)[0][1:] == everything[:49]
    for cursor in (
        "",
        "x",
        "é",
        "=",
        "a" * 10_000,
        base64.b64encode(b"0").decode(),
        base64.b64encode(b"x" * 10).decode(),
    ):
        is_refused(kindling.api("GET", f"{WARMING}/history", query={"cursor": cursor}), 400, "invalid_request")
    for limit in ("0", "-1", "all"):
        is_refused(kindling.api("GET", f"{WARMING}/history", query={"limit": limit}), 400, "invalid_request")


def test_the_gate_explains_itself_and_counts_nothing_by_it(kindling: Kindling) -> None:
    account = sender(kindling)
    at(kindling, "03-01T10:00:30")

    def explain(n: int | None = None, api: Api = kindling.reader) -> dict[str, Any]:
        reply = api.post(f"{WARMING}/explain", {} if n is None else {"recipients": n})
        assert reply.status == 200, reply.body
        body: dict[str, Any] = reply.body
        assert (body["domain_id"], body["recipients"]) == (account["domain_id"], n or 1)
        return body

    fine = explain()
    assert fine == {
        "domain_id": account["domain_id"],
        "recipients": 1,
        "allowed": True,
        "phase": "phase_1",
        "reasons": [],
        "earliest_at": "2026-03-01T10:00:30.000Z",
        "retry_after_seconds": 0,
        "mailbox_providers": shown(kindling)["mailbox_providers"],
    }
    assert explain(5)["allowed"] is True
    too_many = explain(11)
    assert (too_many["allowed"], too_many["earliest_at"], too_many["retry_after_seconds"]) == (False, None, None)
    assert too_many["reasons"] == [
        "11 recipients are more than the whole hourly limit of 10: send to fewer at once",
        "11 recipients are more than the whole per-minute limit of 5: send to fewer at once",
    ]
    assert kindling.api.post("/v1/send", email(4)).status == 202
    later = explain(2)
    assert (later["allowed"], later["retry_after_seconds"]) == (False, 30)
    assert (later["earliest_at"], later["reasons"]) == (
        "2026-03-01T10:01:00.000Z",
        ["the per-minute limit of 5 has room for 1 more recipients"],
    )
    kindling.clock.advance(seconds=30)
    assert explain(5)["allowed"] is True
    assert kindling.api.post("/v1/send", email(4)).status == 202
    assert explain(3)["retry_after_seconds"] == 59 * 60
    kindling.clock.advance(seconds=explain(3)["retry_after_seconds"])
    assert explain(3)["allowed"] is True
    assert shown(kindling)["today_sent"] == 8
    assert explain(3, kindling.test_api) == explain(3)
    for body in ({"recipients": 0}, {"recipients": "many"}, {"recipient": 1}):
        is_refused(kindling.api.post(f"{WARMING}/explain", body), 400, "invalid_request")
    # Refusals that do not end by waiting.
    act(kindling, "pause", reason="holidays")
    kindling.api("PUT", "/v1/domains/acme.example", {"active": False, "type": "inbound"})
    closed = explain()
    assert (closed["allowed"], closed["earliest_at"], closed["retry_after_seconds"]) == (False, None, None)
    assert closed["reasons"] == [
        "acme.example is switched off",
        "acme.example is of type inbound, which does not send",
        "warming is paused: holidays",
    ]


def test_a_whole_limit_waits_for_an_empty_window_and_no_longer(kindling: Kindling) -> None:
    sender(kindling)
    at(kindling, "03-01T10:00:12")
    assert kindling.api.post("/v1/send", email(1)).status == 202
    for recipients, wait in ((5, 48), (6, None)):
        told_so = act(kindling, "explain", recipients=recipients).body
        assert (told_so["allowed"], told_so["retry_after_seconds"]) == (False, wait), recipients
