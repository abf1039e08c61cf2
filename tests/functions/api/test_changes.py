"""Changing accounts and domains, and reading a domain's zone."""

from typing import Any

import pytest

from tests.conftest import Kindling

ACCOUNTS, DOMAINS = "/api/email/accounts", "/api/email/domains"


def at_instantly(kindling: Kindling) -> Any:
    return kindling.world.inventory()["instantly"]["accounts"][0]


def test_a_signature_goes_to_the_provider_first_with_its_line_breaks(kindling: Kindling) -> None:
    account = kindling.account()
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"signature": "Kim\nLee\r\n%first_name%"})
    assert reply.status == 200
    assert reply.body["account"]["signature"] == "Kim\nLee\r\n%first_name%"
    assert at_instantly(kindling)["signature"] == "Kim<br>Lee<br>%first_name%"
    assert reply.body["account"]["updated_at"] >= account["updated_at"]


def test_an_empty_signature_clears_it(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"signature": "Kim"})
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"signature": ""})
    assert reply.body["account"]["signature"] is None
    assert at_instantly(kindling)["signature"] == " "


def test_names_are_changed_at_both_providers(kindling: Kindling) -> None:
    account = kindling.account()
    names = {"display_name": "Sales", "first_name": "Kim", "last_name": "Lee"}
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", names)
    assert {name: reply.body["account"][name] for name in names} == names
    assert (at_instantly(kindling)["first_name"], at_instantly(kindling)["last_name"]) == ("Kim", "Lee")
    assert kindling.world.inventory()["agentmail"]["inboxes"][0]["display_name"] == "Sales"


@pytest.mark.parametrize("fault", ["refuse", "drop_answer"])
def test_a_provider_that_refuses_leaves_the_row_untouched(kindling: Kindling, fault: str) -> None:
    account = kindling.account()
    details = {"status": 400} if fault == "refuse" else {}
    kindling.world.fault("instantly", "PATCH", "/api/v2/accounts/*", fault, **details)
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", {"signature": "new"})
    assert reply.status == 502
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account


PROFILE = ("instantly", "PATCH", "/api/v2/accounts/*")
INBOX = ("agentmail", "PATCH", "/v0/inboxes/*")
SWITCH = ("instantly", "POST", "/api/v2/accounts/warmup/disable")


def at_providers(kindling: Kindling) -> list[Any]:
    """What a change may change there."""
    warmup, inbox = at_instantly(kindling), kindling.world.inventory()["agentmail"]["inboxes"][0]
    names = ("first_name", "last_name", "signature", "warmup_status")
    return [*(warmup.get(name) for name in names), inbox.get("display_name")]


def named_account(kindling: Kindling) -> dict[str, Any]:
    account = kindling.account()
    names = {"signature": "Kim\nLee", "display_name": "Sales", "first_name": "Kim", "last_name": "Lee"}
    changed: dict[str, Any] = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", names).body["account"]
    return changed


CHANGE = {"signature": "new", "first_name": "Pat", "display_name": "Help", "warmup_enabled": False}


@pytest.mark.parametrize(
    ("refused", "failed"),
    [(PROFILE, ["signature", "first_name"]), (INBOX, ["display_name"]), (SWITCH, ["warmup_enabled"])],
)
def test_a_change_that_one_provider_refuses_is_put_back_at_the_other(
    kindling: Kindling, refused: tuple[str, str, str], failed: list[str]
) -> None:
    account = named_account(kindling)
    before = at_providers(kindling)
    kindling.world.fault(*refused, "refuse", status=422)
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", CHANGE)
    assert (reply.status, reply.body["error"]) == (502, "provider_refused")
    assert (reply.body["applied"], reply.body["failed"]) == ([], failed)
    assert at_providers(kindling) == before
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account


@pytest.mark.parametrize(
    ("refused", "again", "applied"),
    [
        (INBOX, PROFILE, ["signature", "first_name"]),
        (SWITCH, PROFILE, ["signature", "first_name"]),
        (SWITCH, INBOX, ["display_name"]),
    ],
)
def test_what_cannot_be_put_back_is_told_and_stays_out_of_the_row(
    kindling: Kindling, refused: tuple[str, str, str], again: tuple[str, str, str], applied: list[str]
) -> None:
    account = named_account(kindling)
    kindling.world.fault(*refused, "refuse", status=422)
    kindling.world.fault(*again, "refuse", status=422, calls=[2])
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", CHANGE)
    assert (reply.status, reply.body["applied"]) == (502, applied)
    assert (at_providers(kindling)[4] == "Help") is ("display_name" in applied)
    assert (at_providers(kindling)[2] == "new") is ("signature" in applied)
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account
    kindling.world.heal()
    changed = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", CHANGE).body["account"]
    assert {name: changed[name] for name in CHANGE} == CHANGE
    assert at_providers(kindling)[0::2] == ["Pat", "new", "Help"]


def test_a_name_that_was_never_given_is_put_back_to_the_one_it_was_registered_with(kindling: Kindling) -> None:
    account = kindling.account()
    before = at_providers(kindling)
    assert (account["first_name"], before[0]) == (None, "kim")
    kindling.world.fault(*INBOX, "refuse", status=422)
    change = {"first_name": "Pat", "last_name": "Poe", "display_name": "Help"}
    assert kindling.api.patch(f"{ACCOUNTS}/{account['id']}", change).status == 502
    assert at_providers(kindling) == before


def test_a_busy_warmup_takes_the_whole_change_back(kindling: Kindling) -> None:
    account = named_account(kindling)
    before = at_providers(kindling)
    kindling.world.fault(*SWITCH, "refuse", status=409)
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", CHANGE)
    assert (reply.status, reply.body["error"]) == (502, "warmup_busy")
    assert (reply.body["applied"], at_providers(kindling)) == ([], before)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"warmup_enabled": None},
        {"status": "active"},
        {"signature": 7},
        {"signature": "x" * 10_001},
        {"daily_limit": 9},
    ],
)
def test_what_cannot_be_changed_is_refused(kindling: Kindling, body: dict[str, Any]) -> None:
    account = kindling.account()
    reply = kindling.api.patch(f"{ACCOUNTS}/{account['id']}", body)
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account


def test_a_domains_status_can_be_overridden_and_the_next_word_of_the_provider_wins(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    path = f"{DOMAINS}/{domain['id']}"
    for status in ("failed", "pending", "verifying"):
        assert kindling.api.patch(path, {"status": status}).body["domain"]["status"] == status
        assert kindling.api.get(path).body["domain"]["status"] == status
    assert kindling.api.get(DOMAINS).body["domains"][0]["status"] == "verified"


@pytest.mark.parametrize("status", ["verified", "nonsense", "", None])
def test_nobody_but_the_provider_verifies_a_domain(kindling: Kindling, status: object) -> None:
    domain = kindling.api.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    reply = kindling.api.patch(f"{DOMAINS}/{domain['id']}", {"status": status})
    assert (reply.status, reply.body["fields"][0]["field"]) == (400, "status")
    assert kindling.api.get(f"{DOMAINS}/{domain['id']}").body["domain"] == domain


def test_overriding_a_status_asks_no_provider(kindling: Kindling) -> None:
    domain = kindling.api.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    for provider, path in (("agentmail", "/v0/*"), ("cloudflare", "/client/v4/*"), ("instantly", "/api/v2/*")):
        for method in ("GET", "POST"):
            kindling.world.fault(provider, method, path, "refuse", status=500)
    assert kindling.api.patch(f"{DOMAINS}/{domain['id']}", {"status": "failed"}).status == 200


def test_the_zone_is_shown_as_it_stands(kindling: Kindling) -> None:
    domain = kindling.api.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    shown = kindling.api.get(f"{DOMAINS}/{domain['id']}/dns-records").body
    assert set(shown) == {"domain", "cloudflare", "records"}
    assert shown["domain"] == {"id": domain["id"], "domain": "acme.example", "status": "verifying"}
    assert shown["cloudflare"]["checked"] is True
    assert (shown["cloudflare"]["zoneName"], shown["cloudflare"]["error"]) == ("acme.example", None)
    assert {r["name"] for r in shown["records"]} == {r["name"] for r in domain["dns_records"]}
    assert all(set(r) == {"id", "type", "name", "value", "priority", "ttl", "proxied"} for r in shown["records"])


def test_an_unreachable_dns_provider_is_still_a_200(kindling: Kindling) -> None:
    domain = kindling.api.post(DOMAINS, {"domain": "acme.example"}).body["domain"]
    kindling.world.fault("cloudflare", "GET", "/client/v4/*", "timeout_after")
    reply = kindling.api.get(f"{DOMAINS}/{domain['id']}/dns-records")
    assert reply.status == 200
    assert (reply.body["cloudflare"]["checked"], reply.body["records"]) == (False, [])
    assert reply.body["cloudflare"]["error"]


def test_a_zone_that_is_not_bound_to_the_tenant_is_told_as_such(kindling: Kindling) -> None:
    domain = kindling.api.post(DOMAINS, {"domain": "external-acme.example"}).body["domain"]
    reply = kindling.api.get(f"{DOMAINS}/{domain['id']}/dns-records")
    assert (reply.status, reply.body["cloudflare"]["checked"]) == (200, False)
    assert "not bound to you" in reply.body["cloudflare"]["error"]
