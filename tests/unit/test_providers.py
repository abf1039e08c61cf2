"""How each provider's answers are translated, section by section of its documentation."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kindling import errors
from kindling.providers import client as provider_client
from kindling.providers.agentmail import AgentMail
from kindling.providers.cloudflare import Cloudflare
from kindling.providers.instantly import Instantly
from kindling.providers.model import (
    DnsRecord,
    Inbox,
    OutgoingMessage,
    WarmupAccount,
    WarmupRegistration,
    Zone,
    ZoneRecord,
)
from kindling.providers.postmaster import Postmaster
from tests.unit.google import FIRST, KEY_FILE, LAST, TOKEN, google_says
from tests.unit.script import Line, Script, answer

ADDRESS = "kim@acme.example"
ZONE = Zone(id="z1", name="acme.example", active=True)
REGISTRATION = WarmupRegistration(
    email=ADDRESS, first_name="Kim", last_name="Lee", mail_secret="am_us_inbox", daily_limit=30
)
SILENCE = httpx.ReadTimeout("silence")
ABSENT = answer(404, {"code": "not_found", "message": "Not found", "statusCode": 404})
INBOX = answer(200, {"inbox_id": ADDRESS, "client_id": "a1"})
FOREIGN_INBOX = answer(200, {"inbox_id": ADDRESS, "client_id": "by-hand"})
DOMAIN = answer(200, {"domain_id": "acme.example", "status": "pending", "records": []})
ACCOUNT = answer(200, {"email": ADDRESS, "warmup_status": 0})

Error = type[errors.KindlingError]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, steady_clock: object) -> Script:
    script = Script()
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(script.handle))
    return script


@pytest.fixture
def mail(script: Script) -> AgentMail:
    return AgentMail("http://agentmail.example", lambda: "am_us_test", 0)


@pytest.fixture
def warmup(script: Script) -> Instantly:
    return Instantly("http://instantly.example", lambda: "inst_test", 0)


@pytest.fixture
def dns(script: Script) -> Cloudflare:
    return Cloudflare("http://cloudflare.example/client/v4", lambda: "cf_test", 0)


def agentmail_says(status: int, code: str | None = None) -> httpx.Response:
    return answer(status, {"message": "Forbidden"} if code is None else {"name": "E", "code": code, "message": "no"})


def instantly_says(status: int, message: str = "no") -> httpx.Response:
    return answer(status, {"statusCode": status, "error": "Error", "message": message})


def cloudflare_says(status: int, code: int) -> httpx.Response:
    failure = {"code": code, "message": "no"}
    return answer(status, {"success": False, "errors": [failure], "messages": [], "result": None})


def asked(script: Script) -> list[str]:
    return [f"{request.method} {request.url.path}" for request in script.asked]


def raised(call: Callable[[], object]) -> Error:
    with pytest.raises(errors.KindlingError) as caught:
        call()
    return type(caught.value)


# --- AgentMail ---

AGENTMAIL = [
    (401, None, errors.KeyRefused),
    (401, "unknown_api_key", errors.KeyRefused),
    (402, None, errors.ProviderMisconfigured),
    (403, None, errors.KeyRefused),
    (403, "forbidden", errors.KeyRefused),
    (403, "missing_permission", errors.KeyRefused),
    (403, "permission_escalation", errors.KeyRefused),
    (403, "unrestricted_key_required", errors.KeyRefused),
    (403, "limit_exceeded", errors.ProviderMisconfigured),
    (403, "message_rejected", errors.ProviderRefused),
    (400, "validation_error", errors.ProviderRefused),
    (409, "conflict", errors.ProviderRefused),
    (409, "cannot_delete", errors.ProviderUnavailable),
    (409, "race_condition", errors.ProviderUnavailable),
    (409, "resource_deleting", errors.ProviderUnavailable),
    (422, "unprocessable", errors.ProviderRefused),
    (429, "rate_limit_exceeded", errors.ProviderUnavailable),
    (500, "internal_error", errors.ProviderUnavailable),
    (503, "service_unavailable", errors.ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "code", "error"), AGENTMAIL)
def test_what_agentmail_refuses_means(
    script: Script, mail: AgentMail, status: int, code: str | None, error: Error
) -> None:
    script.play(agentmail_says(status, code))
    assert raised(lambda: mail.verify_domain("acme.example")) is error
    assert raised(lambda: mail.delete_inbox(ADDRESS)) is error


@pytest.mark.parametrize(
    ("status", "code", "standing", "error"),
    [
        (403, "already_exists", ABSENT, errors.AddressBurnt),
        (403, "resource_taken", ABSENT, errors.AddressBurnt),
        (403, "already_exists", FOREIGN_INBOX, errors.AddressTaken),
        (403, "resource_taken", FOREIGN_INBOX, errors.AddressTaken),
        (403, "domain_not_verified", ABSENT, errors.DomainNotVerified),
        (422, "unprocessable", ABSENT, errors.DomainNotVerified),
        (403, None, ABSENT, errors.KeyRefused),
        (403, "limit_exceeded", ABSENT, errors.ProviderMisconfigured),
        (401, None, ABSENT, errors.KeyRefused),
        (400, "validation_error", ABSENT, errors.ProviderRefused),
        (409, "race_condition", ABSENT, errors.ProviderUnavailable),
    ],
)
def test_what_a_refused_inbox_means(
    script: Script, mail: AgentMail, status: int, code: str | None, standing: Line, error: Error
) -> None:
    script.play(agentmail_says(status, code), standing)
    assert raised(lambda: mail.create_inbox("kim", "acme.example", client_id="a1", display_name=None)) is error


@pytest.mark.parametrize("code", ["already_exists", "resource_taken"])
def test_an_inbox_of_our_own_making_is_adopted(script: Script, mail: AgentMail, code: str) -> None:
    script.play(agentmail_says(403, code), INBOX)
    made = mail.create_inbox("kim", "acme.example", client_id="a1", display_name=None)
    assert made == Inbox(inbox_id=ADDRESS, client_id="a1")


def test_a_message_whose_first_try_still_runs_is_not_refused(script: Script, mail: AgentMail) -> None:
    script.play(answer(409, {"name": "E", "code": "conflict", "message": "still running"}))
    with pytest.raises(errors.ProviderUnavailable, match="still processing") as caught:
        mail.send_message("kim@acme.example", OutgoingMessage(to=["p@example.com"]), idempotency_key="k")
    # It may have been sent.
    assert not caught.value.unreached


def test_an_inbox_is_made_again_after_silence_under_the_same_client_id(script: Script, mail: AgentMail) -> None:
    script.play(SILENCE, INBOX)
    mail.create_inbox("kim", "acme.example", client_id="a1", display_name="Kim Lee")
    wanted = {"username": "kim", "domain": "acme.example", "client_id": "a1", "display_name": "Kim Lee"}
    assert [json.loads(request.content) for request in script.asked] == [wanted, wanted]


@pytest.mark.parametrize("line", [SILENCE, agentmail_says(403, "already_exists"), agentmail_says(409, "conflict")])
def test_a_domain_that_may_have_been_made_is_looked_for_and_not_made_again(
    script: Script, mail: AgentMail, line: Line
) -> None:
    script.play(line, DOMAIN)
    assert mail.create_domain("acme.example").status == "PENDING"
    assert asked(script) == ["POST /v0/domains", "GET /v0/domains/acme.example"]


def test_a_domain_that_was_refused_and_is_not_there_was_refused(script: Script, mail: AgentMail) -> None:
    script.play(agentmail_says(422, "unprocessable"), ABSENT)
    assert raised(lambda: mail.create_domain("acme.example")) is errors.ProviderRefused


def test_a_mail_secret_is_never_made_twice_for_one_call(script: Script, mail: AgentMail) -> None:
    script.play(SILENCE)
    assert raised(lambda: mail.create_mail_secret(ADDRESS, "kindling-warmup")) is errors.ProviderUnavailable
    assert len(script.asked) == 1


@pytest.mark.parametrize("document", [{}, {"api_key": None}, {"api_key": 7}])
def test_a_mail_secret_that_is_not_shown_is_an_unclear_answer(script: Script, mail: AgentMail, document: Any) -> None:
    script.play(answer(200, document))
    assert raised(lambda: mail.create_mail_secret(ADDRESS, "x")) is errors.ProviderUnavailable


def test_only_the_mail_secrets_of_one_name_are_deleted(script: Script, mail: AgentMail) -> None:
    found = [{"api_key_id": "k1", "name": "kindling-warmup"}, {"api_key_id": "k2", "name": "by hand"}]
    script.play(answer(200, {"api_keys": found}), ABSENT)
    mail.delete_mail_secrets(ADDRESS, "kindling-warmup")
    assert asked(script)[1:] == [f"DELETE /v0/inboxes/{ADDRESS}/api-keys/k1"]


@pytest.mark.parametrize("keys", [[{"id": "k1"}], [7], [{"name": "kindling-warmup"}]])
def test_mail_secrets_of_another_shape_are_an_unclear_answer(script: Script, mail: AgentMail, keys: Any) -> None:
    script.play(answer(200, {"api_keys": keys}))
    assert raised(lambda: mail.delete_mail_secrets(ADDRESS, "kindling-warmup")) is errors.ProviderUnavailable


def test_inboxes_and_domains_are_listed_until_there_is_no_token(script: Script, mail: AgentMail) -> None:
    first = {"inboxes": [{"inbox_id": ADDRESS, "client_id": "a1"}], "next_page_token": "t"}
    script.play(answer(200, first), answer(200, {"inboxes": []}))
    assert list(mail.inbox_pages()) == [[Inbox(inbox_id=ADDRESS, client_id="a1")], []]
    script.play(answer(200, {"domains": [{"domain_id": "d", "domain": "Acme.example"}]}))
    assert list(mail.domain_pages()) == [["acme.example"]]
    assert [request.url.params.get("page_token") for request in script.asked] == [None, "t", None]


@pytest.mark.parametrize("broken", [answer(200, {}), answer(200, {"inboxes": [{"id": 1}]}), agentmail_says(403)])
def test_a_listing_that_breaks_off_is_an_error_and_no_short_list(
    script: Script, mail: AgentMail, broken: httpx.Response
) -> None:
    script.play(answer(200, {"inboxes": [], "next_page_token": "t"}), broken)
    with pytest.raises(errors.ProviderError):
        list(mail.inbox_pages())


# --- Instantly ---

INSTANTLY = [
    (400, "Bad Request", errors.ProviderRefused),
    (401, "Unauthorized", errors.KeyRefused),
    (402, "Payment Required", errors.ProviderMisconfigured),
    (403, "Forbidden", errors.KeyRefused),
    (404, "Not found", errors.ProviderRefused),
    (409, "A job is running", errors.WarmupBusy),
    (429, "Too Many Requests", errors.ProviderUnavailable),
    (500, "Internal", errors.ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "message", "error"), INSTANTLY)
def test_what_a_refused_warmup_means(
    script: Script, warmup: Instantly, status: int, message: str, error: Error
) -> None:
    script.play(instantly_says(status, message))
    assert raised(lambda: warmup.enable_warmups([ADDRESS])) is error
    assert raised(lambda: warmup.disable_warmup(ADDRESS)) is error


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (instantly_says(400, "This account has already been added to another workspace"), errors.ProviderRefused),
        (instantly_says(400, "IMAP connection failed: login refused"), errors.MailboxNotReady),
        (instantly_says(401), errors.KeyRefused),
        (instantly_says(402), errors.ProviderMisconfigured),
        (instantly_says(403), errors.KeyRefused),
        (instantly_says(429), errors.ProviderUnavailable),
        (instantly_says(500), errors.ProviderUnavailable),
        (SILENCE, errors.ProviderUnavailable),
        (answer(200, {"error": "ACC_CREATE_FAILED"}), errors.ProviderUnavailable),
    ],
)
def test_an_account_that_was_not_made_was_refused(script: Script, warmup: Instantly, line: Line, error: Error) -> None:
    tries = 3 if isinstance(line, httpx.Response) and line.status_code == 429 else 1
    script.play(*[line] * tries, ABSENT)
    assert raised(lambda: warmup.create_account(REGISTRATION)) is error


@pytest.mark.parametrize("line", [instantly_says(400), instantly_says(409), instantly_says(500), SILENCE])
def test_an_account_that_stands_there_after_all_is_adopted(script: Script, warmup: Instantly, line: Line) -> None:
    script.play(line, ACCOUNT)
    warmup.create_account(REGISTRATION)
    assert asked(script) == ["POST /api/v2/accounts", f"GET /api/v2/accounts/{ADDRESS}"]


def test_a_delete_has_neither_body_nor_content_type(script: Script, warmup: Instantly) -> None:
    script.play(ABSENT)
    warmup.delete_account(ADDRESS)
    (request,) = script.asked
    assert (request.content, request.headers.get("content-type")) == (b"", None)


def test_an_account_that_is_not_there_is_none(script: Script, warmup: Instantly) -> None:
    script.play(ABSENT, ACCOUNT)
    assert warmup.get_account(ADDRESS) is None
    assert warmup.get_account(ADDRESS) == WarmupAccount(email=ADDRESS, warmup_status=0)


def test_a_tag_or_account_that_vanished_is_told(script: Script, warmup: Instantly) -> None:
    script.play(ABSENT)
    assert raised(lambda: warmup.tag_account(ADDRESS, ["t1"])) is errors.TagVanished


def tag(number: int, label: str = "kindling:warmup") -> dict[str, str]:
    return {"id": f"t{number}", "label": label, "timestamp_created": f"2026-03-{number % 28 + 1:02}T00:00:00Z"}


def test_a_tag_that_somebody_made_at_the_same_moment_is_found(script: Script, warmup: Instantly) -> None:
    script.play(instantly_says(409, "A tag with this name already exists."), answer(200, {"items": [tag(7)]}))
    assert warmup.create_tag("kindling:warmup") == "t7"


def test_of_several_tags_with_a_label_the_oldest_is_used_and_none_that_only_looks_like_it(
    script: Script, warmup: Instantly
) -> None:
    first = [tag(0, "kindling:warmup-2")] * 99 + [tag(9)]
    second = [tag(3), tag(1, "Kindling:warmup")]
    script.play(answer(200, {"items": first, "next_starting_after": "c"}), answer(200, {"items": second}))
    assert warmup.find_tag("kindling:warmup") == "t3"
    assert [request.url.params.get("starting_after") for request in script.asked] == [None, "c"]


def test_every_account_is_listed_page_by_page_without_asking_for_a_tag(script: Script, warmup: Instantly) -> None:
    page = {"items": [{"email": f"u{n}@acme.example", "warmup_status": 1} for n in range(100)]}
    script.play(
        answer(200, page | {"next_starting_after": "c"}), answer(200, {"items": [], "next_starting_after": "c"})
    )
    assert [len(accounts) for accounts in warmup.account_pages()] == [100, 0]
    asked = [dict(request.url.params) for request in script.asked]
    assert asked == [{"limit": "100"}, {"limit": "100", "starting_after": "c"}]


# --- Cloudflare ---

CLOUDFLARE = [
    (403, 10000, errors.KeyRefused),
    (403, 9109, errors.KeyRefused),
    (400, 81053, errors.ProviderRefused),
    (400, 81054, errors.ProviderRefused),
    (400, 81056, errors.ProviderRefused),
    (400, 81057, errors.ProviderUnavailable),
    (400, 81058, errors.ProviderUnavailable),
    (404, 81044, errors.ProviderUnavailable),
    (400, 1004, errors.ProviderRefused),
    (429, 971, errors.ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "code", "error"), CLOUDFLARE)
def test_what_a_refused_batch_means(script: Script, dns: Cloudflare, status: int, code: int, error: Error) -> None:
    script.play(cloudflare_says(status, code))
    assert raised(lambda: dns.change(ZONE, add=[], remove=[], comment="")) is error


def test_a_batch_that_may_have_been_carried_out_is_not_sent_again(script: Script, dns: Cloudflare) -> None:
    script.play(SILENCE)
    assert raised(lambda: dns.change(ZONE, add=[], remove=[], comment="")) is errors.ProviderUnavailable
    assert len(script.asked) == 1


def test_the_most_specific_zone_is_the_domains(script: Script, dns: Cloudflare) -> None:
    found = {"id": "z1", "name": "acme.example", "status": "active"}
    script.play(answer(200, {"result": []}), answer(200, {"result": [found]}))
    assert dns.find_zone("mail.acme.example") == ZONE
    assert [request.url.params["name"] for request in script.asked] == ["mail.acme.example", "acme.example"]


def test_zones_are_listed_until_a_page_is_not_full(script: Script, dns: Cloudflare) -> None:
    zones = [{"id": f"z{n}", "name": f"z{n}.example", "status": "active"} for n in range(51)]
    script.play(answer(200, {"result": zones[:50]}), answer(200, {"result": zones[50:]}))
    pages = list(dns.zone_pages())
    assert [len(page) for page in pages] == [50, 1]
    assert pages[1] == [Zone(id="z50", name="z50.example", active=True)]
    assert [request.url.params["page"] for request in script.asked] == ["1", "2"]


def test_only_records_whose_comment_begins_exactly_so_are_ours_to_look_at(script: Script, dns: Cloudflare) -> None:
    found = [
        {"id": f"r{n}", "type": "A", "name": "acme.example", "content": "192.0.2.1", "comment": comment}
        for n, comment in enumerate(("kindling a", "Kindling a", None))
    ]
    script.play(answer(200, {"result": found}))
    assert [record.id for record in dns.list_commented(ZONE, "kindling ")] == ["r0"]
    assert script.asked[0].url.params["comment.startswith"] == "kindling "


def test_a_zone_that_the_token_does_not_see_is_none(script: Script, dns: Cloudflare) -> None:
    script.play(answer(200, {"result": []}))
    assert dns.find_zone("mail.acme.example") is None


@pytest.mark.parametrize(("value", "content"), [("x" * 255, 1), ("x" * 256, 2), ("x" * 600, 3), ('say "hi"', 1)])
def test_a_text_is_written_in_quotes_and_chunks_and_read_back_as_it_was(
    script: Script, dns: Cloudflare, value: str, content: int
) -> None:
    wanted = DnsRecord(type="TXT", name="mail.acme.example", value=value)
    dns.change(ZONE, add=[wanted], remove=[ZoneRecord(id="r1", type="TXT", name="x", value="y")], comment="kindling d1")
    sent = json.loads(script.asked[0].content)
    (post,) = sent["posts"]
    assert (sent["deletes"], post["comment"], post["ttl"]) == ([{"id": "r1"}], "kindling d1", 1)
    assert post["content"].count('" "') == content - 1
    script.play(answer(200, {"result": [{"id": "r2", **post}]}))
    (read,) = dns.list_records(ZONE, "acme.example")
    assert read.value == value


def test_only_records_at_the_domain_and_below_are_its_own(script: Script, dns: Cloudflare) -> None:
    names = ["acme.example", "MAIL.acme.example", "notacme.example", "example"]
    script.play(answer(200, {"result": [{"id": n, "type": "A", "name": n, "content": "192.0.2.7"} for n in names]}))
    assert [record.name for record in dns.list_records(ZONE, "acme.example")] == ["acme.example", "mail.acme.example"]


@pytest.mark.parametrize("result", [[7], [{"id": "r1"}], [{"id": "r1", "type": "A", "name": "acme.example"}]])
def test_records_of_another_shape_are_an_unclear_answer(script: Script, dns: Cloudflare, result: Any) -> None:
    script.play(answer(200, {"result": result}))
    assert raised(lambda: dns.list_records(ZONE, "acme.example")) is errors.ProviderUnavailable


@pytest.mark.parametrize("result", [[7], [{"name": "acme.example"}]])
def test_zones_of_another_shape_are_an_unclear_answer(script: Script, dns: Cloudflare, result: Any) -> None:
    script.play(answer(200, {"result": result}))
    assert raised(lambda: dns.find_zone("acme.example")) is errors.ProviderUnavailable


# --- Postmaster Tools ---

POSTMASTER = [
    (400, None, errors.ProviderRefused),
    (401, None, errors.KeyRefused),
    (401, "ACCESS_TOKEN_EXPIRED", errors.KeyRefused),
    (402, None, errors.ProviderMisconfigured),
    (403, "SERVICE_DISABLED", errors.ProviderMisconfigured),
    (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", errors.ProviderMisconfigured),
    (429, "RATE_LIMIT_EXCEEDED", errors.ProviderUnavailable),
    (500, None, errors.ProviderUnavailable),
    (503, None, errors.ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "reason", "error"), POSTMASTER)
def test_what_postmaster_tools_refuse_means(
    script: Script, cloud: None, status: int, reason: str | None, error: Error
) -> None:
    reputation = Postmaster("http://postmaster.example", lambda: KEY_FILE)
    script.play(TOKEN, google_says(status, reason))
    assert raised(lambda: reputation.daily("acme.example", FIRST, LAST)) is error
