"""Inboxes: idempotency, burnt addresses, delayed visibility and deletion, and their API keys."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from kindling.platform import clock
from tests.sandbox.resources import Time, inbox, mailbox_key, verified_domain


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_the_same_client_id_returns_the_first_inbox(agentmail: httpx.Client) -> None:
    first = agentmail.post("/inboxes", json={"username": "Kim", "client_id": "acct-1"}).json()
    again = agentmail.post("/inboxes", json={"username": "lee", "client_id": "acct-1"})
    assert again.status_code == 200
    assert again.json() == first
    assert first["inbox_id"] == first["email"] == "kim@agentmail.to"


def test_an_inbox_without_a_name_gets_one(agentmail: httpx.Client) -> None:
    first, second = inbox(agentmail), inbox(agentmail)
    assert first != second
    assert first.endswith("@agentmail.to")
    assert agentmail.get(f"/inboxes/{first}").json()["display_name"] == "AgentMail"


@pytest.mark.parametrize("path", ["kim+a@agentmail.to", "kim+a%40agentmail.to", "KIM%2Ba@AgentMail.to"])
def test_an_address_in_the_path_may_be_encoded_in_every_way(agentmail: httpx.Client, path: str) -> None:
    inbox(agentmail, username="kim+a")
    assert agentmail.get(f"/inboxes/{path}").json()["email"] == "kim+a@agentmail.to"


def test_an_inbox_needs_a_verified_domain(agentmail: httpx.Client) -> None:
    agentmail.post("/domains", json={"domain": "acme.example"})
    answer = agentmail.post("/inboxes", json={"username": "kim", "domain": "acme.example"})
    assert refusal(answer) == (403, "domain_not_verified")


def test_an_address_in_use_is_refused_with_suggestions(agentmail: httpx.Client) -> None:
    inbox(agentmail, username="kim")
    inbox(agentmail, username="kim1")
    answer = agentmail.post("/inboxes", json={"username": "kim"})
    assert refusal(answer) == (403, "already_exists")
    assert answer.json()["name"] == "AlreadyExistsError"
    assert answer.json()["suggestions"] == ["kim2", "kim3", "kim4"]


def test_an_address_of_another_organisation_is_taken(admin: httpx.Client, agentmail: httpx.Client) -> None:
    admin.post("/settings", json={"taken_addresses": ["Kim@agentmail.to"]})
    answer = agentmail.post("/inboxes", json={"username": "kim"})
    assert refusal(answer) == (403, "resource_taken")
    assert answer.json()["message"] == "Inbox is taken"


@pytest.mark.parametrize("code", ["resource_taken", "already_exists"])
def test_a_deleted_address_stays_burnt(admin: httpx.Client, agentmail: httpx.Client, code: str) -> None:
    admin.post("/settings", json={"burnt_code": code})
    address = inbox(agentmail, username="kim", client_id="acct-1")
    assert agentmail.delete(f"/inboxes/{address}").status_code == 202
    assert refusal(agentmail.get(f"/inboxes/{address}")) == (404, "not_found")
    again = agentmail.post("/inboxes", json={"username": "kim", "client_id": "acct-1"})
    assert refusal(again) == (403, code)


def test_a_new_inbox_may_not_be_found_for_a_while(admin: httpx.Client, agentmail: httpx.Client, time: Time) -> None:
    admin.post("/settings", json={"inbox_visible_seconds": 2})
    address = inbox(agentmail, username="kim", client_id="acct-1")
    assert agentmail.get(f"/inboxes/{address}").status_code == 404
    assert agentmail.get("/inboxes").json()["count"] == 0
    assert inbox(agentmail, client_id="acct-1") == address
    time.advance(seconds=2)
    assert agentmail.get(f"/inboxes/{address}").status_code == 200


def test_a_slow_delete_is_accepted_and_ends_later(admin: httpx.Client, agentmail: httpx.Client, time: Time) -> None:
    admin.post("/settings", json={"inbox_delete_seconds": 5})
    address = inbox(agentmail, username="kim", client_id="acct-1")
    mailbox_key(agentmail, address)
    assert agentmail.delete(f"/inboxes/{address}").status_code == 202
    assert agentmail.delete(f"/inboxes/{address}").status_code == 202
    assert agentmail.get(f"/inboxes/{address}").status_code == 200
    assert refusal(agentmail.patch(f"/inboxes/{address}", json={"display_name": "K"}))[0] == 409
    again = agentmail.post("/inboxes", json={"client_id": "acct-1"})
    assert refusal(again) == (409, "resource_deleting")
    assert len(admin.get("/inventory").json()["agentmail"]["inboxes"]) == 1
    time.advance(seconds=5)
    stands = admin.get("/inventory").json()["agentmail"]
    assert stands["inboxes"] == stands["api_keys"] == []


def test_a_patch_merges_metadata(agentmail: httpx.Client) -> None:
    address = inbox(agentmail, username="kim", metadata={"a": "1", "b": True})
    path = f"/inboxes/{address}"
    assert agentmail.patch(path, json={"metadata": {"a": None, "c": 2}}).json()["metadata"] == {
        "b": True,
        "c": 2,
    }
    assert "metadata" not in agentmail.patch(path, json={"metadata": None}).json()
    assert agentmail.patch(path, json={"status": "paused"}).json()["status"] == "paused"
    assert "status" not in agentmail.patch(path, json={"status": "active"}).json()
    assert agentmail.patch(path, json={"display_name": "Kim"}).json()["display_name"] == "Kim"
    assert refusal(agentmail.patch(path, json={})) == (400, "validation_error")


@pytest.mark.parametrize(
    "body",
    [
        {"client_id": "kim@acme.example"},
        {"client_id": "x" * 257},
        {"username": "kim lee"},
        {"display_name": 3},
        {"nickname": "kim"},
        {"metadata": {"a": ["list"]}},
    ],
)
def test_an_invalid_inbox_is_refused(agentmail: httpx.Client, body: dict[str, Any]) -> None:
    assert refusal(agentmail.post("/inboxes", json=body)) == (400, "validation_error")


def test_broken_json_is_a_bad_request(agentmail: httpx.Client) -> None:
    assert refusal(agentmail.post("/inboxes", content=b"{")) == (400, "validation_error")


def test_lists_are_paged_newest_first(agentmail: httpx.Client) -> None:
    addresses = [inbox(agentmail, username=f"kim{number}") for number in range(5)]
    seen: list[str] = []
    params: dict[str, str] = {"limit": "2"}
    while True:
        page = agentmail.get("/inboxes", params=params).json()
        assert page["count"] == len(page["inboxes"])
        seen += [item["inbox_id"] for item in page["inboxes"]]
        if "next_page_token" not in page:
            break
        params["page_token"] = page["next_page_token"]
    assert seen == addresses[::-1]
    ascending = agentmail.get("/inboxes", params={"ascending": "true", "limit": 1}).json()
    assert ascending["inboxes"][0]["inbox_id"] == addresses[0]


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "-1"}, {"page_token": "nonsense"}])
def test_an_invalid_page_is_refused(agentmail: httpx.Client, params: dict[str, str]) -> None:
    assert refusal(agentmail.get("/inboxes", params=params)) == (400, "validation_error")


def test_errors_of_the_gateway_have_no_code(agentmail: httpx.Client) -> None:
    del agentmail.headers["authorization"]
    missing = agentmail.get("/inboxes")
    assert (missing.status_code, missing.json()) == (401, {"message": "Unauthorized"})
    unknown = agentmail.get("/inboxes", headers={"Authorization": "Bearer sk_1"})
    assert (unknown.status_code, unknown.json()) == (403, {"message": "Forbidden"})


def test_an_unknown_route_is_not_found(agentmail: httpx.Client) -> None:
    answer = agentmail.get("/nothing")
    assert refusal(answer) == (404, "not_found")
    assert answer.json()["message"] == "Route not found"


def test_a_key_of_one_inbox_finds_nothing_else(agentmail: httpx.Client) -> None:
    own, other = inbox(agentmail, username="kim"), inbox(agentmail, username="lee")
    key = mailbox_key(agentmail, own)
    assert key.startswith("am_us_")
    assert len(key) == len("am_us_") + 64
    headers = {"Authorization": f"Bearer {key}"}
    assert agentmail.get(f"/inboxes/{own}", headers=headers).status_code == 200
    for path in (f"/inboxes/{other}", "/inboxes", "/domains"):
        assert refusal(agentmail.get(path, headers=headers)) == (404, "not_found")


def test_a_keys_secret_is_shown_once(admin: httpx.Client, agentmail: httpx.Client) -> None:
    address = inbox(agentmail, username="kim")
    created = agentmail.post(f"/inboxes/{address}/api-keys", json={"name": "warmup"}).json()
    assert created["prefix"] == created["api_key"][:12]
    listed = agentmail.get(f"/inboxes/{address}/api-keys").json()["api_keys"]
    assert [(key["api_key_id"], key["name"]) for key in listed] == [(created["api_key_id"], "warmup")]
    assert "api_key" not in listed[0]
    assert admin.get("/inventory").json()["agentmail"]["api_keys"][0]["api_key"] == created["api_key"]


def test_a_deleted_key_is_refused(agentmail: httpx.Client) -> None:
    address = inbox(agentmail, username="kim")
    created = agentmail.post(f"/inboxes/{address}/api-keys", json={}).json()
    path = f"/inboxes/{address}/api-keys/{created['api_key_id']}"
    assert agentmail.delete(path).status_code == 204
    assert refusal(agentmail.delete(path)) == (404, "not_found")
    answer = agentmail.get(f"/inboxes/{address}", headers={"Authorization": f"Bearer {created['api_key']}"})
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


def test_a_key_has_the_permissions_it_was_given_until_it_expires(agentmail: httpx.Client, time: Time) -> None:
    address = inbox(agentmail, username="kim")
    body = {
        "permissions": {"inbox_read": True},
        "expires_at": clock.timestamp(time.now + timedelta(hours=1)),
    }
    key = agentmail.post(f"/inboxes/{address}/api-keys", json=body).json()["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert agentmail.get(f"/inboxes/{address}", headers=headers).status_code == 200
    refused = agentmail.get(f"/inboxes/{address}/messages", headers=headers)
    assert refusal(refused) == (403, "missing_permission")
    time.advance(seconds=3600)
    assert agentmail.get(f"/inboxes/{address}", headers=headers).status_code == 403
    late = agentmail.post(f"/inboxes/{address}/api-keys", json=body)
    assert refusal(late) == (400, "validation_error")


def test_creating_and_deleting_leaves_the_inventory_as_it_was(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client
) -> None:
    verified_domain(admin, agentmail, cloudflare)
    before = admin.get("/inventory").json()
    address = inbox(agentmail, username="kim", domain="acme.example")
    mailbox_key(agentmail, address)
    agentmail.post(f"/inboxes/{address}/messages/send", json={"to": "you@else.test"}).raise_for_status()
    assert admin.get("/inventory").json() != before
    agentmail.delete(f"/inboxes/{address}")
    assert admin.get("/inventory").json() == before
