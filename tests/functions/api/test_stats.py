"""The routes of /v1/domains/{id}/stats: the provider's reports by day, hour and mailbox provider."""

from typing import Any

from tests.conftest import Kindling
from tests.functions.api.test_send import at, email, is_refused, sender
from tests.functions.test_webhooks import HARD, SOFT, report

PATH = "/v1/domains/acme.example/stats"
RATES = ("delivery_rate", "bounce_rate", "hard_bounce_rate", "complaint_rate", "open_rate", "click_rate")
BOUNCES = ("bounced", "hard_bounce", "soft_bounce", "unknown_mailbox", "blocked")
TOTALS = ("sent", "delivered", *BOUNCES, "complaints", "rejected", "opened", "clicked")
ZERO = {**{f"total_{name}": 0 for name in TOTALS}, **dict.fromkeys(RATES, 0.0)}


def figures(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ZERO}


def test_figures_of_days_hours_and_mailbox_providers(kindling: Kindling) -> None:
    account = sender(kindling)
    at(kindling, "03-10T23:30:00")
    assert report(kindling, "sent", 7)
    at(kindling, "03-17T11:59:59")
    report(kindling, "sent", ["a@gmail.com", "b@googlemail.com", "c@outlook.com"])
    report(kindling, "delivered", ["a@gmail.com", "b@googlemail.com"])
    at(kindling, "03-17T12:00:00")
    report(kindling, "sent", ["d@yahoo.com", "e@icloud.com", "f@firm.example", "g@gmail.com"])
    report(kindling, "delivered", ["d@yahoo.com"])
    report(kindling, "bounced", ["f@firm.example"], **HARD)
    report(kindling, "bounced", ["c@outlook.com"], **SOFT)
    report(kindling, "complained", ["a@gmail.com"])
    # AgentMail's rejections name a reason and no recipients.
    report(kindling, "rejected", [], reason="Bad content")
    report(kindling, "opened", ["a@gmail.com"])
    report(kindling, "clicked", ["a@gmail.com"])
    assert kindling.api.post("/v1/send", email(4)).status == 202
    of_today = {
        "total_sent": 7,
        "total_delivered": 3,
        "total_bounced": 2,
        "total_hard_bounce": 1,
        "total_soft_bounce": 1,
        "total_unknown_mailbox": 0,
        "total_blocked": 0,
        "total_complaints": 1,
        "total_rejected": 1,
        "total_opened": 1,
        "total_clicked": 1,
        "delivery_rate": 0.4286,
        "bounce_rate": 0.2857,
        "hard_bounce_rate": 0.1429,
        "complaint_rate": 0.1429,
        "open_rate": 0.3333,
        "click_rate": 0.3333,
    }
    named = {"domain_id": account["domain_id"], "domain": "acme.example"}
    # `today_sent` is the gate's count, `metrics` are the provider's.
    assert kindling.api.get(PATH).body == {
        **named,
        "period_days": 7,
        "metrics": {"period_days": 7, **of_today},
        "today_sent": 4,
        "this_hour_sent": 4,
    }
    assert kindling.api.get(PATH, days="8").body["metrics"]["total_sent"] == 14
    assert kindling.api.get(f"/v1/domains/{account['domain_id']}/stats").body == kindling.api.get(PATH).body

    daily = kindling.api.get(f"{PATH}/daily", days="8").body
    assert {name: daily[name] for name in (*named, "days")} == {**named, "days": 8}
    assert [day["date"] for day in daily["stats"]] == [f"2026-03-{number}" for number in range(10, 18)]
    assert [day["total_sent"] for day in daily["stats"]] == [7, 0, 0, 0, 0, 0, 0, 7]
    assert figures(daily["stats"][1]) == ZERO
    assert figures(daily["stats"][-1]) == of_today
    assert len({day["id"] for day in daily["stats"]}) == 8
    assert {day["domain_id"] for day in daily["stats"]} == {account["domain_id"]}
    assert len(kindling.api.get(f"{PATH}/daily").body["stats"]) == 30

    hourly = kindling.api.get(f"{PATH}/hourly", hours="3").body
    assert [hour["hour"] for hour in hourly["stats"]] == [f"2026-03-17T{hour}:00:00Z" for hour in (10, 11, 12)]
    assert [hour["total_sent"] for hour in hourly["stats"]] == [0, 3, 4]
    assert (hourly["hours"], hourly["stats"][2]["total_bounced"]) == (3, 2)
    assert len(kindling.api.get(f"{PATH}/hourly").body["stats"]) == 24

    by_provider = kindling.api.get(f"{PATH}/isp").body
    assert {entry["isp"]: entry["total_sent"] for entry in by_provider["stats"]} == {
        "apple": 1,
        "gmail": 3,
        "microsoft": 1,
        "other": 1,
        "yahoo": 1,
    }
    gmail = next(entry for entry in by_provider["stats"] if entry["isp"] == "gmail")
    assert (gmail["total_delivered"], gmail["complaint_rate"], gmail["open_rate"]) == (2, 0.3333, 0.5)
    assert sum(entry["total_sent"] for entry in kindling.api.get(f"{PATH}/isp", days="8").body["stats"]) == 14


def test_a_domain_without_mail_has_zeros_and_periods_have_their_ends(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert figures(kindling.api.get(PATH, days="90").body["metrics"]) == ZERO
    assert len(kindling.api.get(f"{PATH}/daily", days="90").body["stats"]) == 90
    assert len(kindling.api.get(f"{PATH}/hourly", hours="720").body["stats"]) == 720
    assert kindling.api.get(f"{PATH}/isp").body["stats"] == []
    for path, name, most in (
        (PATH, "days", 90),
        (f"{PATH}/daily", "days", 90),
        (f"{PATH}/isp", "days", 90),
        (f"{PATH}/hourly", "hours", 720),
    ):
        for value in ("0", str(most + 1), "-1", "week", ""):
            reply = kindling.api("GET", path, query={name: value})
            is_refused(reply, 400, "invalid_request")
            assert [field["field"] for field in reply.body["fields"]] == [name]
