"""The daily reading of what Gmail makes of each domain's mail."""

from datetime import timedelta
from typing import Any

import pytest

from kindling.metrics import parts
from kindling.metrics import service as metrics
from kindling.metrics.model import DAYS_KEPT, Period, day_sort_key, metrics_partition
from kindling.platform import aws, table
from kindling.platform.settings import settings
from kindling.providers import credentials
from tests.conftest import Kindling
from tests.harness.lambdas import invoke

NOTHING = {"changed": 0, "unchanged": 0, "unknown": 0, "failed": 0}
QUERY = "/v2/domains/*"


def read() -> dict[str, Any]:
    answer: dict[str, Any] = invoke("ReadSpamRatesFunction", {})
    return answer


def day(kindling: Kindling, back: int) -> str:
    return (kindling.clock.at - timedelta(days=back)).date().isoformat()


def tell(kindling: Kindling, name: str = "acme.example", **days: dict[str, float]) -> None:
    """Have Postmaster Tools tell figures; `back_3` are those of three days ago."""
    told = {day(kindling, int(name.removeprefix("back_"))): figures for name, figures in days.items()}
    kindling.world.set(gmail_days={name: told})


def known(kindling: Kindling, domain: dict[str, Any]) -> dict[str, Period]:
    return {period.name: period for period in metrics.last_days(kindling.user_id, domain["id"], 9)}


def queued() -> int:
    """The number of judgements that are queued; they are taken out."""
    url = settings().judgements_queue_url
    messages = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def test_what_gmail_tells_of_the_seven_days_before_today_is_noted(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    tell(
        kindling,
        back_0={"spam_rate": 0.1},
        back_1={"spam_rate": 0.0021},
        back_4={"delivery_error_rate": 0.03},
        back_7={"spam_rate": 0.0},
        back_8={"spam_rate": 0.2},
    )
    assert read() == NOTHING | {"changed": 1}
    found = known(kindling, domain)
    rates = {name: (one.spam_rate, one.delivery_error_rate) for name, one in found.items()}
    none = (None, None)
    assert rates == dict.fromkeys(found, none) | {
        day(kindling, 1): (0.0021, None),
        day(kindling, 4): (None, 0.03),
        day(kindling, 7): (0.0, None),
    }
    entries = kindling.api.get("/v1/domains/acme.example/stats/daily").body["stats"]
    assert {
        entry["date"]: (entry["gmail_spam_rate"], entry["gmail_delivery_error_rate"])
        for entry in entries
        if (entry["gmail_spam_rate"], entry["gmail_delivery_error_rate"]) != none
    } == {name: told for name, told in rates.items() if told != none}


def test_a_domain_is_judged_when_its_rates_are_new_and_only_then(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    tell(kindling, back_2={"spam_rate": 0.001})
    assert (read(), queued()) == (NOTHING | {"changed": 1}, 1)
    assert (read(), queued()) == (NOTHING | {"unchanged": 1}, 0)
    tell(kindling, back_2={"spam_rate": 0.001, "delivery_error_rate": 0.5})
    assert (read(), queued()) == (NOTHING | {"changed": 1}, 1)
    tell(kindling, back_2={"spam_rate": 0.002, "delivery_error_rate": 0.5})
    assert (read(), queued()) == (NOTHING | {"changed": 1}, 1)
    # What Gmail tells no more stays known, and what has no figures at all is no news.
    tell(kindling, back_2={}, back_3={})
    assert (read(), queued()) == (NOTHING | {"unchanged": 1}, 0)
    assert known(kindling, domain)[day(kindling, 2)].spam_rate == 0.002


def test_rates_and_counts_of_a_day_leave_each_other_alone(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    sent = parts.counted(kindling.user_id, domain["id"], kindling.clock.at, {("sent", "gmail"): 1})
    table.transact(sent)
    kindling.clock.advance(days=1)
    tell(kindling, back_1={"spam_rate": 0.25})
    read()
    table.transact(sent)
    found = known(kindling, domain)[day(kindling, 1)]
    assert (found.total.sent, found.providers["gmail"].sent, found.spam_rate) == (2, 2, 0.25)


def test_a_day_is_kept_as_long_as_one_with_counts(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    tell(kindling, back_1={"spam_rate": 0.25})
    read()
    item = table.get({"pk": metrics_partition(kindling.user_id, domain["id"]), "sk": day_sort_key(day(kindling, 1))})
    midnight = kindling.clock.at.replace(hour=0, minute=0, second=0, microsecond=0)
    assert item is not None
    assert item["expires_at"] == int((midnight - timedelta(days=1) + DAYS_KEPT).timestamp())


def test_a_domain_that_is_not_in_postmaster_tools_stays_unknown(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    assert (read(), queued()) == (NOTHING | {"unknown": 1}, 0)
    kindling.world.fault("postmaster", "POST", QUERY, "refuse", status=404)
    assert read() == NOTHING | {"unknown": 1}
    assert all(one.spam_rate is None for one in known(kindling, domain).values())


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "refuse", "status": 401},
        {"fault": "refuse", "status": 403, "code": "SERVICE_DISABLED"},
        {"fault": "refuse", "status": 500},
        {"fault": "rate_limit"},
        {"fault": "timeout_after"},
        {"fault": "drop_answer"},
    ],
)
def test_a_day_without_an_answer_harms_nothing_and_the_next_one_reads_it(
    kindling: Kindling, fault: dict[str, Any]
) -> None:
    domain = kindling.verified_domain()
    tell(kindling, back_1={"spam_rate": 0.001})
    for path in (QUERY, "/v2/token"):
        kindling.world.fault("postmaster", "POST", path, **fault)
        assert (read(), queued()) == (NOTHING | {"failed": 1}, 0)
        kindling.world.heal()
        kindling.clock.advance(hours=2)
    assert read() == NOTHING | {"changed": 1}
    assert known(kindling, domain)[day(kindling, 1)].spam_rate == 0.001


def test_an_account_that_fails_again_and_again_is_asked_no_more_on_that_day(kindling: Kindling) -> None:
    for n in range(7):
        kindling.verified_domain(f"acme{n}.example")
    kindling.world.fault("postmaster", "POST", QUERY, "refuse", status=401)
    assert read() == NOTHING | {"failed": 7}
    (fault,) = kindling.world.admin("GET", "faults")["faults"]
    assert fault["seen"] == 5


def test_a_domain_that_may_not_send_is_not_asked_about(kindling: Kindling) -> None:
    kindling.verified_domain()
    tell(kindling, back_1={"spam_rate": 0.001})
    assert kindling.api("PUT", "/v1/domains/acme.example", {"active": False}).status == 200
    assert read() == NOTHING


def test_without_a_service_account_nothing_is_read(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    kindling.verified_domain()
    monkeypatch.setenv("POSTMASTER_SECRET", "")
    settings.cache_clear()
    assert read() == NOTHING


def test_a_tenants_own_service_account_asks_about_its_domains(kindling: Kindling) -> None:
    kindling.verified_domain()
    tell(kindling, back_1={"spam_rate": 0.001})
    arn = aws.keep_secret(f"kindling/tenants/{kindling.user_id}/postmaster", "no key file")
    credentials.add(kindling.user_id, credentials.POSTMASTER, arn)
    assert read() == NOTHING | {"failed": 1}
    credentials.remove(kindling.user_id, credentials.POSTMASTER)
    assert read() == NOTHING | {"changed": 1}
