"""Custom tags: labels are unique, and assigning is idempotent."""

from typing import Any

import httpx
import pytest

from tests.sandbox.resources import warm_account


@pytest.fixture
def tag(instantly: httpx.Client) -> dict[str, Any]:
    made: dict[str, Any] = instantly.post("/custom-tags", json={"label": " kindling "}).json()
    return made


def toggle(instantly: httpx.Client, tag_id: str, *emails: str, assign: bool = True) -> httpx.Response:
    body = {"tag_ids": [tag_id], "resource_ids": emails, "resource_type": 1, "assign": assign}
    return instantly.post("/custom-tags/toggle-resource", json=body)


def test_a_label_is_trimmed_and_unique(instantly: httpx.Client, tag: dict[str, Any]) -> None:
    assert tag["label"] == "kindling"
    again = instantly.post("/custom-tags", json={"label": "kindling"})
    assert (again.status_code, again.json()["message"]) == (409, "A tag with this name already exists.")
    for body in ({"label": " "}, {"label": ""}, {"label": "a", "color": "red"}, {}):
        assert instantly.post("/custom-tags", json=body).status_code == 400


def test_tags_are_searched_by_part_of_their_label(instantly: httpx.Client, tag: dict[str, Any]) -> None:
    other = instantly.post("/custom-tags", json={"label": "kindling-old", "description": "old"}).json()
    assert instantly.get("/custom-tags", params={"search": "KINDLING"}).json()["items"] == [other, tag]
    assert instantly.get("/custom-tags", params={"search": "old"}).json()["items"] == [other]
    assert instantly.get(f"/custom-tags/{tag['id']}").json() == tag


def test_assigning_a_tag_is_idempotent(agentmail: httpx.Client, instantly: httpx.Client, tag: dict[str, Any]) -> None:
    address = warm_account(agentmail, instantly)
    for _ in range(2):
        assert toggle(instantly, tag["id"], address).json() == {"success": True}
    mappings = instantly.get("/custom-tag-mappings", params={"resource_ids": address}).json()["items"]
    assert [(mapping["tag_id"], mapping["resource_id"]) for mapping in mappings] == [(tag["id"], address)]
    tagged = instantly.get("/custom-tags", params={"resource_ids": address}).json()["items"]
    assert tagged == [tag]
    for _ in range(2):
        assert toggle(instantly, tag["id"], address, assign=False).status_code == 200
    assert instantly.get("/custom-tag-mappings").json()["items"] == []


def test_an_unknown_address_or_tag_is_not_found(
    agentmail: httpx.Client, instantly: httpx.Client, tag: dict[str, Any]
) -> None:
    address = warm_account(agentmail, instantly)
    assert toggle(instantly, tag["id"], address, "nobody@agentmail.to").status_code == 404
    assert toggle(instantly, "no-such-tag", address).status_code == 404
    assert instantly.get("/custom-tag-mappings").json()["items"] == []
    nothing = {"tag_ids": [tag["id"]], "resource_type": 1, "assign": True}
    assert instantly.post("/custom-tags/toggle-resource", json=nothing).status_code == 400
    assert instantly.get("/custom-tags/no-such-tag").status_code == 404


def test_the_mappings_of_a_deleted_tag_or_account_are_deleted(
    admin: httpx.Client, agentmail: httpx.Client, instantly: httpx.Client, tag: dict[str, Any]
) -> None:
    kim, lee = (warm_account(agentmail, instantly, name) for name in ("kim", "lee"))
    toggle(instantly, tag["id"], kim, lee).raise_for_status()
    instantly.delete(f"/accounts/{kim}")
    assert admin.get("/inventory").json()["instantly"]["tags"] == [{**tag, "resource_ids": [lee]}]
    assert instantly.delete(f"/custom-tags/{tag['id']}").json() == tag
    assert instantly.get("/custom-tag-mappings").json()["items"] == []
