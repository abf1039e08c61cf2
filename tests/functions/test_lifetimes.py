"""What ends by itself, and when: the instants that the table's time to live goes by."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.idempotency.persistence import base as powertools

from kindling.operations import parts
from kindling.platform import aws, clock, table
from tests.conftest import Kindling
from tests.functions.test_webhooks import event, post, report


def expiries(prefix: str) -> list[int]:
    """When each item expires whose partition or sort key begins so, in seconds since 1970."""
    items: list[dict[str, Any]] = aws.table().scan()["Items"]
    return [int(item["expires_at"]) for item in items if item["pk"].startswith(prefix) or item["sk"].startswith(prefix)]


def in_days(days: float) -> int:
    return int((clock.now() + timedelta(days=days)).timestamp())


def test_an_event_is_remembered_for_two_weeks(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert report(kindling, "sent", 1)
    assert expiries("EVENT#") == [in_days(14)]


def test_figures_of_days_are_kept_for_400_days_and_those_of_hours_for_40(kindling: Kindling) -> None:
    kindling.verified_domain()
    assert report(kindling, "sent", 1)
    assert expiries("DAY#") == [in_days(400)]
    assert expiries("HOUR#") == [in_days(40)]


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_the_end_of_an_account_or_domain_is_on_record_for_90_days() -> None:
    table.transact([parts.ended("acme.example", "d", "u")])
    assert expiries("ENDED#") == [in_days(90)]


def test_an_answer_is_replayed_for_a_day(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    # Powertools reads the system's time.
    now = SimpleNamespace(now=lambda *_: clock.now())
    monkeypatch.setattr(powertools, "dt", SimpleNamespace(datetime=now, timedelta=timedelta))
    assert kindling.api.post("/v1/suppressions", {"email": "p@example.com"}, Idempotency_Key="k").status == 201
    assert expiries(f"TENANT#{kindling.user_id}#IDEMPOTENCY") == [in_days(1)]


@pytest.mark.parametrize(
    ("shift", "counted_now"),
    [
        ({"days": -7}, False),
        ({"days": -7, "milliseconds": -1}, True),
        ({"minutes": 5}, False),
        ({"minutes": 5, "milliseconds": 1}, True),
    ],
    ids=["a week old", "older", "five minutes ahead", "further ahead"],
)
def test_an_event_counts_at_its_own_instant_unless_that_is_implausible(
    kindling: Kindling, shift: dict[str, int], counted_now: bool
) -> None:
    kindling.verified_domain()
    # Three minutes before midnight, so that five minutes are another day.
    kindling.clock.at = kindling.clock.at.replace(hour=23, minute=57)
    instant = kindling.clock.at + timedelta(**shift)
    assert post(kindling, json.dumps(event("sent", 1, timestamp=clock.timestamp(instant)))).body["counted"]
    day = kindling.clock.at if counted_now else instant
    places = [item["sk"] for item in aws.table().scan()["Items"] if str(item["sk"]).startswith("DAY#")]
    assert places == [f"DAY#{day:%Y-%m-%d}"]
