"""Warmup runs in background jobs, one at a time, and its figures are computed from the days of warmup."""

from typing import Any

import httpx
import pytest

from tests.sandbox.resources import Time, warm_account


@pytest.fixture
def address(agentmail: httpx.Client, instantly: httpx.Client) -> str:
    return warm_account(agentmail, instantly)


def start(instantly: httpx.Client, *emails: str, verb: str = "enable") -> dict[str, Any]:
    answer = instantly.post(f"/accounts/warmup/{verb}", json={"emails": emails}).raise_for_status()
    job: dict[str, Any] = answer.json()
    return job


def warmup_status(instantly: httpx.Client, address: str) -> int:
    return int(instantly.get(f"/accounts/{address}").json()["warmup_status"])


def analytics(instantly: httpx.Client, address: str) -> dict[str, Any]:
    answer: dict[str, Any] = instantly.post("/accounts/warmup-analytics", json={"emails": [address]}).json()
    return answer


def test_a_job_is_pending_then_in_progress_then_success(instantly: httpx.Client, address: str, time: Time) -> None:
    job = start(instantly, address)
    path = f"/background-jobs/{job['id']}"
    assert (job["status"], job["progress"], job["data"]) == ("pending", 0, {})
    assert instantly.get(path).json()["status"] == "pending"
    time.advance(seconds=0.5)
    assert instantly.get(path).json()["status"] == "in-progress"
    assert warmup_status(instantly, address) == 0
    time.advance(seconds=0.5)
    done = instantly.get(path).json()
    assert (done["status"], done["progress"]) == ("success", 100)
    assert warmup_status(instantly, address) == 1


def test_a_job_has_its_counters_only_on_request(
    agentmail: httpx.Client, instantly: httpx.Client, address: str, time: Time
) -> None:
    gone = warm_account(agentmail, instantly, "lee")
    path = f"/background-jobs/{start(instantly, address, gone)['id']}"
    instantly.delete(f"/accounts/{gone}")
    time.advance(seconds=1)
    assert instantly.get(path).json()["data"] == {}
    fields = {"data_fields": "success_count,failed_count,total_to_process"}
    counters = {"success_count": 1, "failed_count": 1, "total_to_process": 2}
    assert instantly.get(path, params=fields).json()["data"] == counters


def test_a_running_job_locks_the_workspace(instantly: httpx.Client, address: str, time: Time) -> None:
    job = start(instantly, address)
    for answer in (
        instantly.post("/accounts/warmup/enable", json={"emails": [address]}),
        instantly.post("/accounts/warmup/disable", json={"emails": [address]}),
        instantly.patch(f"/accounts/{address}", json={"daily_limit": 5}),
    ):
        assert answer.status_code == 409
        assert job["id"] in answer.json()["message"]
    time.advance(seconds=1)
    assert instantly.patch(f"/accounts/{address}", json={"daily_limit": 5}).status_code == 200


def test_jobs_are_found_by_type_and_state(instantly: httpx.Client, address: str, time: Time) -> None:
    running = {"type": "update-warmup-accounts", "status": "pending,in-progress"}
    job = start(instantly, address)
    listed = instantly.get("/background-jobs", params=running).json()["items"]
    assert [item["id"] for item in listed] == [job["id"]]
    assert instantly.get("/background-jobs", params={"type": "move-leads"}).json()["items"] == []
    time.advance(seconds=1)
    assert instantly.get("/background-jobs", params=running).json()["items"] == []
    again = start(instantly, address, verb="disable")
    listed = instantly.get("/background-jobs", params={"ids": again["id"]}).json()["items"]
    assert [item["id"] for item in listed] == [again["id"]]


def test_a_job_can_be_made_to_fail(admin: httpx.Client, instantly: httpx.Client, address: str, time: Time) -> None:
    admin.post("/settings", json={"warmup_failures": [address]})
    job = start(instantly, address)
    time.advance(seconds=1)
    assert instantly.get(f"/background-jobs/{job['id']}").json()["status"] == "failed"
    assert warmup_status(instantly, address) == 0


def test_disabling_pauses_warmup_and_its_figures(
    admin: httpx.Client, instantly: httpx.Client, address: str, time: Time
) -> None:
    admin.post("/settings", json={"warmup_job_seconds": 0})
    start(instantly, address)
    time.advance(days=3)
    start(instantly, address, verb="disable")
    assert warmup_status(instantly, address) == 0
    paused = analytics(instantly, address)
    time.advance(days=5)
    assert analytics(instantly, address) == paused
    start(instantly, address)
    time.advance(days=1)
    assert len(analytics(instantly, address)["email_date_data"][address]) == 4


def test_unknown_accounts_cannot_be_warmed(instantly: httpx.Client) -> None:
    for nobody in (["nobody@agentmail.to"], []):
        answer = instantly.post("/accounts/warmup/enable", json={"emails": nobody})
        assert answer.status_code == 404
    many = [f"{number}@agentmail.to" for number in range(101)]
    answer = instantly.post("/accounts/warmup/enable", json={"emails": many})
    assert answer.json()["message"] == "body/emails must NOT have more than 100 items"
    assert instantly.get("/background-jobs/64b7f0c2a9d3e1f5c8b6a7d4").status_code == 404


def test_include_all_emails_selects_the_whole_workspace(
    agentmail: httpx.Client, instantly: httpx.Client, address: str, time: Time
) -> None:
    other = warm_account(agentmail, instantly, "lee")
    body = {"emails": [], "include_all_emails": True}
    instantly.post("/accounts/warmup/enable", json=body).raise_for_status()
    time.advance(seconds=1)
    assert [warmup_status(instantly, email) for email in (address, other)] == [1, 1]


def test_an_account_without_a_complete_day_has_no_figures(instantly: httpx.Client, address: str, time: Time) -> None:
    nothing: dict[str, Any] = {"email_date_data": {}, "aggregate_data": {}}
    assert analytics(instantly, address) == nothing
    start(instantly, address)
    time.advance(seconds=1)
    assert analytics(instantly, address) == nothing
    assert analytics(instantly, "nobody@agentmail.to") == nothing


def test_figures_grow_daily_and_omit_zeros(instantly: httpx.Client, address: str, time: Time) -> None:
    start(instantly, address)
    time.advance(days=2, seconds=1)
    figures = analytics(instantly, address)
    assert figures["email_date_data"][address] == {
        "2026-11-20": {"sent": 2, "landed_inbox": 2, "received": 1},
        "2026-11-21": {"sent": 4, "landed_inbox": 3, "landed_spam": 1, "received": 3},
    }
    assert figures["aggregate_data"][address] == {
        "sent": 6,
        "landed_inbox": 5,
        "landed_spam": 1,
        "received": 4,
        "health_score_label": "83%",
        "health_score": 83,
    }
    assert instantly.get(f"/accounts/{address}").json()["stat_warmup_score"] == 83


def test_an_account_is_in_good_health_after_two_weeks(instantly: httpx.Client, address: str, time: Time) -> None:
    start(instantly, address)
    time.advance(days=14, seconds=1)
    total = analytics(instantly, address)["aggregate_data"][address]
    assert total["sent"] >= 200
    assert total["health_score"] >= 90


def test_the_ramp_speed_and_spam_can_be_set(
    admin: httpx.Client, instantly: httpx.Client, address: str, time: Time
) -> None:
    instantly.patch(f"/accounts/{address}", json={"warmup": {"limit": 5, "increment": "disabled"}})
    admin.post("/settings", json={"warmup_speed": 10, "warmup_spam_rates": {address: 0.5}})
    start(instantly, address)
    time.advance(days=1, seconds=1)
    total = analytics(instantly, address)["aggregate_data"][address]
    assert (total["sent"], total["landed_spam"], total["health_score"]) == (50, 25, 50)


def test_an_account_can_be_banned(admin: httpx.Client, instantly: httpx.Client, address: str, time: Time) -> None:
    admin.post("/settings", json={"warmup_states": {address: -1}})
    start(instantly, address)
    time.advance(seconds=1)
    assert warmup_status(instantly, address) == -1
    admin.post("/settings", json={"warmup_states": {address: None}})
    assert warmup_status(instantly, address) == 1


def test_analytics_require_addresses(instantly: httpx.Client) -> None:
    answer = instantly.post("/accounts/warmup-analytics", json={"emails": []})
    assert answer.json()["message"] == "body/emails must NOT have fewer than 1 items"
