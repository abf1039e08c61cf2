"""What an operator changes from time to time: secrets, caps, published records, warmups and single deliveries."""

import re

from tests.conftest import Kindling
from tests.harness import story
from tests.harness.pages import Browser

KEY = r"kd_live_([a-z0-9]{16})_[\w-]{43}"


def key_on(text: str) -> re.Match[str]:
    found = re.search(KEY, text)
    assert found
    return found


def test_a_key_is_rotated_with_an_overlap_and_the_new_one_shown_once(kindling: Kindling, browser: Browser) -> None:
    browser.get("/console/keys")
    old = key_on(browser.submit("/console/keys", name="ci", environment="live").text)[1]
    browser.get("/console/keys")
    page = browser.submit(f"/{old}/rotate", overlap_hours="2")
    new = key_on(page.text)
    assert f"replaced by {new[1]}" in page.text
    assert new[0] not in browser.get("/console/keys").text
    shown = {key["id"]: key for key in kindling.api.get("/api/keys").body["keys"]}
    assert (shown[new[1]]["rotated_from"], shown[old]["expires_at"]) == (old, "2026-03-01T11:00:00.000Z")
    assert f"/console/keys/{old}/rotate" not in browser.page.changes
    kindling.clock.advance(hours=2)
    assert f"/console/keys/{old}/revoke" not in browser.get("/console/keys").changes


def test_an_overlap_that_is_no_number_or_too_long_is_refused_on_the_page(kindling: Kindling, browser: Browser) -> None:
    own = kindling.api.key.split("_")[2]
    for hours in ("many", "169", "-1"):
        browser.get("/console/keys")
        page = browser.submit(f"/{own}/rotate", overlap_hours=hours)
        assert (page.status, "The request is not valid: overlap_hours" in page.text) == (400, True)


def test_a_webhooks_secret_is_rotated_and_shown_once(kindling: Kindling, browser: Browser) -> None:
    made = kindling.api.post("/v1/webhooks", {"url": "https://hooks.example.com/"}).body
    path = f"/console/webhooks/{made['webhook']['id']}"
    browser.get(path)
    page = browser.submit("/rotate", overlap_hours="3")
    assert "whsec_" in page.text
    assert made["secret"] not in page.text
    assert "Old secret signs until 2026-03-01 12:00 UTC" in page.text
    assert "whsec_" not in browser.get(path).text
    kindling.clock.advance(hours=3)
    assert "Old secret" not in browser.get(path).text


def test_one_delivery_is_sent_again(kindling: Kindling, browser: Browser) -> None:
    path = f"/console/webhooks/{story.delivering(kindling)}"
    page = browser.get(path)
    assert page.text.count("Send again") == 2
    page = browser.submit("/redeliver")
    assert "The event is sent again." in page.text
    assert page.text.count("Send again") == 1
    page = browser.submit("/redeliver", delivery_id="evt_9")
    assert (page.status, "There is no such delivery." in page.text) == (404, True)


def test_records_are_published_again_and_what_came_of_it_is_told(kindling: Kindling, browser: Browser) -> None:
    domain = kindling.verified_domain()
    browser.get(f"/console/domains/{domain['id']}")
    page = browser.submit("/publish")
    assert "“Publishing” says what came of it." in page.text
    assert "Publishing: published." in page.text


def test_a_cap_is_set_shown_and_ended(kindling: Kindling, browser: Browser) -> None:
    domain = kindling.verified_domain()
    path = f"/console/domains/{domain['id']}"
    browser.get(path)
    assert "Set a cap" in browser.page.text
    assert "Cap: 1,200 a day" in browser.submit("/cap", daily_limit="1200").text
    assert browser.page.form("/cap").fields["daily_limit"] == "1200"
    page = browser.submit("/cap", daily_limit="lots")
    assert (page.status, "The request is not valid: daily_limit" in page.text) == (400, True)
    assert "Set a cap" in browser.submit("/cap", daily_limit="").text


def test_a_warmup_is_switched_off_after_a_question_and_on_again(kindling: Kindling, browser: Browser) -> None:
    account = kindling.account()
    path = f"/console/accounts/{account['id']}"
    page = browser.get(path)
    assert "kim@acme.example may send from then on" in page.text
    page = browser.submit("/rest")
    assert "The warmup is switched off." in page.text
    assert kindling.api.get(f"/api/email/accounts/{account['id']}").body["account"]["warmup_enabled"] is False
    # Until Instantly's job has ended.
    kindling.clock.advance(minutes=10)
    page = browser.submit("/warm")
    assert "The warmup is switched on." in page.text
    assert "/rest" in "".join(page.changes)
