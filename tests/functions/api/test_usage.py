"""GET /v1/usage/summary: what became of a tenant's mail, and its quotas."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from postscale import Postscale

from kindling.platform import table
from tests.conftest import Kindling
from tests.functions.api.test_send import at, is_refused, sender
from tests.functions.api.test_stats import ZERO, figures
from tests.functions.test_webhooks import HARD, report
from tests.harness.cases import Gateway

PATH = "/v1/usage/summary"


def two_domains(kindling: Kindling) -> list[str]:
    """Mail of two domains in March, and of one more in February; the ids of the domains, newest first."""
    first = sender(kindling)["domain_id"]
    kindling.clock.advance(seconds=1)
    second = kindling.account("lee", kindling.verified_domain("two.example"))["domain_id"]
    at(kindling, "03-10T12:00:00")
    assert report(kindling, "sent", 7)
    at(kindling, "03-17T12:00:00")
    assert report(kindling, "sent", 3, inbox="lee@two.example")
    assert report(kindling, "delivered", 2, inbox="lee@two.example")
    assert report(kindling, "bounced", 1, inbox="lee@two.example", **HARD)
    return [second, first]


def test_usage_is_told_by_domain_and_in_all(kindling: Kindling) -> None:
    second, first = two_domains(kindling)
    body = kindling.api.get(PATH).body
    assert set(body) == {"period_days", "period_start", "period_end", "usage", "domains", "quotas"}
    assert (body["period_days"], body["period_start"], body["period_end"]) == (30, "2026-02-16", "2026-03-17")
    assert [(one["domain_id"], one["domain"], one["total_sent"]) for one in body["domains"]] == [
        (second, "two.example", 3),
        (first, "acme.example", 7),
    ]
    assert figures(body["domains"][1]) == ZERO | {"total_sent": 7}
    counts = {"total_sent": 10, "total_delivered": 2, "total_bounced": 1, "total_hard_bounce": 1}
    rates = {"delivery_rate": 0.2, "bounce_rate": 0.1, "hard_bounce_rate": 0.1}
    assert figures(body["usage"]) == ZERO | counts | rates
    assert body["quotas"] == {
        "tenant_requests_per_second": 50,
        "key_requests_per_second": 25,
        "tenant_creates_per_hour": 2000,
        "key_creates_per_hour": 1000,
    }
    # The day of the first mail is the eighth from the end.
    assert kindling.api.get(PATH, days="8").body["usage"]["total_sent"] == 10
    week = kindling.api.get(PATH, days="7").body
    assert (week["usage"]["total_sent"], week["period_start"]) == (3, "2026-03-11")
    assert kindling.api.get(PATH, days="1").body["period_start"] == "2026-03-17"
    # Nobody sees what others send.
    nothing = kindling.other.get(PATH).body
    assert (figures(nothing["usage"]), nothing["domains"]) == (ZERO, [])


def test_more_domains_than_a_page_has_are_added_up_by_the_caller(kindling: Kindling) -> None:
    two_domains(kindling)
    first = kindling.api.get(PATH, limit="1").body
    last = kindling.api.get(PATH, limit="1", cursor=first["next_cursor"]).body
    assert [one["domain"] for one in first["domains"] + last["domains"]] == ["two.example", "acme.example"]
    assert "usage" not in first
    assert "usage" not in last
    assert "next_cursor" not in last


def test_a_summary_costs_a_read_for_each_domain_and_one_more(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_domains(kindling)
    real: Any = table.query
    calls = []

    def noted(**request: Any) -> Any:
        calls.append(request)
        return real(**request)

    monkeypatch.setattr(table, "query", noted)
    assert kindling.api.get(PATH, days="90").status == 200
    assert len(calls) == 1 + 2


def test_periods_and_pages_are_bounded(kindling: Kindling) -> None:
    for query in ({"days": "0"}, {"days": "91"}, {"limit": "0"}, {"limit": "101"}, {"month": "2026-03"}):
        is_refused(kindling.api("GET", PATH, query=query), 400, "invalid_request")
    for query in ({"days": "90"}, {"limit": "100"}):
        assert kindling.api("GET", PATH, query=query).status == 200


def test_the_official_client_reads_it(kindling: Kindling, tmp_path: Path) -> None:
    transport = httpx.MockTransport(Gateway(tmp_path))
    with Postscale(kindling.api.key, base_url="http://here", client=httpx.Client(transport=transport)) as client:
        summary = client.usage.summary()
    assert summary.data
    assert summary.data["usage"]["total_sent"] == 0
