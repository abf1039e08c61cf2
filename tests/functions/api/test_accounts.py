"""The routes of /api/email/accounts."""

import itertools
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kindling.accounts import store, warmup
from kindling.accounts.model import CreateAccount
from kindling.accounts.model import username as validated
from kindling.errors import StoreUnavailable
from kindling.platform import aws
from kindling.platform.transitions import Graph
from local.sandbox.agentmail.inboxes import USERNAME as SANDBOX_USERNAME
from tests.conftest import Kindling

ACCOUNTS = "/api/email/accounts"
FIELDS = {
    "id", "user_id", "type", "domain_id", "email_address", "agentmail_inbox_id", "instantly_account_id", "status",
    "warmup_status", "display_name", "first_name", "last_name", "signature", "instantly_tag_id",
    "instantly_warmup_tag_id", "daily_limit", "warmup_enabled", "warmup_reason", "created_at", "updated_at",
    "email_domains",
}  # fmt: skip
ENABLE = ("instantly", "POST", "/api/v2/accounts/warmup/enable")


def stuck(kindling: Kindling) -> dict[str, Any]:
    """An account whose warmup could not be enabled."""
    kindling.world.fault(*ENABLE, "refuse", status=500)
    account = kindling.account()
    kindling.world.heal()
    assert (account["status"], account["warmup_status"]) == ("pending", "not_started")
    return account


def retry(kindling: Kindling, account: dict[str, Any]) -> Any:
    return kindling.api.patch(f"{ACCOUNTS}/{account['id']}/retry-warmup")


def enables(kindling: Kindling) -> int:
    account = kindling.world.inventory()["instantly"]["accounts"][0]
    return int(account["warmup_status"] == 1)


def test_an_account_has_every_field_of_the_contract(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    body = {"username": " Kim.Lee ", "domain_id": domain["id"].upper(), "first_name": "Kim", "last_name": "Lee"}
    account = kindling.api.post(ACCOUNTS, body).body["account"]
    assert set(account) == FIELDS
    assert account["email_address"] == account["agentmail_inbox_id"] == "kim.lee@acme.example"
    assert account["display_name"] == "Kim Lee"
    assert account["type"] == "email"
    assert account["daily_limit"] == 30
    assert account["email_domains"] == {"id": domain["id"], "domain": "acme.example", "status": "verified"}
    assert account["instantly_tag_id"] != account["instantly_warmup_tag_id"]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"first_name": "Kim"}, "Kim"),
        ({"last_name": "Lee"}, "Lee"),
        ({"first_name": " Kim ", "last_name": "Lee"}, "Kim Lee"),
        ({"display_name": "Sales", "first_name": "Kim"}, "Sales"),
        ({"display_name": "", "first_name": "Kim"}, "Kim"),
        ({}, None),
    ],
)
def test_the_display_name_is_derived_where_it_is_not_given(
    kindling: Kindling, names: dict[str, str], shown: str | None
) -> None:
    body = {"username": "kim", "domain_id": kindling.verified_domain()["id"], **names}
    assert kindling.api.post(ACCOUNTS, body).body["account"]["display_name"] == shown


@pytest.mark.parametrize(
    "name",
    ["", " ", "kim lee", "kim@acme", "kim+1", "é", ".kim", "kim.", "-kim", "kim_", "_", "k..m", "x" * 65, None, 7],
)
def test_a_username_that_no_mail_server_would_take_is_refused(kindling: Kindling, name: object) -> None:
    body = {"username": name, "domain_id": kindling.verified_domain()["id"]}
    reply = kindling.api.post(ACCOUNTS, body)
    assert reply.status == 400
    assert [field["field"] for field in reply.body["fields"]] == ["username"]


def test_every_username_that_is_taken_is_one_that_the_mail_provider_takes() -> None:
    letters = "a9.-_+K\N{KELVIN SIGN}"
    taken = []
    for length in (1, 2, 3, 4):
        for letters_of_name in itertools.product(letters, repeat=length):
            try:
                taken.append(validated("".join(letters_of_name)))
            except ValueError:
                continue
    assert {"a", "k", "a.k", "a-_k"} <= set(taken)
    assert all(re.fullmatch(SANDBOX_USERNAME, name) for name in taken)
    assert validated("x" * 64) == "x" * 64


def test_a_username_may_have_64_characters() -> None:
    wanted = {"username": "X" * 64, "domain_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}
    assert CreateAccount.model_validate(wanted).username == "x" * 64


@pytest.mark.parametrize("domain_id", ["", "acme.example", "3c90c3cc", None])
def test_a_domain_id_that_is_no_uuid_is_refused(kindling: Kindling, domain_id: object) -> None:
    reply = kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": domain_id})
    assert reply.status == 400
    assert [field["field"] for field in reply.body["fields"]] == ["domain_id"]


def test_a_domain_that_is_not_verified_takes_no_accounts(kindling: Kindling) -> None:
    domain = kindling.api.post("/api/email/domains", {"domain": "acme.example"}).body["domain"]
    reply = kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]})
    assert (reply.status, reply.body["error"]) == (400, "domain_not_verified")
    assert kindling.world.inventory()["agentmail"]["inboxes"] == []


def test_another_tenants_domain_is_not_found(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    reply = kindling.other.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]})
    assert (reply.status, reply.body["error"]) == (404, "not_found")


def test_accounts_are_listed_newest_first_with_their_domains(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    for username in ("one", "two"):
        kindling.account(username, domain)
        kindling.clock.advance(seconds=1)
    listed = kindling.api.get(ACCOUNTS).body["accounts"]
    assert [account["email_address"] for account in listed] == ["two@acme.example", "one@acme.example"]
    assert all(account["email_domains"]["domain"] == "acme.example" for account in listed)
    assert kindling.other.get(ACCOUNTS).body == {"accounts": []}


def test_one_account_is_read_as_it_was_created(kindling: Kindling) -> None:
    account = kindling.account()
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body == {"account": account}


def test_a_stuck_warmup_is_retried_to_warming(kindling: Kindling) -> None:
    account = stuck(kindling)
    reply = retry(kindling, account)
    assert reply.status == 200
    assert (reply.body["account"]["status"], reply.body["account"]["warmup_status"]) == ("warming", "warming")
    assert enables(kindling) == 1


def test_a_warmup_that_was_enabled_before_counts_as_success(kindling: Kindling) -> None:
    kindling.world.set(warmup_job_seconds=600)
    account = kindling.account()
    kindling.clock.advance(seconds=700)
    kindling.world.fault(*ENABLE, "refuse", status=400)
    assert retry(kindling, account).status == 200


def test_a_second_retry_finds_the_gate_shut(kindling: Kindling) -> None:
    account = stuck(kindling)
    retry(kindling, account)
    reply = retry(kindling, account)
    assert (reply.status, reply.body["error"]) == (409, "warmup_not_retryable")
    assert (reply.body["status"], reply.body["warmup_status"]) == ("warming", "warming")


def test_a_provider_that_refuses_leaves_the_row_unchanged(kindling: Kindling) -> None:
    account = stuck(kindling)
    kindling.world.fault(*ENABLE, "refuse", status=400)
    reply = retry(kindling, account)
    assert (reply.status, reply.body["error"]) == (502, "provider_refused")
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account
    kindling.world.heal()
    assert retry(kindling, account).status == 200


def test_a_busy_provider_is_a_passing_refusal(kindling: Kindling) -> None:
    account = stuck(kindling)
    kindling.world.fault(*ENABLE, "refuse", status=409)
    reply = retry(kindling, account)
    assert (reply.status, reply.body["error"]) == (502, "warmup_busy")


def test_a_warmup_that_is_not_confirmed_in_time_is_a_passing_refusal(kindling: Kindling) -> None:
    account = stuck(kindling)
    kindling.world.set(warmup_job_seconds=60)
    began = kindling.clock.at
    reply = retry(kindling, account)
    assert (reply.status, reply.body["error"]) == (502, "warmup_unconfirmed")
    assert timedelta(seconds=12) <= kindling.clock.at - began <= timedelta(seconds=12.5)
    kindling.clock.advance(seconds=60)
    assert retry(kindling, account).status == 200


def test_a_row_that_cannot_be_written_is_told_in_the_contracts_words(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = stuck(kindling)

    def broken(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr(Graph, "swap", broken)
        reply = retry(kindling, account)
    assert reply.status == 500
    assert reply.body["message"] == "Warmup was enabled but failed to update account status"
    # A retry is possible immediately.
    assert retry(kindling, account).status == 200


def test_while_one_retry_runs_another_is_a_conflict(kindling: Kindling) -> None:
    account = stuck(kindling)
    row = store.get(kindling.user_id, account["id"])
    assert row is not None
    assert store.start_retry(row, "2026-03-01T09:00:00.000Z", "2030-01-01T00:00:00.000Z")
    reply = retry(kindling, account)
    assert (reply.status, reply.body["error"]) == (409, "warmup_retry_running")
    assert enables(kindling) == 0


def test_a_retry_that_died_blocks_nobody_for_long(kindling: Kindling) -> None:
    account = stuck(kindling)
    row = store.get(kindling.user_id, account["id"])
    assert row is not None
    from kindling.platform import clock

    assert store.start_retry(row, clock.timestamp(), clock.timestamp(clock.now()))
    kindling.clock.advance(seconds=1)
    assert retry(kindling, account).status == 200


def test_a_retry_that_died_halfway_blocks_others_for_35_seconds(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(BaseException):
        """Lambda ends a function that takes too long, and asks nobody."""

    def stop(_address: str, *, within_seconds: float) -> None:
        raise Stopped

    account = stuck(kindling)
    began = kindling.clock.at
    with monkeypatch.context() as patch:
        patch.setattr(warmup, "enable", stop)
        with pytest.raises(Stopped):
            retry(kindling, account)
    kindling.clock.at = began + timedelta(seconds=35)
    assert retry(kindling, account).body["error"] == "warmup_retry_running"
    kindling.clock.advance(milliseconds=1)
    assert retry(kindling, account).status == 200


def test_a_retry_is_leased_only_for_an_account_that_is_pending(kindling: Kindling) -> None:
    account = kindling.account()
    row = store.get(kindling.user_id, account["id"])
    assert row
    assert not store.start_retry(row, "2026-03-01T09:00:00.000Z", "2030-01-01T00:00:00.000Z")


def test_a_lease_is_given_back_by_its_holder_alone(kindling: Kindling) -> None:
    account = stuck(kindling)
    row = store.get(kindling.user_id, account["id"])
    assert row
    now, until = "2026-03-01T09:00:00.000Z", "2030-01-01T00:00:00.000Z"
    assert store.start_retry(row, now, until)
    store.end_retry(row, "2029-01-01T00:00:00.000Z")
    assert not store.start_retry(row, now, until)
    store.end_retry(row, until)
    assert retry(kindling, account).status == 200
    items = [item for item in aws.table().scan()["Items"] if item["sk"] == f"ACCOUNT#{account['id']}"]
    assert ["retrying_until" in item for item in items] == [False]


def test_a_retry_registers_an_account_that_somebody_removed_at_the_provider(kindling: Kindling) -> None:
    account = stuck(kindling)
    headers = {"Authorization": "Bearer inst_test"}
    url = f"http://sandbox/api/v2/accounts/{account['email_address']}"
    assert kindling.world.sandbox.handle(httpx.Request("DELETE", url, headers=headers)).is_success
    assert retry(kindling, account).status == 200


TAG_IDS = ("instantly_tag_id", "instantly_warmup_tag_id")


def delete_tags(kindling: Kindling) -> None:
    for tag in kindling.world.inventory()["instantly"]["tags"]:
        url = f"http://sandbox/api/v2/custom-tags/{tag['id']}"
        request = httpx.Request("DELETE", url, headers={"Authorization": "Bearer inst_test"})
        assert kindling.world.sandbox.handle(request).is_success


def carried(kindling: Kindling) -> list[str]:
    """The tags that the one account carries at the provider."""
    address = kindling.world.inventory()["instantly"]["accounts"][0]["email"]
    url = f"http://sandbox/api/v2/custom-tag-mappings?resource_ids={address}"
    request = httpx.Request("GET", url, headers={"Authorization": "Bearer inst_test"})
    return sorted(mapping["tag_id"] for mapping in kindling.world.sandbox.handle(request).json()["items"])


def test_a_retry_keeps_tags_that_are_there(kindling: Kindling) -> None:
    account = stuck(kindling)
    after = retry(kindling, account).body["account"]
    assert [after[name] for name in TAG_IDS] == [account[name] for name in TAG_IDS]
    assert carried(kindling) == sorted(after[name] for name in TAG_IDS)


def test_a_retry_restores_tags_that_were_deleted(kindling: Kindling) -> None:
    account = stuck(kindling)
    delete_tags(kindling)
    after = retry(kindling, account).body["account"]
    assert {after[name] for name in TAG_IDS}.isdisjoint(account[name] for name in TAG_IDS)
    assert carried(kindling) == sorted(after[name] for name in TAG_IDS)
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == after


def test_the_login_of_a_warmup_goes_with_it_though_the_inbox_stays(kindling: Kindling) -> None:
    kindling.account()
    warmup.unregister("kim@acme.example")
    held = kindling.world.inventory()
    assert (held["instantly"]["accounts"], held["agentmail"]["api_keys"]) == ([], [])
    assert [inbox["inbox_id"] for inbox in held["agentmail"]["inboxes"]] == ["kim@acme.example"]


def test_tags_go_with_the_last_account_that_has_them(kindling: Kindling) -> None:
    account = kindling.account()
    warmup.remove_tags("lee@acme.example", kindling.user_id)
    assert carried(kindling) == sorted(account[name] for name in TAG_IDS)
    warmup.remove_tags("kim@acme.example", kindling.user_id)
    assert kindling.world.inventory()["instantly"]["tags"] == []


def test_a_retry_assigns_tags_that_were_never_assigned(kindling: Kindling) -> None:
    account = stuck(kindling)
    delete_tags(kindling)
    key = {"pk": f"TENANT#{kindling.user_id}", "sk": f"ACCOUNT#{account['id']}"}
    aws.table().update_item(Key=key, UpdateExpression=f"REMOVE {', '.join(TAG_IDS)}")
    after = retry(kindling, account).body["account"]
    assert carried(kindling) == sorted(after[name] for name in TAG_IDS)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/v2/custom-tags"), ("POST", "/api/v2/custom-tags/toggle-resource")]
)
@pytest.mark.parametrize("fault", ["refuse", "timeout_after"])
def test_a_warmup_that_runs_is_told_though_its_tags_cannot_be_assigned(
    kindling: Kindling, method: str, path: str, fault: str
) -> None:
    account = stuck(kindling)
    delete_tags(kindling)
    details: dict[str, Any] = {"status": 400} if fault == "refuse" else {}
    kindling.world.fault("instantly", method, path, fault, **details)
    reply = retry(kindling, account)
    assert (reply.status, reply.body["account"]["status"], enables(kindling)) == (200, "warming", 1)
    # Whether there are any is not known: the row names none.
    assert [reply.body["account"][name] for name in TAG_IDS] == [None, None]
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == reply.body["account"]


def test_a_retry_that_is_refused_leaves_the_tags_alone(kindling: Kindling) -> None:
    account = stuck(kindling)
    delete_tags(kindling)
    kindling.world.fault(*ENABLE, "refuse", status=400)
    assert retry(kindling, account).status == 502
    assert kindling.world.inventory()["instantly"]["tags"] == []
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account


def test_a_test_key_retries_nothing(kindling: Kindling) -> None:
    account = stuck(kindling)
    assert kindling.test_api.patch(f"{ACCOUNTS}/{account['id']}/retry-warmup").status == 403
    assert enables(kindling) == 0


def test_rows_hold_no_secret(kindling: Kindling) -> None:
    kindling.account()
    text = str(aws.table().scan()["Items"])
    assert "am_us_" not in text
    assert "inst_test" not in text
