"""What the pages of the console show, to whom, and what they change."""

import re

import pytest

from kindling.console.actions import Form
from kindling.console.pages import routes
from kindling.metrics import service as metrics
from kindling.warming import cohorts, store
from local import openapi
from tests.conftest import Kindling, issue
from tests.functions.api.test_emails import send
from tests.functions.api.test_send import email, sender
from tests.harness.dynamodb import calls
from tests.harness.lambdas import invoke
from tests.harness.pages import Browser, Page

CANARY = "<script>alert('x')</script>\"'><img src=x onerror=y>"
SECTIONS = [path for path in routes.PAGES if "{" not in path]
# The API asks for the scope admin.
OF_ADMINS = ["keys", "audit"]


def is_escaped(page: Page) -> bool:
    """Whether the canary is a text of the page and no part of it an element."""
    shown = CANARY in "".join(page.text.split("\n"))
    return shown and not any(tag == "img" or (tag == "script" and "src" not in own) for tag, own in page.elements)


@pytest.mark.parametrize("path", SECTIONS)
def test_an_empty_section_says_what_to_do_next(browser: Browser, path: str) -> None:
    page = browser.get(f"/console/{path}")
    assert page.status == 200
    assert any(own.get("class") == "empty" for _, own in page.elements) or path == "keys"


@pytest.mark.parametrize("form", routes.FORMS.values(), ids=routes.FORMS)
def test_a_form_asks_for_a_route_of_the_api_with_fields_that_its_body_has(form: Form) -> None:
    (asked,) = [one for one in openapi.routes() if (one.method, one.path) == (form.method, form.path)]
    known = {one.alias or name for name, one in asked.body.model_fields.items()} if asked.body else set()
    assert set(form.body({}) if form.body else {}) <= known


def test_a_newcomer_comes_from_nothing_to_a_warming_account(kindling: Kindling, browser: Browser) -> None:
    page = browser.submit("/console/domains", domain="Acme.example ")
    assert page.response.url.path.startswith("/console/operations/")
    assert "Onboard domain of acme.example" in page.text
    browser.get("/console/domains")
    domain = next(link for link in browser.page.links if link.startswith("/console/domains/"))
    browser.get(domain)
    kindling.clock.advance(minutes=10)
    page = browser.submit("/verify")
    assert "verified" in page.text
    assert "phase 1" in page.text
    browser.get("/console/accounts")
    page = browser.submit("/console/accounts", username="kim", display_name=CANARY)
    assert "Provision account of kim@acme.example" in page.text
    browser.get("/console/accounts")
    account = next(link for link in browser.page.links if link.startswith("/console/accounts/"))
    page = browser.get(account)
    assert "kim@acme.example" in page.text
    assert is_escaped(page)
    page = browser.get(domain, recipients="3")
    assert "Yes: the gate would admit 3 recipients now." in page.text
    page = browser.get(domain, recipients="1000000")
    assert "No: the gate would refuse 1,000,000 recipients now." in page.text


def test_a_refusal_is_told_on_the_page_of_the_form(kindling: Kindling, browser: Browser) -> None:
    page = browser.submit("/console/domains", domain=f"no domain {CANARY}")
    assert (page.status, page.response.url.path) == (400, "/console/domains")
    assert "The request is not valid: domain" in page.text
    domain = kindling.verified_domain()
    browser.get(f"/console/domains/{domain['id']}")
    token = browser.page.form("/pause").fields["token"]
    answer = browser.post(f"/console/domains/{domain['id']}/resume", {"token": token, "once": "1"})
    assert (answer.status_code, "Domain is not in paused state" in answer.text) == (409, True)


def test_warming_is_paused_with_a_reason_and_resumed(kindling: Kindling, browser: Browser) -> None:
    domain = kindling.verified_domain()
    browser.get(f"/console/domains/{domain['id']}")
    page = browser.submit("/pause", reason=CANARY)
    assert "Warming is paused." in page.text
    assert is_escaped(page)
    assert kindling.api.get("/v1/domains/acme.example/warming").body["phase"] == "paused"
    assert "Resume warming" in browser.get(f"/console/domains/{domain['id']}").buttons
    page = browser.submit("/resume")
    assert "Warming goes on." in page.text
    assert kindling.api.get("/v1/domains/acme.example/warming").body["phase"] == "phase_1"


def test_what_is_changed_stands_in_the_audit_log_as_a_request_of_the_api(kindling: Kindling, browser: Browser) -> None:
    domain = kindling.verified_domain()
    browser.get(f"/console/domains/{domain['id']}")
    browser.submit("/pause")
    newest = kindling.api.get("/v1/audit").body["entries"][0]
    assert (newest["method"], newest["route"]) == ("POST", "/v1/domains/{domain_id}/warming/pause")
    assert newest["key_id"] == kindling.api.key.split("_")[2]


def test_a_form_that_is_sent_twice_acts_once(kindling: Kindling, browser: Browser) -> None:
    domain = kindling.verified_domain()
    browser.get(f"/console/domains/{domain['id']}")
    form = browser.page.form("/pause")
    answers = [browser.post(form.action, form.fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(kindling.api.get("/v1/domains/acme.example/warming/history").body["history"]) == 2


def test_a_key_that_may_only_read_sees_what_the_api_shows_it_and_no_button(
    kindling: Kindling, outside: Browser
) -> None:
    account = kindling.account()
    outside.sign_in(kindling.reader.key)
    paths = [*SECTIONS, f"domains/{account['domain_id']}", f"accounts/{account['id']}"]
    statuses = {path: outside.get(f"/console/{path}").status for path in paths}
    assert statuses == dict.fromkeys(paths, 200) | dict.fromkeys(OF_ADMINS, 403)
    for path in paths:
        page = outside.get(f"/console/{path}")
        assert page.changes == set(), path
        assert not {f"/console/{section}" for section in OF_ADMINS} & set(page.links), path


def test_the_server_refuses_what_a_key_may_not_whatever_is_offered(kindling: Kindling, outside: Browser) -> None:
    account = kindling.account()
    outside.sign_in(kindling.reader.key)
    token = outside.page.form("sign-out").fields["token"]
    ids = {
        "domain_id": account["domain_id"],
        "account_id": account["id"],
        "email": "pat@example.com",
        "key_id": "k" * 16,
    }
    for path in routes.FORMS:
        sent = {"token": token, "once": "1", "domain": "other.example", "email": "a@b.example", "username": "pat"}
        answer = outside.post(f"/console/{path.format(**ids, webhook_id='w')}", sent)
        assert (answer.status_code, "This API key lacks the scope" in answer.text) == (403, True), path
    assert kindling.api.get("/v1/domains").body["domains"][0]["domain"] == "acme.example"


def test_a_key_that_may_not_read_is_told_so(kindling: Kindling, outside: Browser) -> None:
    page = outside.sign_in(issue(kindling.user_id, ["send"]))
    assert (page.status, "lacks the scope" in page.text) == (403, True)


def test_a_test_key_sees_the_tenants_rows_and_is_offered_nothing_that_reaches_a_provider(
    kindling: Kindling, outside: Browser
) -> None:
    account = kindling.account()
    outside.sign_in(kindling.test_api.key)
    for path in (*SECTIONS, f"domains/{account['domain_id']}", f"accounts/{account['id']}"):
        assert {action for action in outside.get(f"/console/{path}").changes if "/keys" not in action} == set()


def test_nothing_of_another_tenant_is_shown_or_changed(kindling: Kindling, outside: Browser) -> None:
    account = kindling.account()
    operation = kindling.api(
        "POST", "/api/email/domains", {"domain": "two.example"}, headers={"prefer": "respond-async"}
    )
    webhook = kindling.api.post("/v1/webhooks", {"url": "https://hooks.example.com/"}).body["webhook"]["id"]
    outside.sign_in(kindling.other.key)
    ids = {
        "domain_id": account["domain_id"],
        "account_id": account["id"],
        "operation_id": operation.body["operation"]["id"],
        "webhook_id": webhook,
        "key_id": kindling.api.key.split("_")[2],
        "email_id": "x",
        "email": "pat@example.com",
    }
    token = outside.page.form("sign-out").fields["token"]
    shown = {path: outside.get(f"/console/{path.format(**ids)}").status for path in routes.PAGES if "{" in path}
    assert shown == dict.fromkeys(shown, 404)
    acted = {
        path: outside.post(f"/console/{path.format(**ids)}", {"token": token, "once": "1"}).status_code
        for path in routes.FORMS
        if "{" in path
    }
    assert acted == dict.fromkeys(acted, 404)
    for path in SECTIONS:
        page = outside.get(f"/console/{path}")
        assert not re.search("acme|two.example|hooks.example", page.text), path


def test_a_message_is_shown_with_what_became_of_each_recipient(kindling: Kindling, browser: Browser) -> None:
    sender(kindling)
    sent = send(kindling, "pat@example.com", subject=CANARY, tags=["<b>"])
    page = browser.get("/console/messages")
    assert is_escaped(page)
    page = browser.get(f"/console/messages/{sent['id']}")
    assert is_escaped(page)
    assert "pat@example.com" in page.text
    assert "No message fits these filters." in browser.get("/console/messages", status="bounced").text
    assert "The request is not valid: since" in browser.get("/console/messages", since="yesterday").text


def test_a_key_is_made_and_shown_once_and_revoked(kindling: Kindling, browser: Browser) -> None:
    browser.get("/console/keys")
    page = browser.submit("/console/keys", name=CANARY, environment="live")
    found = re.search(r"kd_live_[a-z0-9]{16}_[\w-]{43}", page.text)
    assert found
    assert is_escaped(page)
    page = browser.get("/console/keys")
    assert found[0] not in page.text
    page = browser.submit(f"/{found[0].split('_')[2]}/revoke")
    assert "The key is revoked." in page.text


def test_the_last_key_that_can_make_keys_is_not_revoked_here(kindling: Kindling, browser: Browser) -> None:
    browser.get("/console/keys")
    page = browser.submit(f"/{kindling.api.key.split('_')[2]}/revoke")
    assert (page.status, "This is the last active live key" in page.text) == (409, True)


def test_a_webhook_is_made_and_its_deliveries_are_shown(kindling: Kindling, browser: Browser) -> None:
    browser.get("/console/webhooks")
    page = browser.submit("/console/webhooks", url="https://hooks.example.com/x", events="domain.*, warming.paused")
    assert "whsec_" in page.text
    page = browser.get(next(link for link in browser.page.links if link.startswith("/console/webhooks/")))
    assert "domain.*, warming.paused" in page.text
    assert "There is no delivery in the last 30 days." in page.text
    assert "What was not delivered is sent again." in browser.submit("/replay").text
    assert "The webhook is deleted." in browser.submit("/delete").text


def test_an_address_is_suppressed_found_and_allowed_again(browser: Browser) -> None:
    browser.get("/console/suppressions")
    assert "gets no more mail" in browser.submit("/console/suppressions", email="pat+x@example.com").text
    assert "No suppression fits" in browser.get("/console/suppressions", query="lee").text
    assert "pat+x@example.com" in browser.get("/console/suppressions", query="PAT").text
    assert "may be written to again" in browser.submit("/allow").text


def test_an_account_is_deleted_after_a_question(kindling: Kindling, browser: Browser) -> None:
    account = kindling.account()
    page = browser.get(f"/console/accounts/{account['id']}")
    assert "The address can never be used again." in page.text
    page = browser.submit("/delete")
    assert "It is deleted." in page.text
    assert kindling.api.get(f"/api/email/accounts/{account['id']}").status == 404
    assert "There is no account yet." in browser.get("/console/accounts").text


@pytest.mark.usefixtures("impatient")
def test_a_failed_operation_shows_where_it_failed_and_what_was_undone(kindling: Kindling, browser: Browser) -> None:
    domain = kindling.verified_domain()
    kindling.world.fault("agentmail", "POST", "/v0/inboxes", "refuse", status=400)
    browser.get("/console/accounts")
    page = browser.submit("/console/accounts", username="kim", domain_id=domain["id"])
    page = browser.get(page.response.url.path)
    assert "It failed in the step create inbox" in page.text
    classes = {str(own.get("class")) for tag, own in page.elements if tag == "g"}
    assert classes == {"state done", "state failed", "state ahead", "state passed"}
    assert "Undo reserve address" in page.text
    assert "failed" in browser.get("/console/operations").text


def test_a_step_that_was_retried_is_done_and_shows_its_attempts_and_its_answer(
    kindling: Kindling, browser: Browser
) -> None:
    domain = kindling.verified_domain()
    for numbers, status in (([1, 2], 503), ([3], 500)):
        kindling.world.fault("instantly", "POST", "/api/v2/accounts", "refuse", status=status, calls=numbers)
    browser.get("/console/accounts")
    page = browser.submit("/console/accounts", username="kim", domain_id=domain["id"])
    page = browser.get(page.response.url.path)
    assert "Register warmup account: done, failed attempts: 3 " in page.text
    assert "Attempts 1 to 2: ProviderUnavailable. Instantly answered 503." in page.text
    assert "Attempt 3: ProviderUnavailable. Instantly answered 500. nothing to tell" in page.text
    classes = {str(own.get("class")) for tag, own in page.elements if tag == "g"}
    assert classes == {"state done", "state ahead", "state passed"}


def test_a_list_is_read_in_pages_and_reads_no_more_than_a_page(kindling: Kindling, browser: Browser) -> None:
    for number in range(120):
        issue(kindling.user_id, ["read"])
        kindling.clock.advance(seconds=number % 2)
    with calls() as made:
        page = browser.get("/console/keys")
    assert made.count("Query") == 1
    seen = page.text.count("valid")
    while "Next page" in page.text:
        page = browser.get(next(link for link in page.links if "cursor=" in link))
        assert page.text.count("valid") <= 50
        seen += page.text.count("valid")
    assert seen == 121
    assert browser.get("/console/keys", cursor="nonsense").status == 400


def test_running_operations_are_followed_and_finished_ones_are_not(kindling: Kindling, browser: Browser) -> None:
    def follows(page: Page) -> bool:
        return any("data-live" in own for _, own in page.elements)

    done = browser.submit("/console/domains", domain="acme.example")
    assert not follows(browser.get(done.response.url.path))
    domain = kindling.api.get("/api/email/domains", skip_sync="true").body["domains"][0]
    assert domain["status"] == "verifying"
    page = browser.get(f"/console/domains/{domain['id']}")
    assert follows(page)
    assert page.response.url.path in page.links


def test_what_the_gate_refused_is_a_cross_in_the_picture_and_a_number_in_the_table(
    kindling: Kindling, browser: Browser
) -> None:
    account = sender(kindling)
    path = f"/console/domains/{account['domain_id']}"
    assert "Nothing has been sent yet." in browser.get(path).text
    assert kindling.api.post("/v1/send", email(6)).status == 429
    page = browser.get(path)
    assert "Nothing has been sent yet." not in page.text
    assert "refused at least (crosses)" in page.text
    assert "2026-03-01: at least 6 refused" in page.text
    assert "2026-03-01 Recipients 0 Daily limit 50 Refused, at least 6 " in page.text
    assert sum(own.get("class") == "refused" for _, own in page.elements) == 1
    send(kindling, "pat@example.com")
    kindling.clock.advance(days=1)
    browser.sign_in(kindling.api.key)
    assert "2026-03-02 Recipients 0 Daily limit 50 Refused, at least 0 " in browser.get(path).text


def test_the_limit_of_a_day_is_kept_with_it_as_far_as_it_is_known(kindling: Kindling, browser: Browser) -> None:
    account = sender(kindling)
    send(kindling, "pat@example.com")
    kindling.clock.advance(days=1)
    invoke("AdvanceWarmingFunction", {})
    kindling.work("JudgeWarmingFunction", "judgements")
    warming = store.get(kindling.user_id, account["domain_id"])
    assert warming
    assert warming.by_provider("2026-03-01")
    # As if the limits had risen after the day was over.
    risen = {"daily_limit": 100, "hourly_limit": 10, "per_minute_limit": 5}
    assert store.adjust(warming, put={"limits": risen})
    warming = store.get(kindling.user_id, account["domain_id"])
    assert warming
    cohorts.keep(warming)
    kept = metrics.last_days(kindling.user_id, account["domain_id"], 2)
    assert [day.limit for day in kept] == [50, None]
    send(kindling, "pat@example.com")
    browser.sign_in(kindling.api.key)
    page = browser.get(f"/console/domains/{account['domain_id']}")
    assert "2026-03-02 Recipients 1 Daily limit 100 " in page.text
    assert "2026-03-01 Recipients 1 Daily limit 50 " in page.text
