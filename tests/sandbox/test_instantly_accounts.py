"""Accounts are created only when the login to their mailbox succeeds, and are identified by address."""

from typing import Any

import httpx
import pytest

from tests.sandbox.resources import inbox, login_body, mailbox_key, warm_account


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"statusCode", "error", "message"}
    assert body["statusCode"] == answer.status_code
    return answer.status_code, str(body["message"])


@pytest.fixture
def address(agentmail: httpx.Client) -> str:
    return inbox(agentmail, username="kim")


def test_an_account_is_identified_by_its_address(agentmail: httpx.Client, instantly: httpx.Client) -> None:
    address = warm_account(agentmail, instantly, "kim+a")
    account = instantly.get(f"/accounts/{address}").json()
    assert (account["email"], account["first_name"], account["provider_code"]) == (address, "Kim", 1)
    assert (account["status"], account["warmup_status"]) == (1, 0)
    assert not [name for name in account if name.startswith(("imap_", "smtp_"))]
    required = {
        "timestamp_created",
        "timestamp_updated",
        "organization",
        "setup_pending",
        "is_managed_account",
    }
    assert required < set(account)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first_name": ...}, "body must have required property 'first_name'"),
        ({"nickname": "kim"}, "body must NOT have additional properties"),
        ({"imap_port": "993"}, "body/imap_port must be number"),
        ({"provider_code": 7}, "body/provider_code must be equal to one of the allowed values"),
        ({"warmup": {"increment": 1}}, "body/warmup/increment must be equal to one of the allowed values"),
        ({"warmup": {"advanced": {"x": 1}}}, "body/warmup/advanced must NOT have additional properties"),
    ],
)
def test_an_invalid_body_is_refused_with_the_path_of_the_field(
    agentmail: httpx.Client, instantly: httpx.Client, address: str, changes: dict[str, Any], message: str
) -> None:
    body = login_body(address, mailbox_key(agentmail, address), **changes)
    fitting = {name: value for name, value in body.items() if value is not ...}
    assert refusal(instantly.post("/accounts", json=fitting)) == (400, message)


def test_the_mailbox_login_needs_a_valid_key_of_the_inbox(
    agentmail: httpx.Client, instantly: httpx.Client, address: str
) -> None:
    other = inbox(agentmail, username="lee")
    for key in ("am_us_organisation", mailbox_key(agentmail, other)):
        status, message = refusal(instantly.post("/accounts", json=login_body(address, key)))
        assert status == 400
        assert "IMAP connection failed" in message
    created = agentmail.post(f"/inboxes/{address}/api-keys", json={}).json()
    agentmail.delete(f"/inboxes/{address}/api-keys/{created['api_key_id']}")
    assert instantly.post("/accounts", json=login_body(address, created["api_key"])).status_code == 400


@pytest.mark.parametrize(
    ("changes", "protocol"),
    [
        ({"imap_host": "imap.else.test"}, "IMAP"),
        ({"imap_port": 143}, "IMAP"),
        ({"imap_username": "lee@agentmail.to"}, "IMAP"),
        ({"smtp_port": 25}, "SMTP"),
        ({"smtp_password": "am_us_other"}, "SMTP"),
    ],
)
def test_a_wrong_login_is_refused(
    agentmail: httpx.Client, instantly: httpx.Client, address: str, changes: dict[str, Any], protocol: str
) -> None:
    body = login_body(address, mailbox_key(agentmail, address), **changes)
    status, message = refusal(instantly.post("/accounts", json=body))
    assert (status, message.partition(":")[0]) == (400, f"{protocol} connection failed")


def test_a_mail_server_can_be_made_to_fail(
    admin: httpx.Client, agentmail: httpx.Client, instantly: httpx.Client, address: str
) -> None:
    body = login_body(address, mailbox_key(agentmail, address))
    admin.post("/settings", json={"imap_failures": [address]})
    assert instantly.post("/accounts", json=body).status_code == 400
    admin.post("/settings", json={"imap_failures": []})
    assert instantly.post("/accounts", json=body).status_code == 200


def test_the_same_account_twice_is_a_bad_request(
    agentmail: httpx.Client, instantly: httpx.Client, address: str
) -> None:
    body = login_body(address, mailbox_key(agentmail, address))
    instantly.post("/accounts", json=body).raise_for_status()
    message = "This account has already been added to this or a different workspace"
    assert refusal(instantly.post("/accounts", json=body)) == (400, message)


def test_an_account_whose_inbox_was_deleted_cannot_connect(agentmail: httpx.Client, instantly: httpx.Client) -> None:
    address = warm_account(agentmail, instantly)
    agentmail.delete(f"/inboxes/{address}")
    assert instantly.get(f"/accounts/{address}").json()["status"] == -1


def test_a_delete_has_no_body_and_no_content_type(
    admin: httpx.Client, agentmail: httpx.Client, instantly: httpx.Client
) -> None:
    before = admin.get("/inventory").json()["instantly"]
    address = warm_account(agentmail, instantly)
    path = f"/accounts/{address}"
    with_body = instantly.request("DELETE", path, json={})
    announced = instantly.delete(path, headers={"Content-Type": "application/json"})
    assert refusal(with_body) == refusal(announced) == (400, "body must be null")
    assert instantly.delete(path).json()["email"] == address
    assert instantly.delete(path).status_code == 404
    assert admin.get("/inventory").json()["instantly"] == before


def test_an_account_is_changed_partly(agentmail: httpx.Client, instantly: httpx.Client) -> None:
    path = f"/accounts/{warm_account(agentmail, instantly)}"
    changed = instantly.patch(path, json={"daily_limit": 20, "warmup": {"limit": 10}}).json()
    assert (changed["daily_limit"], changed["warmup"], changed["last_name"]) == (20, {"limit": 10}, "Lee")
    assert instantly.patch(path, json={"email": "other@agentmail.to"}).status_code == 400


def test_accounts_are_paged_and_a_full_page_has_a_cursor(agentmail: httpx.Client, instantly: httpx.Client) -> None:
    addresses = [warm_account(agentmail, instantly, f"kim{number}") for number in range(4)]
    seen: list[str] = []
    params: dict[str, str] = {"limit": "2"}
    while items := (page := instantly.get("/accounts", params=params).json())["items"]:
        seen += [item["email"] for item in items]
        params["starting_after"] = page["next_starting_after"]
    assert seen == addresses[::-1]
    assert instantly.get("/accounts", params={"limit": "101"}).status_code == 400


def test_accounts_are_found_by_words_and_tags(agentmail: httpx.Client, instantly: httpx.Client) -> None:
    kim, lee = (warm_account(agentmail, instantly, name) for name in ("kim", "lee"))
    tag = instantly.post("/custom-tags", json={"label": "kindling"}).json()
    toggle = {"tag_ids": [tag["id"]], "resource_ids": [lee], "resource_type": 1, "assign": True}
    instantly.post("/custom-tags/toggle-resource", json=toggle).raise_for_status()

    def found(**params: str) -> list[str]:
        return [item["email"] for item in instantly.get("/accounts", params=params).json()["items"]]

    assert found(search="KIM@") == [kim]
    assert found(tag_ids=tag["id"]) == [lee]
    assert found(search="nobody") == []


def test_a_missing_or_foreign_key_is_refused(instantly: httpx.Client) -> None:
    for token in ("", "Bearer", "Bearer am_us_x"):
        answer = instantly.get("/accounts", headers={"Authorization": token})
        assert refusal(answer)[0] == 401


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"", None, 400),
        (b"{}", "text/plain", 415),
    ],
)
def test_a_body_other_than_a_json_object_is_refused(
    instantly: httpx.Client, content: bytes, content_type: str | None, status: int
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert refusal(instantly.post("/accounts", content=content, headers=headers))[0] == status


def test_an_unknown_route_is_not_found(instantly: httpx.Client) -> None:
    assert refusal(instantly.get("/nothing")) == (404, "Route GET:/api/v2/nothing not found")
