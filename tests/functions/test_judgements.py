"""What a domain is judged by, and what follows from it: at once, with the next day, and after a stop."""

from typing import Any

import pytest

from kindling.metrics import mailboxes
from kindling.warming import store, words
from tests.conftest import Kindling
from tests.functions.api.test_schedules import own, phase
from tests.functions.api.test_send import email, is_refused, sender
from tests.functions.api.test_warming import WARMING, act, changes, shown, stand, triple
from tests.functions.test_advance_warming import begun, mail, next_day, tick
from tests.functions.test_name_memory import NAME, PATH, delete, proven, rival
from tests.functions.test_webhooks import UNDETERMINED, admitted, deliver, event, judge_what_is_queued, passed, report

BLOCK = {"type": "Permanent", "sub_type": "ContentRejected"}


def went_out(kindling: Kindling, n: int, bad: int = 0, at: str = "example.com", **bounce: Any) -> None:
    """Let the gate count `n` recipients, of whom all but `bad` get their message; those are judged at once."""
    admitted(kindling, n, mailboxes.class_of(f"p@{at}", ()))
    everybody = [f"p{i}@{at}" for i in range(n)]
    assert report(kindling, "delivered", everybody[bad:])
    if bad:
        assert report(kindling, "bounced", everybody[:bad], **bounce or UNDETERMINED)
        assert judge_what_is_queued() == 1


def phases(**days: tuple[int, ...]) -> dict[str, Any]:
    return {"phases": {name: phase(*limits, min_days=60) for name, limits in days.items()}}


def limit(kindling: Kindling) -> int:
    return int(shown(kindling)["current_limits"]["daily_limit"])


def test_a_bad_day_halves_the_limit_at_once_and_a_good_one_doubles_it(kindling: Kindling) -> None:
    begun(kindling, phases(phase_1=(50, 400), phase_2=(400,), phase_3=(400,), phase_4=(400,)))
    went_out(kindling, 200)
    next_day(kindling)
    assert limit(kindling) == 400
    went_out(kindling, 200, bad=16)
    found = shown(kindling)
    assert (found["phase"], limit(kindling), found["remaining_today"]) == ("phase_1", 200, 0)
    assert found["advice"] == ["the daily limit is held at 200 after a bad day on 2026-03-02; each good day doubles it"]
    # Once for each day.
    assert report(kindling, "bounced", ["late@example.com"], **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert limit(kindling) == 200
    next_day(kindling)
    assert limit(kindling) == 200
    bad = "the last day with mail was a bad one: 17 bounces from 200 recipients: above 5.0% with 95.0% confidence"
    assert bad in shown(kindling)["climbing_blockers"]
    went_out(kindling, 200)
    next_day(kindling)
    assert (limit(kindling), shown(kindling)["advice"]) == (400, [])
    # Nothing of this is a change of phase.
    assert len(changes(kindling)) == 1


def test_a_paused_domain_goes_on_a_phase_lower_with_half_of_its_busiest_day_and_nothing_today(
    kindling: Kindling,
) -> None:
    domain_id = begun(kindling, phases(phase_1=(50,), phase_2=(1_000,), phase_3=(2_000,), phase_4=(2_000,)))
    stand(kindling, domain_id, phase="phase_3", limits=triple(2_000, 2_000, 2_000))
    went_out(kindling, 400)
    next_day(kindling)
    assert limit(kindling) == 800
    went_out(kindling, 400, bad=60)
    assert changes(kindling)[0] == ("paused", "bounce_rate_exceeded", "system")
    assert act(kindling, "resume").body["phase"] == "phase_2"
    assert (limit(kindling), shown(kindling)["remaining_today"]) == (200, 0)
    is_refused(kindling.api.post("/v1/send", email()), 429, "rate_limit_exceeded", limit_type="daily")
    next_day(kindling)
    # The mail from before the pause neither stops it again nor lets it climb.
    found = store.get(kindling.user_id, domain_id)
    assert found
    assert (found.phase, found.limit.daily_limit, found.mailed_days, found.mailed) == ("phase_2", 200, 0, 0)
    went_out(kindling, 200)
    next_day(kindling)
    assert limit(kindling) == 400


def test_the_limit_of_a_warmed_domain_follows_its_use(kindling: Kindling) -> None:
    domain_id = begun(kindling, own(20))
    stand(kindling, domain_id, phase="warmed", limits=triple(40, 40, 40))
    went_out(kindling, 30)
    next_day(kindling)
    assert limit(kindling) == 60
    # Ten times the volume at once is refused.
    told = act(kindling, "explain", recipients=300).body
    assert told["reasons"][0] == "300 recipients are more than the whole daily limit of 60: send to fewer at once"
    assert kindling.api.post("/v1/send", email(50)).status == 202
    is_refused(kindling.api.post("/v1/send", email(11)), 429, "rate_limit_exceeded", limit_type="daily", limit=60)


def test_who_sends_once_a_week_advances_by_days_with_mail(kindling: Kindling) -> None:
    plan = phase(10, min_days=2, min_volume=20)
    begun(kindling, {"phases": {f"phase_{number}": plan for number in (1, 2, 3, 4)}})
    mail(kindling, 10)
    next_day(kindling, days=7)
    assert shown(kindling)["advancement_blockers"] == [
        "minimum 2 days in phase required (currently 1): only days with mail count",
        "at least 20 recipients in this phase required (currently 10)",
    ]
    mail(kindling, 10)
    next_day(kindling, days=7)
    assert changes(kindling)[0] == ("phase_2", "metrics_passed", "system")


def test_a_report_that_comes_days_later_counts_with_the_day_of_its_mail(kindling: Kindling) -> None:
    sender(kindling)
    late = {"message_id": f"<{kindling.clock.at:%Y-%m-%dT%H:%M}>"}
    went_out(kindling, 600)
    next_day(kindling, days=8)
    went_out(kindling, 600)
    before = limit(kindling)
    bounced = [f"q{i}@example.com" for i in range(60)]
    # 10 % of today's recipients, but they are not today's.
    assert report(kindling, "bounced", bounced, **late, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert (shown(kindling)["phase"], limit(kindling)) == ("phase_1", before)
    assert report(kindling, "bounced", bounced, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert shown(kindling)["phase"] == "paused"


def test_own_mail_and_mail_that_did_not_pass_the_gate_dilute_nothing(kindling: Kindling) -> None:
    sender(kindling)
    assert passed(kindling, "<own>", own=["acme.example"])
    admitted(kindling, 1_000, "own")
    colleagues = [f"p{i}@acme.example" for i in range(1_000)]
    for kind in ("sent", "delivered"):
        assert deliver(kindling, event(kind, colleagues, message_id="<own>"))
        assert deliver(kindling, event(kind, 1_000, message_id="<warmup>", timestamp=kindling.clock.at.isoformat()))
    went_out(kindling, 200, bad=24)
    assert shown(kindling)["phase"] == "paused"
    assert shown(kindling)["stopped_because"].startswith("24 bounces from 200 recipients: above 5.0%")


def test_a_mailbox_provider_that_blocks_is_slowed_and_the_others_go_on(kindling: Kindling) -> None:
    begun(kindling, own(400))
    went_out(kindling, 200)
    went_out(kindling, 50, bad=10, at="gmail.com", **BLOCK)
    found = shown(kindling)
    assert (found["phase"], limit(kindling)) == ("phase_1", 400)
    assert found["advice"] == [
        "gmail blocks mail: it gets at most 25 recipients a day, twice as many after each good day"
    ]
    [gmail] = (one for one in found["mailbox_providers"] if one["mailbox_provider"] == "gmail")
    assert (gmail["daily_limit"], gmail["remaining_today"]) == (25, 0)
    refused = kindling.api.post("/v1/send", email(["p@gmail.com"]))
    is_refused(refused, 429, "rate_limit_exceeded", limit_type="mailbox_provider", mailbox_provider="gmail", limit=25)
    assert kindling.api.post("/v1/send", email(["p@example.com"])).status == 202
    next_day(kindling)
    [gmail] = (one for one in shown(kindling)["mailbox_providers"] if one["mailbox_provider"] == "gmail")
    assert (limit(kindling), gmail["daily_limit"]) == (2 * 251, 50)


def test_a_mailbox_provider_that_is_slowed_with_a_new_day_is_not_sent_twice_as_much_by_it(kindling: Kindling) -> None:
    domain_id = begun(kindling, own(400))
    went_out(kindling, 200)
    admitted(kindling, 50, "gmail")
    people = [f"p{i}@gmail.com" for i in range(50)]
    assert report(kindling, "delivered", people[10:])
    # The judgement that these queue is that of the next day.
    assert report(kindling, "bounced", people[:10], **BLOCK)
    kindling.clock.at = kindling.clock.at.replace(hour=1, minute=0)
    kindling.clock.advance(days=1)
    assert judge_what_is_queued() == 1
    found = store.get(kindling.user_id, domain_id)
    assert found
    assert (found.limit.daily_limit, found.budgets) == (500, {"gmail": 25})


def test_five_domains_of_a_tenant_that_are_bad_together_hold_each_other(kindling: Kindling) -> None:
    names = [f"d{number}.example" for number in range(5)]
    for name in names:
        kindling.verified_domain(name)
        admitted(kindling, 100, name=name)
        about = {"inbox": f"kim@{name}", "message_id": f"<{name}>"}
        assert report(kindling, "delivered", [f"p{i}@example.com" for i in range(9, 100)], **about)
        # Too few for a verdict on one of them.
        assert report(kindling, "bounced", 9, **about, **UNDETERMINED)
    assert judge_what_is_queued() == 5

    def blockers(name: str) -> list[str]:
        return list(kindling.api.get(f"/v1/domains/{name}/warming").body["climbing_blockers"])

    together = (
        "your 5 domains together, without the worst of them, have 36 bounces from 400 recipients: "
        "above 5.0% with 99.5% confidence: none of them climbs"
    )
    assert not any(together in blockers(name) for name in names)
    kindling.clock.at = kindling.clock.at.replace(hour=1)
    kindling.clock.advance(days=1)
    assert tick() == judge_what_is_queued() == 5
    assert all(together in blockers(name) for name in names)
    # What others show is no tenant's concern.
    domain = kindling.other.post("/v1/domains", {"domain": "other.example"}).body
    assert kindling.other.get(f"/v1/domains/{domain['id']}/warming").body["climbing_blockers"] == [
        "warming has not been started"
    ]


def test_the_evidence_follows_the_name_to_another_tenant_who_sees_figures_of_its_own_mail_only(
    kindling: Kindling,
) -> None:
    proven(kindling)
    admitted(kindling, 200, name=NAME)
    assert report(kindling, "bounced", 14, inbox=f"kim@{NAME}", **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert kindling.api.get(PATH).body["phase"] == "phase_1"
    other = rival(kindling)
    kindling.clock.advance(days=1)
    proven(other)
    kindling.clock.advance(days=1)
    admitted(other, 100, name=NAME)
    # Ten of a hundred would be no reason for a pause.
    assert report(other, "bounced", 9, inbox=f"kim@{NAME}", **UNDETERMINED)
    assert judge_what_is_queued() == 1
    kindling.clock.advance(days=1)
    found = other.api.get(PATH).body
    doubt = "9 bounces from 100 recipients in 28 days leave the doubt that the rate is above 3.0%"
    assert (doubt in found["climbing_blockers"], found["climbing_blockers"][-1]) == (True, words.OTHERS)
    assert found["advancement_blockers"][-1] == words.OTHERS
    assert [(one["recipients"], one["bounces"]) for one in found["evidence"]] == [(100, 9), (100, 9)]
    assert report(other, "bounced", 1, inbox=f"kim@{NAME}", **UNDETERMINED)
    assert judge_what_is_queued() == 1
    found = other.api.get(PATH).body
    assert (found["phase"], found["stopped_because"]) == ("paused", words.OTHERS)
    for figures in (found["metrics"], other.api.get(f"/v1/domains/{NAME}/stats").body["metrics"]):
        assert figures["total_bounced"] == 10
    entry = other.api.get(f"{PATH}/history").body["history"][0]
    assert (entry["detail"], entry["metrics_snapshot"]["bounce_rate"]) == (words.OTHERS, 0.1)


def test_figures_of_a_tenants_own_former_domain_are_shown_to_it(kindling: Kindling) -> None:
    mine = proven(kindling)
    admitted(kindling, 200, name=NAME)
    assert report(kindling, "bounced", 15, inbox=f"kim@{NAME}", **UNDETERMINED)
    delete(kindling, mine["id"])
    kindling.clock.advance(days=1)
    proven(kindling)
    admitted(kindling, 100, name=NAME)
    assert report(kindling, "bounced", 9, inbox=f"kim@{NAME}", **UNDETERMINED)
    assert judge_what_is_queued() == 2
    found = kindling.api.get(PATH).body
    assert (found["phase"], found["stopped_because"]) == (
        "paused",
        "24 bounces from 300 recipients: above 5.0% with 98.0% confidence in 7 days",
    )
    assert [(one["recipients"], one["bounces"]) for one in found["evidence"]] == [(200, 15), (200, 15)]


@pytest.mark.parametrize("reported", [0, 8])
def test_a_domain_without_reports_does_not_climb_and_says_so(kindling: Kindling, reported: int) -> None:
    begun(kindling, own(10))
    assert kindling.api.post("/v1/send", email(10)).status == 202
    if reported:
        assert report(kindling, "delivered", reported)
    next_day(kindling)
    assert limit(kindling) == 10
    assert kindling.api.get(WARMING).body["climbing_blockers"] == [
        f"delivery reports cover only {reported} of 10 recipients in 28 days (90% required): "
        "what became of the others is unknown",
        "a day with 25% of the daily limit of 10 is required (the busiest had 0)",
    ]
    # Today's use counts as soon as there is any.
    assert kindling.api.post("/v1/send", email(3)).status == 202
    assert len(kindling.api.get(WARMING).body["climbing_blockers"]) == 1


def test_the_mail_of_a_day_is_known_after_the_gate_has_dropped_it(kindling: Kindling) -> None:
    domain_id = begun(kindling, own(10))
    for _ in range(5):
        went_out(kindling, 10)
        next_day(kindling)
    found = store.get(kindling.user_id, domain_id)
    assert found
    assert len(found.days) == 5
    # The gate forgets them with the next send.
    assert kindling.api.post("/v1/send", email(1)).status == 202
    found = store.get(kindling.user_id, domain_id)
    assert found
    assert len(found.days) == 3
    assert [window["recipients"] for window in shown(kindling)["evidence"]] == [50, 50]
