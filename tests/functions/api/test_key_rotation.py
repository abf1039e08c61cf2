"""POST /api/keys/{id}/rotate: the new key has the same permissions, and the old one expires."""

from datetime import timedelta
from typing import Any

import pytest

from kindling.keys import store
from kindling.platform import clock
from tests.conftest import Kindling
from tests.functions.api.test_keys import KEYS, end, key_id, listed, make, rotate
from tests.functions.api.test_send import is_refused
from tests.harness.lambdas import Api


def test_a_rotated_key_opens_until_the_overlap_ends_and_its_heir_goes_on(kindling: Kindling) -> None:
    old = make(kindling.api, scopes=["read", "send"], expires_in_days=30)
    reply = rotate(kindling.api, old["id"])
    assert (reply.status, set(reply.body)) == (201, {"key", "rotated"})
    new, rotated = reply.body["key"], reply.body["rotated"]
    same = ("name", "scopes", "live", "expires_at", "user_id")
    assert [new[name] for name in same] == [old[name] for name in same]
    assert (new["rotated_from"], new["created_by"]) == (old["id"], key_id(kindling.api))
    assert rotated["expires_at"] == clock.timestamp(kindling.clock.at + timedelta(hours=24))
    assert rotated["rotated_to"] == new["id"]
    assert "api_key" not in rotated
    assert {old["id"]: rotated, new["id"]: {k: v for k, v in new.items() if k != "api_key"}}.items() <= (
        listed(kindling).items()
    )
    domains = "/api/email/domains"
    assert [Api(key["api_key"]).get(domains).status for key in (old, new)] == [200, 200]
    kindling.clock.advance(hours=24)
    assert [Api(key["api_key"]).get(domains).status for key in (old, new)] == [401, 200]
    is_refused(rotate(kindling.api, old["id"]), 409, "conflict")


def test_rotation_never_lengthens_a_life_and_happens_once(kindling: Kindling) -> None:
    old = make(kindling.api, expires_in_days=1)
    assert rotate(kindling.api, old["id"], {"overlap_hours": 168}).body["rotated"]["expires_at"] == old["expires_at"]
    is_refused(rotate(kindling.api, old["id"]), 409, "conflict")
    ended = make(kindling.api)
    end(kindling.api, ended["id"])
    is_refused(rotate(kindling.api, ended["id"]), 409, "conflict")
    for overlap in (-1, 169, 1.5, "x"):
        is_refused(rotate(kindling.api, make(kindling.api)["id"], {"overlap_hours": overlap}), 400, "invalid_request")
    is_refused(rotate(kindling.api, "absent"), 404, "not_found")
    is_refused(rotate(kindling.other, old["id"]), 404, "not_found")


def test_a_key_may_rotate_itself_at_once(kindling: Kindling) -> None:
    reply = rotate(kindling.api, key_id(kindling.api), {"overlap_hours": 0})
    assert reply.status == 201
    assert kindling.api.get(KEYS).status == 401
    heir = Api(reply.body["key"]["api_key"])
    assert heir.get(KEYS).status == 200
    # One admin key is left.
    is_refused(end(heir, key_id(heir)), 409, "last_admin_key")


# A key that ends within the overlap is left as it is but for its heir.
@pytest.mark.parametrize("life", [{}, {"expires_in_days": 1}], ids=["without an end", "with an early end"])
def test_of_two_rotations_at_once_one_happens(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, life: dict[str, int]
) -> None:
    others: list[Any] = []
    old, real = make(kindling.api, **life), store.replace

    def meanwhile(*arguments: Any) -> None:
        if not others:
            others.append(None)
            others.append(rotate(kindling.api, old["id"]))
        real(*arguments)

    monkeypatch.setattr(store, "replace", meanwhile)
    is_refused(rotate(kindling.api, old["id"]), 409, "conflict")
    assert others[1].status == 201
    assert len([key for key in listed(kindling).values() if key["rotated_from"] == old["id"]]) == 1


def test_a_rotation_under_an_idempotency_key_is_repeated_with_the_same_text(kindling: Kindling) -> None:
    own = key_id(kindling.api)
    first = rotate(kindling.api, own, Idempotency_Key="r1")
    again = rotate(kindling.api, own, Idempotency_Key="r1")
    assert (first.status, again.status) == (201, 201)
    assert again.body["key"]["api_key"] == first.body["key"]["api_key"]
    assert again.body["rotated"] == first.body["rotated"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    is_refused(rotate(kindling.api, own, {"overlap_hours": 1}, Idempotency_Key="r1"), 422, "idempotency_key_reused")
