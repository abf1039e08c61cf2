"""The audit log on a page: what was asked for, in words, and the filters of the API."""

import pytest

from kindling.console.pages.audit import logged
from local import openapi
from tests.conftest import Kindling, issue
from tests.harness.dynamodb import calls
from tests.harness.pages import Browser

PATH = "/console/audit"


def test_the_log_has_the_routes_that_the_api_logs() -> None:
    assert set(logged()) == {f"{one.method} {one.path}" for one in openapi.routes() if one.audited}
    assert len(set(logged().values())) == len(logged())


def test_a_request_is_told_in_words_with_its_key_its_subject_and_what_became_of_it(
    kindling: Kindling, browser: Browser
) -> None:
    domain = kindling.verified_domain()
    kindling.api.post(f"/v1/domains/{domain['id']}/warming/pause", {})
    page = browser.get(PATH)
    assert f"Pause warming POST /v1/domains/{{domain_id}}/warming/pause About {domain['id']} Key test" in page.text
    assert kindling.api.key.split("_")[2] in page.text
    assert "Outcome done" in page.text
    kindling.api.post(f"/v1/domains/{domain['id']}/warming/pause", {})
    assert "refused not warming" in browser.get(PATH).text
    started = kindling.api.post("/api/email/domains", {"domain": "two.example"}, Prefer="respond-async").body
    page = browser.get(PATH)
    assert "accepted operation" in page.text
    assert f"/console/operations/{started['operation']['id']}" in page.links


def test_an_answer_that_was_given_again_is_told_as_such(kindling: Kindling, browser: Browser) -> None:
    for _ in range(2):
        kindling.api.post("/v1/suppressions", {"email": "pat@example.com"}, Idempotency_Key="s1")
        kindling.clock.advance(seconds=1)
    page = browser.get(PATH)
    assert page.text.count("Suppress an address POST") == 2
    assert page.text.count("done before; answered again") == 1
    assert "pat@example.com" not in page.text


def test_filters_are_those_of_the_api_and_told_when_they_are_wrong(kindling: Kindling, browser: Browser) -> None:
    domain = kindling.verified_domain()
    kindling.api.post("/v1/suppressions", {"email": "pat@example.com"})
    kindling.clock.advance(hours=2)
    kindling.api.post(f"/v1/domains/{domain['id']}/warming/pause", {})
    pausing, suppressing = "Pause warming POST", "Suppress an address POST"
    for query, seen in (
        ({}, {pausing, suppressing}),
        ({"what": "POST /v1/suppressions"}, {suppressing}),
        ({"subject": domain["id"]}, {pausing}),
        ({"key_id": kindling.api.key.split("_")[2]}, {pausing, suppressing}),
        ({"key_id": "a" * 16}, set()),
        ({"since": "2026-03-01T10:00Z"}, {pausing}),
        ({"until": "2026-03-01T10:00Z"}, {suppressing}),
    ):
        page = browser.get(PATH, **query)
        assert {text for text in (pausing, suppressing) if text in page.text} == seen, query
    assert "No request fits these filters." in browser.get(PATH, key_id="a" * 16).text
    assert "The request is not valid: since" in browser.get(PATH, since="yesterday").text
    assert "The request is not valid: method" in browser.get(PATH, what="x").text


def test_it_is_read_in_pages_with_the_filters_kept(kindling: Kindling, browser: Browser) -> None:
    for number in range(60):
        kindling.api.post("/v1/suppressions", {"email": f"pat{number}@example.com"})
        kindling.clock.advance(seconds=1)
    with calls() as made:
        page = browser.get(PATH, what="POST /v1/suppressions")
    assert made.count("Query") == 1
    assert page.text.count("Suppress an address POST") == 50
    page = browser.get(next(link for link in page.links if "cursor=" in link))
    assert page.text.count("Suppress an address POST") == 10


@pytest.mark.parametrize("scopes", [["read"], ["read", "provision", "send"]])
def test_only_keys_with_the_scope_admin_see_it(kindling: Kindling, outside: Browser, scopes: list[str]) -> None:
    outside.sign_in(issue(kindling.user_id, scopes))
    page = outside.get(PATH)
    assert (page.status, "lacks the scope 'admin'" in page.text) == (403, True)


def test_another_tenants_requests_are_not_in_it(kindling: Kindling, outside: Browser) -> None:
    kindling.verified_domain()
    kindling.api.post("/v1/suppressions", {"email": "pat@example.com"})
    outside.sign_in(kindling.other.key)
    assert "Nothing has been changed yet." in outside.get(PATH).text
