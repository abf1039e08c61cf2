"""Daily warming: the poller queues the domains whose day has ended, the worker judges each of them once."""

from datetime import timedelta
from typing import Any

import pytest

from kindling.platform import aws, due
from kindling.platform.settings import settings
from kindling.warming import changes as warming_changes
from kindling.warming import dispatch, store
from tests.conftest import Kindling
from tests.functions.api.test_schedules import begin_next_day, follow, own, phase
from tests.functions.api.test_send import at, email, is_refused, sender
from tests.functions.api.test_warming import changes, history, shown, stand
from tests.functions.test_webhooks import UNDETERMINED, admitted, judge_what_is_queued, report
from tests.harness.lambdas import invoke


def tick() -> int:
    queued: int = invoke("AdvanceWarmingFunction", {})["queued"]
    return queued


def next_day(kindling: Kindling, days: int = 1) -> None:
    """Go to the end of the first hour, run the poller and its worker, and go on to the morning."""
    kindling.clock.at = kindling.clock.at.replace(hour=1, minute=0) + timedelta(days=days)
    assert tick() == judge_what_is_queued() == 1
    kindling.clock.advance(hours=9)


def mail(kindling: Kindling, n: int) -> None:
    """Send to `n` recipients, and report them as sent and delivered."""
    assert kindling.api.post("/v1/send", email(n)).status == 202
    for kind in ("sent", "delivered"):
        assert report(kindling, kind, n, message_id=str(kindling.clock.at))


def begun(kindling: Kindling, schedule: dict[str, Any]) -> str:
    """The id of a new domain with a custom schedule."""
    assert follow(kindling, schedule).status == 200
    domain_id: str = sender(kindling)["domain_id"]
    return domain_id


def queued() -> list[dict[str, str]]:
    """Receive the records that the poller has queued."""
    messages = aws.sqs().receive_message(QueueUrl=settings().judgements_queue_url, MaxNumberOfMessages=10)["Messages"]
    return [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]


def test_days_of_healthy_mail_lead_to_a_limit_that_follows_use(kindling: Kindling) -> None:
    days = {"phase_1": (2, 3, 4), "phase_2": (4,), "phase_3": (6,), "phase_4": (8,)}
    begun(kindling, {"phases": {name: phase(*limits, min_days=2, min_volume=2) for name, limits in days.items()}})
    first = kindling.clock.at.date()
    limits = []
    for _ in range(11):
        limits.append(shown(kindling)["current_limits"]["daily_limit"])
        mail(kindling, limits[-1])
        next_day(kindling)
    assert limits == [2, 3, 4, 4, 4, 6, 6, 8, 8, 16, 32]
    found = shown(kindling)
    assert (found["phase"], found["next_phase"], found["remaining_today"]) == ("warmed", None, 64)
    assert found["advancement_blockers"] == ["there is no phase after warmed"]
    entries = history(kindling)
    story = ["phase_1", "phase_2", "phase_3", "phase_4", "warmed"]
    assert [entry["to_phase"] for entry in reversed(entries)] == story
    assert [entry["from_phase"] for entry in reversed(entries)] == ["not_started", *story[:-1]]
    assert changes(kindling)[:4] == [(name, "metrics_passed", "system") for name in reversed(story[1:])]
    dates = [(first + timedelta(days=days)).isoformat() for days in (0, 3, 5, 7, 9)]
    assert [entry["created_at"][:10] for entry in reversed(entries)] == dates
    snapshots = [entry["metrics_snapshot"] for entry in entries[:4]]
    assert [(one["days_in_phase"], one["daily_volume"]) for one in snapshots] == [(2, 8), (2, 6), (2, 4), (3, 4)]
    assert {snapshot["delivery_rate"] for snapshot in snapshots} == {1}
    assert "metrics_snapshot" not in entries[4]


def test_a_day_is_judged_once_however_often_the_clock_ticks(kindling: Kindling) -> None:
    domain_id = begun(kindling, {"phases": {name: phase(2, min_days=60) for name in ("phase_2", "phase_3", "phase_4")}
                                 | {"phase_1": phase(1, 1, 1, 2, min_days=60)}})  # fmt: skip

    def climbed() -> tuple[int, int]:
        item = aws.table().get_item(Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"WARMING#{domain_id}"})["Item"]
        return int(str(item["ramp_day"])), int(str(item["phase_days"]))

    mail(kindling, 1)
    own_time = due.spread(domain_id, timedelta(hours=1))
    at(kindling, "03-01T23:59:59")
    kindling.clock.at += own_time
    assert tick() == 0
    kindling.clock.advance(seconds=1)
    assert (tick(), tick()) == (1, 0)
    # The worker died: the judgement is dispatched again, and both messages arrive.
    kindling.clock.at += due.LEASE
    assert tick() == 1
    twice = queued()
    assert len({record["body"] for record in twice}) == 1
    assert len(twice) == 2
    for _ in range(2):
        assert invoke("JudgeWarmingFunction", {"Records": twice}) == {"batchItemFailures": []}
    assert climbed() == (1, 1)
    assert shown(kindling)["days_in_current_phase"] == 1
    for hours in (1, 5, 9):
        kindling.clock.advance(hours=hours)
        assert tick() == 0
    # A day without mail counts, but the limit does not climb.
    next_day(kindling)
    assert climbed() == (1, 2)
    # A week without judgements counts seven days, but the limit climbs only once.
    mail(kindling, 1)
    next_day(kindling, days=7)
    assert climbed() == (2, 9)
    assert tick() == 0


def test_judgements_are_spread_over_the_hour_after_midnight_and_no_further(kindling: Kindling) -> None:
    midnight = kindling.clock.at.replace(hour=0) + timedelta(days=1)
    moments = [warming_changes.next_judgement(f"domain-{number}") - midnight for number in range(240)]
    quarters = [moment // timedelta(minutes=15) for moment in moments]
    assert {quarter: quarters.count(quarter) >= 40 for quarter in quarters} == dict.fromkeys(range(4), True)


def test_the_gate_does_not_wait_for_the_judgement_of_a_new_day(kindling: Kindling) -> None:
    begun(kindling, own(5, min_days=1))
    mail(kindling, 5)
    is_refused(kindling.api.post("/v1/send", email()), 429, "rate_limit_exceeded")
    at(kindling, "03-02T00:00:00")
    # Yesterday's limit, with a count of its own: nothing more before the domain is judged, and the rest of it after.
    assert shown(kindling)["remaining_today"] == 5
    mail(kindling, 5)
    kindling.clock.advance(minutes=1)
    is_refused(kindling.api.post("/v1/send", email()), 429, "rate_limit_exceeded")
    at(kindling, "03-02T01:00:00")
    assert (tick(), judge_what_is_queued()) == (1, 1)
    found = shown(kindling)
    assert (found["current_limits"]["daily_limit"], found["today_sent"], found["remaining_today"]) == (10, 5, 5)


def test_a_bad_day_pauses_at_once_and_a_paused_domain_is_not_due(kindling: Kindling) -> None:
    begun(kindling, own(15))
    mail(kindling, 15)
    report(kindling, "bounced", 7, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert shown(kindling)["phase"] == "phase_1"
    report(kindling, "bounced", 1, **UNDETERMINED)
    is_refused(kindling.api.post("/v1/send", email()), 429, "rate_limit_exceeded")
    assert judge_what_is_queued() == 1
    kindling.clock.advance(minutes=1)
    is_refused(kindling.api.post("/v1/send", email()), 403, "warming_paused")
    assert changes(kindling)[0] == ("paused", "bounce_rate_exceeded", "system")
    assert shown(kindling)["stopped_because"] == "8 bounces from 15 recipients today"
    for days in (1, 30):
        kindling.clock.advance(days=days)
        assert tick() == 0
    assert kindling.api.post("/v1/domains/acme.example/warming/resume").status == 200
    assert tick() == 0
    next_day(kindling)
    assert (shown(kindling)["phase"], len(history(kindling))) == ("phase_1", 3)


def test_a_domain_is_held_until_it_is_well_again_and_steps_back_when_it_gets_worse(kindling: Kindling) -> None:
    begun(kindling, own(40, min_days=1))
    mail(kindling, 40)
    next_day(kindling)
    assert shown(kindling)["current_limits"]["daily_limit"] == 80
    late = {"message_id": str(kindling.clock.at)}
    assert kindling.api.post("/v1/send", email(40)).status == 202
    assert report(kindling, "delivered", 20, **late)
    next_day(kindling)
    held = shown(kindling)
    unknown = (
        "delivery reports cover only 60 of 80 recipients in 28 days (90% required): "
        "what became of the others is unknown"
    )
    assert held["advancement_blockers"] == [unknown, "delivery rate of at least 95.0% required (currently 75.00%)"]
    assert held["climbing_blockers"] == [
        unknown,
        "a day with 25% of the daily limit of 80 is required (the busiest had 0)",
    ]
    assert held["eligible_for_advancement"] is False
    # Reports that come later count with the day on which their mail was sent.
    assert report(kindling, "delivered", [f"q{i}@example.com" for i in range(20)], **late)
    assert shown(kindling)["eligible_for_advancement"] is True
    next_day(kindling)
    assert changes(kindling)[0] == ("phase_2", "metrics_passed", "system")
    # Too many bounces to stay, not enough for a pause.
    admitted(kindling, 940)
    report(kindling, "delivered", 895)
    report(kindling, "bounced", 45, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    assert shown(kindling)["phase"] == "phase_2"
    next_day(kindling)
    assert changes(kindling)[0] == ("phase_1", "bounce_rate_exceeded", "system")
    assert shown(kindling)["current_limits"]["daily_limit"] == 80
    # The mail that caused the demotion does not count again.
    mail(kindling, 40)
    next_day(kindling)
    assert changes(kindling)[0] == ("phase_2", "metrics_passed", "system")


def test_a_first_phase_that_goes_badly_goes_on_at_half_of_its_ramp(kindling: Kindling) -> None:
    domain_id = sender(kindling)["domain_id"]
    stand(kindling, domain_id, ramp_day=7)
    report(kindling, "sent", 940)
    report(kindling, "delivered", 895)
    report(kindling, "bounced", 45, **UNDETERMINED)
    assert judge_what_is_queued() == 1
    next_day(kindling)
    found = store.get(kindling.user_id, domain_id)
    assert found
    assert (found.phase, found.ramp_day) == ("phase_1", 3)


@pytest.mark.parametrize(("morning", "phase"), [("03-29", "paused"), ("03-30", "phase_1")])
def test_a_new_day_is_judged_by_the_four_weeks_behind_it_if_little_was_sent(
    kindling: Kindling, morning: str, phase: str
) -> None:
    sender(kindling)
    assert report(kindling, "sent", 200)
    assert report(kindling, "bounced", 20, **UNDETERMINED)
    # Nobody takes the judgement that the bounces queued.
    aws.sqs().purge_queue(QueueUrl=settings().judgements_queue_url)
    begin_next_day(kindling, morning)
    assert shown(kindling)["phase"] == phase


def test_a_phase_that_is_left_takes_its_strikes_along(kindling: Kindling) -> None:
    plan = phase(10, min_days=1, min_volume=1)
    domain_id = begun(kindling, {"phases": {f"phase_{number}": plan for number in (1, 2, 3, 4)}})
    stand(kindling, domain_id, strikes=2)
    mail(kindling, 10)
    next_day(kindling)
    found = store.get(kindling.user_id, domain_id)
    assert found
    assert (found.phase, found.strikes) == ("phase_2", 0)


def test_a_paused_domain_is_judged_no_further(kindling: Kindling) -> None:
    domain_id = sender(kindling)["domain_id"]
    report(kindling, "sent", 200)
    for bounces in (30, 1):
        report(kindling, "bounced", bounces, **UNDETERMINED)
        assert judge_what_is_queued() == 1
        found = store.get(kindling.user_id, domain_id)
        assert found
        assert (found.phase, found.strikes) == ("paused", 1)


def test_nothing_advances_before_its_day_is_over(kindling: Kindling) -> None:
    plan = phase(10, min_days=1, min_volume=10)
    domain_id = begun(kindling, {"phases": {f"phase_{number}": plan for number in (1, 2, 3, 4)}})
    next_day(kindling)
    mail(kindling, 10)
    dispatch.dispatch_domain(kindling.user_id, domain_id)
    assert judge_what_is_queued() == 1
    assert (shown(kindling)["phase"], shown(kindling)["advancement_blockers"]) == (
        "phase_1",
        [
            "minimum 1 days in phase required (currently 0): only days with mail count",
            "at least 10 recipients in this phase required (currently 0)",
        ],
    )
    next_day(kindling)
    assert shown(kindling)["phase"] == "phase_2"


def test_a_second_look_on_one_day_takes_nothing_more(kindling: Kindling) -> None:
    limits = {"phase_1": (2, 3, 4, 5, 6), "phase_2": (7,), "phase_3": (8,), "phase_4": (9,)}
    domain_id = begun(kindling, {"phases": {name: phase(*each, min_days=14) for name, each in limits.items()}})
    stand(kindling, domain_id, phase="phase_1", ramp_day=4)
    # After five weeks without mail, the ramp goes down by half of the way.
    next_day(kindling, days=35)
    for _ in range(2):
        found = store.get(kindling.user_id, domain_id)
        assert found
        assert (found.ramp_day, found.limit.daily_limit) == (2, 2)
        dispatch.dispatch_domain(kindling.user_id, domain_id)
        assert judge_what_is_queued() == 1


def test_five_weeks_without_mail_take_a_phase_back(kindling: Kindling) -> None:
    domain_id = begun(kindling, own(5))
    mail(kindling, 5)
    stand(kindling, domain_id, phase="phase_2", ramp_day=0)
    for days, phase_then, entries in ((33, "phase_2", 1), (1, "phase_2", 1), (1, "phase_1", 2)):
        next_day(kindling, days=days)
        assert (shown(kindling)["phase"], len(history(kindling))) == (phase_then, entries)
    assert changes(kindling)[0] == ("phase_1", "idle", "system")
    assert history(kindling)[0]["detail"] == "nothing was sent for 35 days"
    # It starts on the first day of that phase; from the first phase a domain is not demoted.
    assert shown(kindling)["current_limits"]["daily_limit"] == 5
    next_day(kindling, days=35)
    assert (shown(kindling)["current_limits"]["daily_limit"], len(history(kindling))) == (5, 2)


def test_deleting_a_domain_ends_its_warming(kindling: Kindling) -> None:
    domain_id = begun(kindling, own(5))
    report(kindling, "sent", 40)
    report(kindling, "bounced", 20, **UNDETERMINED)
    kindling.clock.advance(days=1)
    assert tick() == 1
    assert kindling.api("DELETE", f"/v1/domains/{domain_id}").status == 200
    # A queued judgement of a deleted domain does nothing.
    assert judge_what_is_queued() == 2
    assert store.get(kindling.user_id, domain_id) is None
    kindling.clock.advance(days=2)
    assert tick() == 0
    is_refused(kindling.api.post("/v1/send", email()), 403, "unknown_sender")
