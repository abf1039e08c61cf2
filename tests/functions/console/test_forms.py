"""How a form reaches the API: where its request goes, for how long, and what is said when no answer comes."""

import httpx
import pytest

from kindling.console import api
from kindling.console.api import Unanswered, ask, origin_of
from kindling.events import store as webhooks
from kindling.keys import store
from kindling.platform import clock
from tests.conftest import EVERYTHING, Clock, Kindling, issue
from tests.harness.cases import Gateway
from tests.harness.pages import Browser, Page

AWS = "https://abc.execute-api.us-east-1.amazonaws.com"
DOMAINS, KEYS = "/console/domains", "/console/keys"


class Line:
    """The way to the API: it notes every request, and may lose the answers or put one of its own in their place."""

    def __init__(self, gateway: Gateway) -> None:
        self.requests: list[httpx.Request] = []
        self.instead: httpx.Response | type[httpx.TransportError] | None = None
        self.arrives = True
        self._gateway = gateway

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._gateway(request) if self.arrives else httpx.Response(500)
        if isinstance(self.instead, httpx.Response):
            return self.instead
        if self.instead:
            raise self.instead("lost", request=request)
        return answer


@pytest.fixture
def line(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line(gateway)
    monkeypatch.setattr(api, "transport", lambda: httpx.MockTransport(made))
    return made


def test_the_key_goes_to_the_name_that_the_browser_asked_for(kindling: Kindling, gateway: Gateway, line: Line) -> None:
    browser = Browser(gateway, AWS)
    browser.client.headers["x-forwarded-host"] = "evil.example"
    browser.sign_in(kindling.api.key)
    once = browser.page.form(DOMAINS).fields["once"]
    browser.submit(DOMAINS, domain="acme.example")
    (request,) = line.requests
    assert (request.method, str(request.url)) == ("POST", f"{AWS}/api/email/domains")
    assert request.headers["authorization"] == f"Bearer {kindling.api.key}"
    assert (request.headers["idempotency-key"], request.headers["prefer"]) == (once, "respond-async")
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("abc.execute-api.us-east-1.amazonaws.com", AWS),
        ("mail.example.com", "https://mail.example.com"),
        ("127.0.0.1:8791", "http://127.0.0.1:8791"),
        ("127.0.0.1.evil.example:80", "https://127.0.0.1.evil.example:80"),
    ],
)
def test_only_this_machine_is_asked_without_tls(name: str, origin: str) -> None:
    assert origin_of({"requestContext": {"domainName": name}}) == origin


def test_an_id_stays_one_part_of_the_path(browser: Browser, line: Line) -> None:
    token = browser.page.form(DOMAINS).fields["token"]
    for path in ("suppressions/a%3Fb%23c@example.com/allow", "suppressions/%2E%2E/allow", "webhooks/%2E/delete"):
        assert browser.post(f"/console/{path}", {"token": token, "once": "1"}).status_code == 404
    assert [request.url.raw_path for request in line.requests] == [b"/v1/suppressions/a%3Fb%23c%40example.com"]


@pytest.mark.parametrize(
    "instead",
    [
        httpx.ReadTimeout,
        httpx.ConnectError,
        httpx.RemoteProtocolError,
        httpx.Response(503, json={"message": "Service Unavailable"}),
        httpx.Response(429, json={"message": "Too Many Requests"}),
        httpx.Response(307, headers={"location": "https://evil.example/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(409, json={"error": "request_running", "message": "It runs."}),
    ],
    ids=str,
)
def test_what_is_no_answer_of_the_api_is_told_as_not_known(
    browser: Browser, line: Line, instead: httpx.Response | type[httpx.TransportError]
) -> None:
    line.instead, line.arrives = instead, False
    page = browser.submit(DOMAINS, domain="acme.example")
    assert (page.status, "It is not known whether this was done" in page.text) == (504, True)
    assert DOMAINS in page.links
    assert len(line.requests) == 1


def again(browser: Browser, line: Line, action: str, **fields: str) -> Page:
    """Submit a form whose answer is lost, and then the form of the page that says so."""
    line.instead = httpx.ReadTimeout
    page = browser.submit(action, **fields)
    assert page.buttons == {"Sign out", "Send it again"}
    line.instead = None
    return browser.submit(action)


def test_a_form_whose_answer_was_lost_acts_once_when_it_is_sent_again(
    kindling: Kindling, browser: Browser, line: Line
) -> None:
    browser.get(KEYS)
    assert "kd_live_" in again(browser, line, KEYS, name="ci", environment="live").text
    assert [key["name"] for key in kindling.api.get("/api/keys").body["keys"]].count("ci") == 1
    domain = kindling.verified_domain()
    browser.get(f"{DOMAINS}/{domain['id']}")
    assert "Warming is paused." in again(browser, line, "/pause", reason="holidays").text
    assert len(kindling.api.get("/v1/domains/acme.example/warming/history").body["history"]) == 2
    page = again(browser, line, "/delete")
    assert "It is deleted." in page.text
    assert kindling.api.get("/v1/domains").body["domains"] == []


def test_what_makes_something_makes_one_when_its_answer_was_lost(
    kindling: Kindling, browser: Browser, line: Line
) -> None:
    read = kindling.api.get
    browser.get(DOMAINS)
    assert "Onboard domain of two.example" in again(browser, line, DOMAINS, domain="two.example").text
    kindling.verified_domain()
    browser.get("/console/accounts")
    assert "Provision account of kim@" in again(browser, line, "/console/accounts", username="kim").text
    browser.get("/console/webhooks")
    assert "whsec_" in again(browser, line, "/console/webhooks", url="https://hooks.example.com/").text
    assert len(read("/api/email/domains", skip_sync="true").body["domains"]) == 2
    assert len(read("/api/email/accounts").body["accounts"]) == 1
    (webhook,) = read("/v1/webhooks").body["webhooks"]
    browser.get(f"/console/webhooks/{webhook['id']}")
    assert "whsec_" in again(browser, line, "/rotate", overlap_hours="24").text
    rotated = webhooks.get(kindling.user_id, webhook["id"])
    assert rotated
    assert rotated.generation == 2
    made = kindling.api.post("/api/keys", {"name": "ci"}).body["key"]
    browser.get(KEYS)
    again(browser, line, f"/{made['id']}/rotate", overlap_hours="24")
    assert [key["rotated_from"] for key in read("/api/keys").body["keys"]].count(made["id"]) == 1


def test_a_key_that_has_ended_is_refused_before_the_api_is_asked(
    kindling: Kindling, outside: Browser, line: Line
) -> None:
    key = issue(kindling.user_id, EVERYTHING)
    form = outside.sign_in(key).form(DOMAINS)
    # By another environment: this one has the key in its cache.
    store.revoke(key.split("_")[2], clock.timestamp())
    answer = outside.post(form.action, form.fields | {"domain": "acme.example"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert line.requests == []


@pytest.mark.usefixtures("gateway")
def test_the_api_has_the_time_that_is_left_to_the_console(steady_clock: Clock, line: Line) -> None:
    request = {"api_key": "k", "idempotency_key": "1", "body": None}
    with clock.deadline(29):
        ask(AWS, "GET", "/healthz", **request)  # type: ignore[arg-type]
    timeout = line.requests[0].extensions["timeout"]
    assert (timeout["connect"], timeout["read"]) == (3.0, 25.0)
    with clock.deadline(4.5):
        ask(AWS, "GET", "/healthz", **request)  # type: ignore[arg-type]
    with clock.deadline(4.4), pytest.raises(Unanswered):
        ask(AWS, "GET", "/healthz", **request)  # type: ignore[arg-type]
    assert len(line.requests) == 2
