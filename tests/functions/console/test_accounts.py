"""The page of an account: its warmup now, and its reputation by day."""

from datetime import timedelta

from tests.conftest import Kindling
from tests.functions.test_reputations import MIDNIGHT, review
from tests.harness.pages import Browser, Page


def shown(browser: Browser, account_id: str) -> Page:
    page = browser.get(f"/console/accounts/{account_id}")
    assert page.status == 200
    return page


def test_an_account_without_a_day_says_when_there_will_be_one(kindling: Kindling, browser: Browser) -> None:
    page = shown(browser, kindling.account()["id"])
    assert "None is kept yet: it is read once on each day on which its warmup is on." in page.text


def test_its_reputation_is_drawn_by_day_with_the_same_as_a_table(kindling: Kindling, browser: Browser) -> None:
    account = kindling.account()
    review(kindling, MIDNIGHT)
    review(kindling, MIDNIGHT + timedelta(days=2))
    browser.sign_in(kindling.api.key)
    page = shown(browser, account["id"])
    assert "Reputation of the last 3 days, from 0 to 100; it graduates at 90" in page.text
    assert "2026-03-13 Reputation " in page.text
    assert "2026-03-12 Reputation unknown 2026-03-11 Reputation " in page.text


def test_a_paused_and_a_banned_account_show_as_such_and_keep_their_days(kindling: Kindling, browser: Browser) -> None:
    account = kindling.account()
    review(kindling, MIDNIGHT)
    kindling.world.set(warmup_states={"kim@acme.example": 0})
    browser.sign_in(kindling.api.key)
    page = shown(browser, account["id"])
    assert "Its warmup is paused at Instantly: the figures stand still, and no reputation is kept." in page.text
    kindling.world.set(warmup_states={"kim@acme.example": -1})
    review(kindling, MIDNIGHT + timedelta(days=1))
    browser.sign_in(kindling.api.key)
    page = shown(browser, account["id"])
    assert "It is banned at Instantly: it sends no more, and no reputation is read any more." in page.text
    assert "2026-03-12 Reputation unknown 2026-03-11 Reputation " in page.text


def test_the_reputation_of_another_tenants_account_is_not_shown(kindling: Kindling, outside: Browser) -> None:
    account = kindling.account()
    review(kindling, MIDNIGHT)
    outside.sign_in(kindling.other.key)
    page = outside.get(f"/console/accounts/{account['id']}")
    assert (page.status, "Reputation" in page.text) == (404, False)
