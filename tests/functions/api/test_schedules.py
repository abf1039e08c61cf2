"""The routes of /v1/warming/schedules: presets, custom schedules, and when a change applies."""

from copy import deepcopy
from typing import Any

import pytest

from kindling.warming import store
from kindling.warming.schedules import Schedule
from tests.conftest import Kindling
from tests.functions.api.test_send import at, email, is_refused, sender
from tests.functions.test_webhooks import judge_what_is_queued, report
from tests.harness.lambdas import Reply, invoke

SCHEDULES, WARMING = "/v1/warming/schedules", "/v1/domains/acme.example/warming"


def stages(*days: int) -> list[dict[str, int]]:
    """Stages whose daily limit may be used within one minute."""
    return [{"daily_limit": n, "hourly_limit": n, "per_minute_limit": n} for n in days]


def phase(*days: int, min_days: int = 1, min_volume: int = 1) -> dict[str, Any]:
    return {"steps": stages(*days), "min_days": min_days, "min_volume": min_volume}


def own(first: int, *, min_days: int = 60) -> dict[str, Any]:
    """A custom schedule whose first phase allows `first` recipients on its first day, then twice as many."""
    phases = {"phase_1": phase(first, first * 2, min_days=min_days)}
    return {"phases": phases | {f"phase_{number}": phase(first * 2, min_days=min_days) for number in (2, 3, 4)}}


def follow(kindling: Kindling, body: dict[str, Any]) -> Reply:
    reply = kindling.api("PUT", SCHEDULES, body)
    assert reply.status == 200, reply.body
    return reply


def daily_limit(kindling: Kindling, name: str = "acme.example") -> int:
    shown = kindling.api.get(f"/v1/domains/{name}/warming").body
    limits = set(shown["current_limits"].values())
    # The schedules of `own` have one limit per day.
    return int(max(limits))


def begin_next_day(kindling: Kindling, instant: str) -> None:
    """Run the poller and its worker when every domain's day has ended."""
    at(kindling, f"{instant}T01:00:00")
    assert invoke("AdvanceWarmingFunction", {})["queued"] == 1
    assert judge_what_is_queued() == 1


def test_presets_are_shown_and_followed_and_own_schedules_get_versions_that_count_up(kindling: Kindling) -> None:
    kindling.verified_domain()
    shown = kindling.api.get(SCHEDULES).body
    assert (shown["schedule"]["name"], shown["own"]) == ("standard", None)
    presets = {preset["name"]: preset for preset in shown["presets"]}
    assert set(presets) == {"standard", "tiered", "outreach", "agentmail"}
    assert shown["schedule"] == presets["standard"]
    # The published numbers.
    standard = {name: plan["steps"] for name, plan in presets["standard"]["phases"].items()}
    ends = {name: (plan[0]["daily_limit"], plan[-1]["daily_limit"]) for name, plan in standard.items()}
    assert ends == {
        "phase_1": (50, 1_500),
        "phase_2": (2_000, 10_000),
        "phase_3": (15_000, 60_000),
        "phase_4": (100_000, 200_000),
    }
    assert standard["phase_2"][5] == {"daily_limit": 5_000, "hourly_limit": 500, "per_minute_limit": 20}
    assert standard["phase_3"][0] == {"daily_limit": 15_000, "hourly_limit": 1_500, "per_minute_limit": 50}

    first = follow(kindling, own(10)).body
    assert (set(first), first["schedule"]["name"], first["schedule"]["version"]) == ({"schedule"}, "custom", 1)
    assert first["schedule"]["phases"] == own(10)["phases"]
    assert first["schedule"]["thresholds"] == presets["standard"]["thresholds"]
    assert kindling.api.get(SCHEDULES).body["own"] == kindling.api.get(SCHEDULES).body["schedule"] == first["schedule"]
    assert kindling.api.get(WARMING).body["schedule"] == {"name": "custom", "version": 1}
    second = follow(kindling, {**own(20), "thresholds": {"max_bounce_rate": 0.01}}).body["schedule"]
    assert (second["version"], second["thresholds"]["max_bounce_rate"]) == (2, 0.01)
    assert follow(kindling, {"preset": "tiered"}).body == {"schedule": presets["tiered"]}
    assert kindling.api.get(WARMING).body["schedule"] == {"name": "tiered", "version": 1}
    # The custom schedule is kept while a preset is followed.
    assert kindling.api.get(SCHEDULES).body["own"] == second
    assert follow(kindling, own(30)).body["schedule"]["version"] == 3
    # No other tenant sees it.
    assert kindling.other.get(SCHEDULES).body == shown
    is_refused(kindling.reader("PUT", SCHEDULES, own(5)), 403, "forbidden", required_scope="provision")


def test_of_two_changes_at_once_one_is_told_to_try_again(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.put_schedule

    def late(user_id: str, schedule: Schedule) -> None:
        monkeypatch.setattr(store, "put_schedule", real)
        follow(kindling, own(20))
        real(user_id, schedule)

    monkeypatch.setattr(store, "put_schedule", late)
    is_refused(kindling.api("PUT", SCHEDULES, own(10)), 409, "stale_status")
    shown = kindling.api.get(SCHEDULES).body
    assert (shown["schedule"], shown["schedule"]["version"]) == (shown["own"], 1)
    assert shown["schedule"]["phases"]["phase_1"]["steps"][0]["daily_limit"] == 20


def test_a_schedule_that_makes_no_sense_is_refused_and_changes_nothing(kindling: Kindling) -> None:
    def changed(*path: Any, value: Any) -> dict[str, Any]:
        body: Any = deepcopy(own(10))
        place = body
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value
        return dict(body)

    first = ("phases", "phase_1")
    step = {"daily_limit": 10, "hourly_limit": 10, "per_minute_limit": 10}
    without: dict[str, Any] = deepcopy(own(10))
    del without["phases"]["phase_3"]
    bad: list[tuple[dict[str, Any], str]] = [
        ({}, "body"),
        ({"preset": "fast"}, "body"),
        ({"preset": "tiered", **own(10)}, "body"),
        ({"preset": "tiered", "thresholds": {}}, "body"),
        (without, "phases.phase_3"),
        (changed(*first, "steps", value=[]), "phases.phase_1.steps"),
        (changed(*first, "steps", value=[step] * 61), "phases.phase_1.steps"),
        (changed(*first, "steps", value=[{**step, "daily_limit": 0}]), "phases.phase_1.steps.0.daily_limit"),
        (changed(*first, "steps", value=[{**step, "daily_limit": 10**9}]), "phases.phase_1.steps.0.daily_limit"),
        (changed(*first, "steps", value=[{**step, "hourly_limit": 11}]), "phases.phase_1.steps.0"),
        (changed(*first, "steps", value=[{**step, "hourly_limit": 9}]), "phases.phase_1.steps.0"),
        (changed(*first, "steps", value=stages(10, 9)), "body"),
        (changed(*first, "steps", value=stages(21)), "body"),
        (changed(*first, "min_days", value=0), "phases.phase_1.min_days"),
        (changed(*first, "min_days", value=61), "phases.phase_1.min_days"),
        (changed(*first, "min_volume", value=0), "phases.phase_1.min_volume"),
        (changed(*first, "colour", value="red"), "phases.phase_1.colour"),
        (changed("thresholds", value={"max_complaint_rate": 0.002}), "thresholds.max_complaint_rate"),
        (changed("thresholds", value={"pause_bounce_rate": 0}), "thresholds.pause_bounce_rate"),
        (changed("thresholds", value={"max_bounce_rate": 0.04, "pause_bounce_rate": 0.03}), "thresholds"),
        (changed("thresholds", value={"min_delivery_rate": 0.5}), "thresholds.min_delivery_rate"),
    ]
    before = kindling.api.get(SCHEDULES).body
    for body, field in bad:
        reply = kindling.api("PUT", SCHEDULES, body)
        is_refused(reply, 400, "invalid_request")
        assert field in [problem["field"] for problem in reply.body["fields"]], reply.body
    assert kindling.api.get(SCHEDULES).body == before


def test_less_holds_at_once_and_more_from_the_next_day(kindling: Kindling) -> None:
    sender(kindling)
    sender(kindling, "two.example")
    at(kindling, "03-01T10:00:00")
    other = kindling.other.post("/v1/domains", {"domain": "other.example"}).body["id"]
    kindling.clock.advance(seconds=30)
    kindling.other.post(f"/v1/domains/{other}/verify")
    before = kindling.other.get(f"/v1/domains/{other}/warming").body
    assert before["phase"] == "phase_1"
    # No limit rises today.
    follow(kindling, own(20))
    limits = {"daily_limit": 20, "hourly_limit": 10, "per_minute_limit": 5}
    assert kindling.api.get(WARMING).body["current_limits"] == limits
    follow(kindling, own(4))
    assert (daily_limit(kindling), daily_limit(kindling, "two.example")) == (4, 4)
    assert kindling.api.post("/v1/send", email(3)).status == 202
    assert kindling.api.post("/v1/send", email(2)).body["limit_type"] == "daily"
    follow(kindling, own(2))
    # Sends counted before stay counted.
    shown = kindling.api.get(WARMING).body
    assert (shown["today_sent"], shown["remaining_today"]) == (3, 0)
    refused = kindling.api.post("/v1/send", email(1))
    assert (refused.status, refused.body["used"]) == (429, 3)
    follow(kindling, own(30))
    for command in ("pause", "resume"):
        assert kindling.api.post(f"{WARMING}/{command}").status == 200
        assert kindling.api.post(f"/v1/domains/two.example/warming/{command}").status == 200
    assert (daily_limit(kindling), daily_limit(kindling, "two.example")) == (2, 2)
    assert kindling.other.get(f"/v1/domains/{other}/warming").body == before
    assert report(kindling, "delivered", 3)
    at(kindling, "03-02T00:05:00")
    # The new day has not been judged yet.
    assert daily_limit(kindling) == 2
    assert kindling.api.post("/v1/domains/two.example/warming/pause").status == 200
    assert kindling.api.post(f"/v1/domains/{other}/warming/pause").status == 404
    assert kindling.other.post(f"/v1/domains/{other}/warming/pause").status == 200
    begin_next_day(kindling, "03-02")
    # The limit of the day before was used: it climbs as well, but not above twice that use, or the first stage.
    assert daily_limit(kindling) == 30
    assert kindling.api.post("/v1/send", email(9, bcc=["pat@example.com"] * 20)).status == 202
    # A domain resumed on a new day gets that day's limits.
    assert kindling.api.post("/v1/domains/two.example/warming/resume").status == 200
    assert daily_limit(kindling, "two.example") == 30
    follow(kindling, {"preset": "standard"})
    assert kindling.api.get(WARMING).body["current_limits"]["per_minute_limit"] == 5


def test_more_waits_for_the_next_day_also_where_this_days_verdict_is_still_to_come(kindling: Kindling) -> None:
    follow(kindling, own(2))
    sender(kindling)

    def mail() -> None:
        assert kindling.api.post("/v1/send", email(2)).status == 202
        assert report(kindling, "delivered", 2)

    mail()
    at(kindling, "03-02T00:02:00")
    follow(kindling, own(30))
    begin_next_day(kindling, "03-02")
    assert daily_limit(kindling) == 2
    mail()
    begin_next_day(kindling, "03-03")
    assert daily_limit(kindling) == 30
    # Nothing rises after a day without mail.
    follow(kindling, own(40))
    begin_next_day(kindling, "03-04")
    assert daily_limit(kindling) == 30
