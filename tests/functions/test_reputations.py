"""The reputation of an account by day: what the hourly review keeps, and for whom."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kindling.accounts import graduation, store
from kindling.accounts.model import Account
from kindling.accounts.reputation import DailyReputation
from kindling.platform import aws, clock
from tests.conftest import Kindling
from tests.harness.dynamodb import calls
from tests.harness.lambdas import invoke

MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
FIRST, SECOND = date(2026, 3, 10), date(2026, 3, 11)


def review(kindling: Kindling, at: datetime) -> None:
    """Run the poller and the worker at an instant, whenever the next review is due."""
    kindling.clock.at = at
    store.set_review(kindling.user_id, at)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}
    assert kindling.work("ReviewAccountsFunction", "reviews") == []


def kept(kindling: Kindling, account_id: str) -> dict[date, int | None]:
    account = store.get(kindling.user_id, account_id)
    assert account
    return dict(account.daily_reputation.until(account.daily_reputation.last_day)) if account.daily_reputation else {}


@pytest.fixture
def kim(kindling: Kindling) -> str:
    """The id of an account that warms since ten days before."""
    account_id: str = kindling.account()["id"]
    return account_id


def test_the_first_reading_of_a_utc_day_is_kept_for_that_day(kindling: Kindling, kim: str) -> None:
    review(kindling, MIDNIGHT - MOMENT)
    assert list(kept(kindling, kim)) == [FIRST]
    review(kindling, MIDNIGHT)
    days = kept(kindling, kim)
    assert list(days) == [FIRST, SECOND]
    assert all(value and 0 < value <= 100 for value in days.values())


def test_an_account_is_written_once_a_day_and_a_day_without_a_reading_is_unknown(kindling: Kindling, kim: str) -> None:
    review(kindling, MIDNIGHT)
    with calls() as seen:
        review(kindling, MIDNIGHT + timedelta(hours=23))
    hourly = seen.count("UpdateItem")
    with calls() as seen:
        review(kindling, MIDNIGHT + timedelta(days=2))
    assert seen.count("UpdateItem") == hourly + 1
    values = list(kept(kindling, kim).values())
    assert (len(values), values[1]) == (3, None)


def test_the_reputation_of_an_active_account_is_kept_on(kindling: Kindling, kim: str) -> None:
    review(kindling, MIDNIGHT + timedelta(days=20))
    assert kindling.api.get(f"/api/email/accounts/{kim}").body["account"]["status"] == "active"
    review(kindling, MIDNIGHT + timedelta(days=21))
    assert len(kept(kindling, kim)) == 2


@pytest.mark.parametrize("word", [0, -1])
def test_nothing_is_kept_of_days_on_which_its_warmup_is_paused_or_banned(
    kindling: Kindling, kim: str, word: int
) -> None:
    review(kindling, MIDNIGHT - MOMENT)
    kindling.world.set(warmup_states={"kim@acme.example": word})
    review(kindling, MIDNIGHT)
    assert list(kept(kindling, kim)) == [FIRST]


def test_what_cannot_be_read_is_unknown(kindling: Kindling, kim: str) -> None:
    kindling.world.fault("instantly", "POST", "/api/v2/accounts/warmup-analytics", "refuse", status=500)
    review(kindling, MIDNIGHT)
    assert kept(kindling, kim) == {}


def test_an_account_without_any_mail_yet_has_no_reputation_which_is_not_0(kindling: Kindling) -> None:
    account = kindling.account()
    review(kindling, kindling.clock.at)
    assert kept(kindling, account["id"]) == {}


def test_keeping_it_changes_nothing_else_and_the_api_shows_no_more(kindling: Kindling, kim: str) -> None:
    before = kindling.api.get(f"/api/email/accounts/{kim}").body["account"]
    review(kindling, MIDNIGHT)
    assert kept(kindling, kim)
    assert kindling.api.get(f"/api/email/accounts/{kim}").body["account"] == before
    assert kindling.api.get("/api/email/accounts").body["accounts"] == [before]


def test_it_goes_with_its_account(kindling: Kindling, kim: str) -> None:
    review(kindling, MIDNIGHT)
    stale = store.get(kindling.user_id, kim)
    assert stale
    assert kindling.api("DELETE", f"/api/email/accounts/{kim}").status == 200
    # A review that has read the account before.
    store.keep_reputation(stale, DailyReputation.with_day(stale.daily_reputation, SECOND + timedelta(days=1), 90))
    unread = stale.model_copy(update={"daily_reputation": None})
    store.keep_reputation(unread, DailyReputation.with_day(None, SECOND, 90))
    rows = aws.table().scan()["Items"]
    assert [row for row in rows if "daily_reputation" in row] == []


def test_of_two_reviews_at_once_the_later_one_overwrites_no_day(kindling: Kindling, kim: str) -> None:
    both = store.get(kindling.user_id, kim)
    assert both
    for value in (80, 70):
        store.keep_reputation(both, DailyReputation.with_day(None, FIRST, value))
    assert kept(kindling, kim) == {FIRST: 80}
    both = store.get(kindling.user_id, kim)
    assert both
    for day in (SECOND, SECOND + timedelta(days=1)):
        store.keep_reputation(both, DailyReputation.with_day(both.daily_reputation, day, 90))
    assert kept(kindling, kim) == {FIRST: 80, SECOND: 90}


@pytest.mark.parametrize(("seconds", "days"), [(10.0, 1), (9.9, 0)])
def test_it_is_kept_while_ten_seconds_are_left_and_otherwise_by_the_next_review(
    kindling: Kindling, kim: str, seconds: float, days: int
) -> None:
    kindling.clock.at = MIDNIGHT
    key = {"pk": f"TENANT#{kindling.user_id}", "sk": "REVIEW"}
    with clock.within(seconds):
        graduation.review(key)
    assert len(kept(kindling, kim)) == days
    graduation.review(key)
    assert len(kept(kindling, kim)) == 1


def test_an_account_of_the_release_before_has_none_and_gets_its_first(kindling: Kindling, kim: str) -> None:
    row = aws.table().get_item(Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"ACCOUNT#{kim}"})["Item"]
    assert "daily_reputation" not in row
    assert Account.model_validate(row).daily_reputation is None
    review(kindling, MIDNIGHT)
    assert list(kept(kindling, kim)) == [SECOND]
