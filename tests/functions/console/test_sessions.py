"""Who gets into the console and for how long, and what a form has to bring."""

import re

import pytest

from kindling.console import session
from kindling.keys import authentication
from kindling.platform.settings import settings
from tests.conftest import EVERYTHING, Kindling, issue
from tests.harness.cases import Gateway
from tests.harness.pages import Browser, attribute

DOMAINS, SIGN_IN = "/console/domains", "/console/sign-in"
EXAMPLES = [DOMAINS, "/console/keys", "/console/operations/x", "/console"]


def cookie(browser: Browser) -> str:
    return str(browser.client.cookies[session.COOKIE])


@pytest.mark.parametrize("path", EXAMPLES)
def test_who_has_no_session_is_asked_to_sign_in(outside: Browser, path: str) -> None:
    page = outside.get(path)
    assert (page.status, page.response.url.path) == (200, SIGN_IN)


def test_a_key_opens_the_console_and_is_not_in_the_cookie(kindling: Kindling, outside: Browser) -> None:
    outside.get(SIGN_IN)
    response = outside.post(SIGN_IN, {"api_key": f" {kindling.api.key}\n"})
    assert (response.status_code, response.headers["location"]) == (303, DOMAINS)
    sent = response.headers["set-cookie"]
    assert set(re.split("; ", sent)[1:]) == {"HttpOnly", "Max-Age=28800", "Path=/console", "SameSite=strict"}
    assert kindling.api.key not in sent
    assert kindling.api.key.rpartition("_")[2] not in sent
    assert outside.get("/console").response.url.path == DOMAINS
    assert outside.get(SIGN_IN).response.url.path == DOMAINS


def test_the_cookie_is_sent_over_tls_only_unless_the_browser_talks_to_its_own_machine(
    kindling: Kindling, gateway: Gateway
) -> None:
    for origin, secure in (("https://abc.execute-api.us-east-1.amazonaws.com", True), ("http://localhost:8791", False)):
        browser = Browser(gateway, origin)
        sent = browser.post(SIGN_IN, {"api_key": kindling.api.key}).headers["set-cookie"]
        assert ("; Secure" in sent) is secure


@pytest.mark.parametrize("text", ["", "nonsense", f"kd_live_{'a' * 16}_{'b' * 43}"])
def test_what_is_no_key_is_told_so_and_its_failures_count_as_those_of_the_api(
    kindling: Kindling, outside: Browser, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILED_AUTHENTICATIONS_PER_MINUTE", "2")
    settings.cache_clear()
    answers = [outside.post(SIGN_IN, {"api_key": text}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert authentication.REFUSED in answers[0].text
    assert session.COOKIE not in outside.client.cookies
    # One budget for both.
    assert kindling.api("GET", "/v1/domains", headers={"authorization": "Bearer kd_live_x"}).status == 429


def test_a_session_ends_after_eight_hours_and_not_before(kindling: Kindling, browser: Browser) -> None:
    kindling.clock.advance(seconds=session.SECONDS - 1)
    assert browser.get(DOMAINS).response.url.path == DOMAINS
    kindling.clock.advance(seconds=1)
    assert browser.get(DOMAINS).response.url.path == SIGN_IN
    assert session.COOKIE not in browser.client.cookies


def test_a_session_ends_with_its_key(kindling: Kindling, outside: Browser) -> None:
    key = issue(kindling.user_id, EVERYTHING)
    outside.sign_in(key)
    assert outside.page.response.url.path == DOMAINS
    assert kindling.api("DELETE", f"/api/keys/{key.split('_')[2]}").status == 200
    kindling.clock.advance(seconds=authentication.CACHE_SECONDS)
    assert outside.get(DOMAINS).response.url.path == SIGN_IN


def test_a_cookie_that_was_changed_or_was_sealed_elsewhere_opens_nothing(kindling: Kindling, browser: Browser) -> None:
    sealed = cookie(browser)
    middle = len(sealed) // 2
    for text in (
        "",
        "x",
        sealed[:-8],
        sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :],
    ):
        browser.client.cookies.clear()
        browser.client.cookies.set(session.COOKIE, text, domain="127.0.0.1", path="/console")
        assert browser.get(DOMAINS).response.url.path == SIGN_IN
    assert session.unseal("ü") is None


def test_signing_out_forgets_the_cookie(browser: Browser) -> None:
    page = browser.submit("sign-out")
    assert page.response.url.path == SIGN_IN
    assert session.COOKIE not in browser.client.cookies
    assert browser.get(DOMAINS).response.url.path == SIGN_IN


def test_a_form_needs_the_token_of_its_own_session(kindling: Kindling, browser: Browser, gateway: Gateway) -> None:
    other = Browser(gateway)
    other.sign_in(kindling.api.key)
    stranger = other.page.form(DOMAINS).fields["token"]
    for token in ("", "x", stranger, "ü\ud7ff"):
        answer = browser.post(DOMAINS, {"domain": "acme.example", "token": token, "once": "1"})
        assert (answer.status_code, "not one of your session" in answer.text) == (403, True)
    assert kindling.api.get("/v1/domains").body["domains"] == []
    assert browser.post("/console/sign-out", {"token": stranger}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://127.0.0.1:8791.evil.example"])
def test_a_form_of_another_site_is_refused_whatever_it_brings(
    kindling: Kindling, browser: Browser, origin: str
) -> None:
    fields = browser.page.form(DOMAINS).fields | {"domain": "acme.example"}
    for path, sent in ((DOMAINS, fields), (SIGN_IN, {"api_key": kindling.api.key}), ("/console/sign-out", fields)):
        answer = browser.post(path, sent, origin=origin)
        assert (answer.status_code, "another site" in answer.text) == (403, True), path
    assert kindling.api.get("/v1/domains").body["domains"] == []


def test_every_page_may_load_from_its_own_origin_alone_and_stands_in_no_frame(browser: Browser) -> None:
    for path in (DOMAINS, SIGN_IN, "/console/nothing", "/console/domains/x"):
        headers = browser.client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-request-id"] == "request-1"


def test_a_page_has_neither_scripts_nor_styles_nor_handlers_within(browser: Browser) -> None:
    page = browser.page
    assert [own for tag, own in page.elements if tag == "script" and not own.get("src")] == []
    assert [own for _, own in page.elements if any(name == "style" or name.startswith("on") for name in own)] == []
    loaded = [*attribute(page, "script", "src"), *attribute(page, "link", "href")]
    assert all(path.startswith("/console/assets/") for path in loaded)


def test_files_are_kept_by_the_browser_and_change_their_address_with_their_content(browser: Browser) -> None:
    for path in attribute(browser.page, "link", "href"):
        answer = browser.client.get(path)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        etag = answer.headers["etag"]
        assert etag.strip('"') == path.partition("?v=")[2]
        assert browser.client.get(path, headers={"if-none-match": etag}).status_code == 304
    assert browser.client.get("/console/assets/app.py").status_code == 404
    assert browser.client.get("/console/assets/__init__.py").status_code == 404


def test_what_no_page_has_is_a_page_that_says_so(browser: Browser) -> None:
    for method, path, status in (
        ("GET", "/console/nothing", 404),
        ("PUT", DOMAINS, 405),
        ("GET", "/console/domains/", 404),
        ("POST", "/console/domains/x/explode", 404),
    ):
        answer = browser.client.request(method, path, headers={"origin": browser.origin})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


def test_a_form_has_a_size_and_is_readable(browser: Browser) -> None:
    answer = browser.post(DOMAINS, {"domain": "x" * 20_001})
    assert answer.status_code == 413
    headers = {"origin": browser.origin, "content-type": "application/x-www-form-urlencoded"}
    assert browser.client.post(DOMAINS, content=b"domain=%ff%fe\xff", headers=headers).status_code == 400
