"""Reading the figures of many accounts: a hundred per call, for a bounded time, and when they are read again."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kindling.accounts import graduation, store
from kindling.accounts.model import WARMING, Account, State, account_key
from kindling.keys.model import Caller, Scope
from kindling.platform import aws, clock, table
from kindling.platform.paging import Paging
from kindling.providers import client as provider_client
from tests.conftest import Clock

pytestmark = pytest.mark.usefixtures("cloud")

ADDRESSES = [f"a{number:03}@acme.example" for number in range(201)]
CALLER = Caller("u", "k" * 16, True, frozenset(Scope))
REVIEW = {"pk": "TENANT#u", "sk": "REVIEW"}
MOMENT = timedelta(milliseconds=1)


class Instantly:
    """Lists the accounts page by page, and takes `seconds` for each call that reads figures."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds = 0.0
        self.asked: list[int] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.asked.append(len(json.loads(request.content)["emails"]))
            self._clock.advance(seconds=self.seconds)
            return httpx.Response(200, json={"email_date_data": {}, "aggregate_data": {}})
        start = int(request.url.params.get("starting_after", 0))
        page = [{"email": address, "warmup_status": 1} for address in ADDRESSES[start : start + 100]]
        return httpx.Response(200, json={"items": page, "next_starting_after": str(start + 100)})


@pytest.fixture
def instantly(monkeypatch: pytest.MonkeyPatch, steady_clock: Clock) -> Instantly:
    found = Instantly(steady_clock)
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(found.handle))
    return found


def put_accounts(addresses: list[str], state: State = WARMING) -> None:
    with aws.table().batch_writer() as batch:
        for number, address in enumerate(addresses):
            fields: dict[str, Any] = {"id": str(number), "user_id": "u", "domain_id": "d", "email_address": address}
            account = Account(
                **fields,
                agentmail_inbox_id=address,
                status=state[0],
                warmup_status=state[1],
                instantly_tag_id="t",
                created_at=clock.timestamp(),
                updated_at=clock.timestamp(),
            )
            row = account.model_dump(mode="json", exclude_none=True)
            batch.put_item(Item={**account_key("u", account.id), "owner": "u#account", **row})


def test_a_caller_has_twenty_seconds_and_a_review_four_minutes_for_a_hundred_accounts_at_a_time(
    instantly: Instantly,
) -> None:
    put_accounts(ADDRESSES)
    outcomes = {}
    # A caller's last call needs half a second.
    for seconds in (9.75, 9.76, 119.9, 120):
        instantly.seconds, instantly.asked = seconds, []
        if seconds > 10:
            graduation.review(REVIEW)
        else:
            graduation.analytics(CALLER, Paging())
        outcomes[seconds] = instantly.asked
    assert outcomes == {9.75: [100, 100, 1], 9.76: [100, 100], 119.9: [100, 100, 1], 120: [100, 100]}


def test_the_first_review_is_an_hour_after_the_first_account(steady_clock: Clock) -> None:
    table.transact([store.first_review("u")])
    steady_clock.at += timedelta(hours=1) - MOMENT
    assert graduation.dispatch() == 0
    steady_clock.at += MOMENT
    assert graduation.dispatch() == 1


@pytest.mark.parametrize(("addresses", "pause"), [(ADDRESSES[:1], timedelta(minutes=55)), ([], timedelta(hours=24))])
def test_the_next_review_is_after_55_minutes_or_where_nothing_warms_after_a_day(
    instantly: Instantly, steady_clock: Clock, addresses: list[str], pause: timedelta
) -> None:
    put_accounts(addresses)
    graduation.review(REVIEW)
    steady_clock.at += pause - MOMENT
    assert graduation.dispatch() == 0
    steady_clock.at += MOMENT
    assert graduation.dispatch() == 1
