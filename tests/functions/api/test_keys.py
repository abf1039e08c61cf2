"""The routes of /api/keys: permissions, the last admin key, idempotency, and that no secret is stored."""

import itertools
import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from kindling.errors import KindlingError, LastAdminKey
from kindling.keys import authentication, quota, service, store
from kindling.keys.model import Caller, Key, Scope, read_token
from kindling.platform import aws, clock
from tests.conftest import EVERYTHING, Kindling, Sample, issue
from tests.functions.api.test_send import email, is_refused, sender, sent
from tests.harness.lambdas import Api, Reply

KEYS = "/api/keys"
SETS = (["admin"], ["read", "admin"], ["read"], ["read", "send"], EVERYTHING)
# Days until a key expires; None for never.
ENDS = (None, 2, 3)


def make(api: Api, **fields: Any) -> dict[str, Any]:
    reply = api.post(KEYS, {"name": "made", **fields})
    assert reply.status == 201, reply.body
    key: dict[str, Any] = reply.body["key"]
    return key


def end(api: Api, key_id: str, **query: str) -> Reply:
    return api("DELETE", f"{KEYS}/{key_id}", query=query or None)


def rotate(api: Api, key_id: str, body: Any = None, **headers: str) -> Reply:
    return api.post(f"{KEYS}/{key_id}/rotate", body, **headers)


def listed(kindling: Kindling) -> dict[str, dict[str, Any]]:
    return {key["id"]: key for key in kindling.api.get(KEYS).body["keys"]}


def key_id(api: Api) -> str:
    token = read_token(api.key)
    assert token is not None
    return token.key_id


def maker(kindling: Kindling, scopes: list[str], *, live: bool, days: int | None) -> Api:
    """A client whose key the operator has written, valid for `days`."""
    text = issue(kindling.user_id, scopes, live=live)
    if days:
        token = read_token(text)
        assert token is not None
        put = {":at": clock.timestamp(kindling.clock.at + timedelta(days=days))}
        aws.table().update_item(
            Key={"pk": f"KEY#{token.key_id}", "sk": "KEY"},
            UpdateExpression="SET expires_at = :at",
            ExpressionAttributeValues=put,
        )
    return Api(text)


def test_a_key_makes_rotates_and_ends_only_what_it_is_itself(kindling: Kindling, sample: Sample) -> None:
    kinds = list(itertools.product((True, False), SETS, ENDS))
    makers = [(live, scopes, days) for live, scopes, days in kinds if "admin" in scopes]
    keys = {index: maker(kindling, scopes, live=live, days=days) for index, (live, scopes, days) in enumerate(makers)}
    outcomes = set()
    for (index, (live, scopes, days)), (other_live, other_scopes, other_days) in sample(
        list(itertools.product(enumerate(makers), kinds)), one_in=7
    ):
        kindling.clock.advance(seconds=1)
        api = keys[index]
        within = (live or not other_live) and set(other_scopes) <= set(scopes)
        body = {"name": "made", "live": other_live, "scopes": other_scopes}
        asked = body | ({"expires_in_days": other_days} if other_days else {})
        # The maker is at least a second old: the same number of days from now ends after it.
        outlives = days is not None and other_days is not None and other_days >= days
        made = api.post(KEYS, asked)
        standing = maker(kindling, other_scopes, live=other_live, days=other_days)
        rotated = rotate(api, key_id(standing))
        kept = days is None or (other_days is not None and other_days < days)
        ended = end(api, key_id(standing))
        assert made.status == (201 if within and not outlives else 403), (made.body, days, asked)
        assert rotated.status == (201 if within and kept else 403), rotated.body
        assert ended.status == (200 if within else 403), ended.body
        for reply in (made, rotated, ended):
            if reply.status == 403:
                is_refused(reply, 403, "key_exceeds_maker")
        row = store.get(key_id(standing))
        assert row
        assert (row.revoked_at is not None) is within
        outcomes.add((made.status, rotated.status, ended.status))
    assert outcomes == {(201, 201, 200), (201, 403, 200), (403, 403, 200), (403, 403, 403)}


def test_a_made_key_is_of_its_makers_kind_and_ends_with_it(kindling: Kindling) -> None:
    short = make(kindling.test_api, scopes=["admin"], expires_in_days=2)
    assert (short["live"], short["prefix"]) == (False, f"kd_test_{short['id']}")
    heir = make(Api(short["api_key"]), scopes=["admin"])
    assert (heir["live"], heir["expires_at"], heir["created_by"]) == (False, short["expires_at"], short["id"])
    # The same instant is allowed, one millisecond later is not.
    assert make(Api(short["api_key"]), scopes=["admin"], expires_in_days=2)["expires_at"] == short["expires_at"]
    kindling.clock.advance(milliseconds=1)
    late = Api(short["api_key"]).post(KEYS, {"name": "late", "scopes": ["admin"], "expires_in_days": 2})
    is_refused(late, 403, "key_exceeds_maker")
    assert short["expires_at"] in late.body["message"]
    assert make(kindling.api, live=False)["live"] is False
    assert make(kindling.api)["live"] is True


@pytest.mark.parametrize("how", ["revoked", "expired", "gone"])
def test_a_key_that_has_ended_makes_nothing_though_it_is_remembered(kindling: Kindling, how: str) -> None:
    text = make(kindling.api, scopes=["admin"])["api_key"]
    api, other = Api(text), make(kindling.api, scopes=["read"])
    assert api.get(KEYS).status == 200
    at = {"pk": f"KEY#{key_id(api)}", "sk": "KEY"}
    if how == "gone":
        aws.table().delete_item(Key=at)
    else:
        name = "revoked_at" if how == "revoked" else "expires_at"
        put: dict[str, Any] = {":now": clock.timestamp()}
        aws.table().update_item(Key=at, UpdateExpression=f"SET {name} = :now", ExpressionAttributeValues=put)
    before = set(listed(kindling))
    assert api.get(KEYS).status == 200
    is_refused(api.post(KEYS, {"name": "late", "scopes": ["admin"]}), 401, "unauthorized")
    assert set(listed(kindling)) == before
    # The environment does not use the key from its cache any more.
    assert rotate(api, other["id"]).status == api.get(KEYS).status == 401


def test_a_maker_that_ends_while_it_makes_has_made_nothing(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    text = make(kindling.api, scopes=["admin"])["api_key"]
    real = quota.admit_creation

    def meanwhile(caller: Caller) -> None:
        real(caller)
        store.revoke(caller.key_id, clock.timestamp())

    monkeypatch.setattr(quota, "admit_creation", meanwhile)
    before = set(listed(kindling))
    is_refused(Api(text).post(KEYS, {"name": "late", "scopes": ["admin"]}), 401, "unauthorized")
    assert set(listed(kindling)) == before


def test_the_last_admin_key_is_not_ended_by_accident(kindling: Kindling) -> None:
    own = key_id(kindling.api)
    make(kindling.api, scopes=["read"])
    make(kindling.api, scopes=["admin"], live=False)
    make(kindling.api, scopes=["admin"], expires_in_days=1)
    kindling.clock.advance(days=1)
    is_refused(end(kindling.api, own), 409, "last_admin_key")
    assert kindling.api.get(KEYS).status == 200
    second = make(kindling.api, scopes=["admin"])
    assert end(kindling.api, own).status == 200
    assert kindling.api.get(KEYS).status == 401
    rest = Api(second["api_key"])
    is_refused(end(rest, second["id"]), 409, "last_admin_key")
    assert end(rest, second["id"], force="true").body["key"]["revoked_at"]
    assert rest.get(KEYS).status == 401


def test_test_keys_end_without_being_asked_twice(kindling: Kindling) -> None:
    assert end(kindling.test_api, key_id(kindling.test_api)).status == 200


@pytest.mark.parametrize("rivals", [2, 3])
def test_admins_that_end_each_other_at_once_leave_one(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, rivals: int
) -> None:
    texts = [kindling.api.key, *(make(kindling.api, scopes=EVERYTHING)["api_key"] for _ in range(rivals - 1))]
    callers = [authentication.authenticate(f"Bearer {text}", "203.0.113.7") for text in texts]
    real = store.revoke
    rest = list(zip(callers[1:], [*callers[2:], callers[0]], strict=True))
    lost: list[KindlingError] = []

    def revoke(target: str, revoked_at: str, *, if_unchanged: Key | None = None) -> None:
        """All callers have read before any of them writes."""
        if rest:
            one, other = rest.pop()
            try:
                service.revoke(one, other.key_id, force=False)
            except LastAdminKey as error:
                lost.append(error)
        real(target, revoked_at, if_unchanged=if_unchanged)

    monkeypatch.setattr(store, "revoke", revoke)
    try:
        service.revoke(callers[0], callers[1].key_id, force=False)
    except LastAdminKey as error:
        lost.append(error)
    found = [store.get(caller.key_id) for caller in callers]
    assert sum(key is not None and key.revoked_at is None for key in found) == 1
    assert len(lost) == 1


def test_a_repeat_shows_the_same_text_for_a_day_while_the_key_lives(kindling: Kindling) -> None:
    body = {"name": "ci", "scopes": ["send", "read"]}
    first = kindling.api.post(KEYS, body, Idempotency_Key="k1")
    again = kindling.api.post(KEYS, {"scopes": ["read", "send"], "name": "ci"}, Idempotency_Key="k1")
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert (again.headers["Idempotent-Replayed"], "Idempotent-Replayed" in first.headers) == ("true", False)
    token = read_token(first.body["key"]["api_key"])
    assert token is not None
    assert str(token) == first.body["key"]["api_key"]
    assert Api(str(token)).get("/api/email/domains").status == 200
    is_refused(kindling.api.post(KEYS, body | {"name": "cd"}, Idempotency_Key="k1"), 422, "idempotency_key_reused")
    # Another Idempotency-Key, tenant or environment creates another key.
    texts = {first.body["key"]["api_key"]}
    for api, header in ((kindling.api, "k2"), (kindling.other, "k1"), (kindling.test_api, "k1")):
        reply = api.post(KEYS, body | {"live": False}, Idempotency_Key=header)
        assert reply.status == 201
        texts.add(reply.body["key"]["api_key"])
    assert len(texts) == 4
    kindling.clock.advance(hours=24)
    assert kindling.api.post(KEYS, body, Idempotency_Key="k1").status == 201
    kindling.clock.advance(milliseconds=1)
    late = kindling.api.post(KEYS, body, Idempotency_Key="k1")
    is_refused(late, 409, "conflict")
    assert "a day old" in late.body["message"]
    assert end(kindling.api, first.body["key"]["id"]).status == 200
    dead = kindling.api.post(KEYS, body, Idempotency_Key="k1")
    is_refused(dead, 409, "conflict")
    assert "revoked" in dead.body["message"]


def test_a_repeat_lends_nobody_a_key_beyond_their_own(kindling: Kindling) -> None:
    body = {"name": "all", "scopes": EVERYTHING}
    assert kindling.api.post(KEYS, body, Idempotency_Key="k1").status == 201
    narrow = Api(make(kindling.api, scopes=["admin"])["api_key"])
    is_refused(narrow.post(KEYS, body, Idempotency_Key="k1"), 403, "key_exceeds_maker")
    short = Api(make(kindling.api, scopes=EVERYTHING, expires_in_days=1)["api_key"])
    is_refused(short.post(KEYS, body, Idempotency_Key="k1"), 403, "key_exceeds_maker")


def test_one_idempotency_key_of_a_live_and_a_test_key_makes_two_keys(kindling: Kindling) -> None:
    body = {"name": "ci", "scopes": ["read"], "live": False}
    made = [api.post(KEYS, body, Idempotency_Key="k1") for api in (kindling.api, kindling.test_api)]
    assert [reply.status for reply in made] == [201, 201]
    assert made[0].body["key"]["id"] != made[1].body["key"]["id"]


def test_the_same_creation_twice_at_once_makes_one_key(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[Any] = []
    real = store.make

    def meanwhile(*arguments: Any) -> None:
        if not others:
            others.append(None)
            others.append(kindling.api.post(KEYS, {"name": "ci"}, Idempotency_Key="k1"))
        real(*arguments)

    monkeypatch.setattr(store, "make", meanwhile)
    mine = kindling.api.post(KEYS, {"name": "ci"}, Idempotency_Key="k1")
    assert (mine.status, mine.body) == (201, others[1].body)
    assert mine.headers["Idempotent-Replayed"] == "true"
    assert len(listed(kindling)) == 2


def test_the_list_tells_who_made_a_key_and_when_it_was_used(kindling: Kindling) -> None:
    made = make(kindling.api, scopes=["read"])
    shown = listed(kindling)
    assert set(shown[made["id"]]) == set(made) - {"api_key"}
    own = shown[key_id(kindling.api)]
    assert (own["created_by"], own["last_used_at"]) == ("operator", "2026-03-01T09:00:00.000Z")
    assert (shown[made["id"]]["created_by"], shown[made["id"]]["last_used_at"]) == (own["id"], None)
    for minutes, stamped in ((0, "09:00"), (59, "09:00"), (1, "10:00"), (30, "10:00"), (31, "11:01")):
        kindling.clock.advance(minutes=minutes)
        assert Api(made["api_key"]).get("/api/email/domains").status == 200
        assert listed(kindling)[made["id"]]["last_used_at"] == f"2026-03-01T{stamped}:00.000Z", minutes
    # A request with a wrong secret does not count as a use.
    kindling.clock.advance(days=1)
    assert Api(made["api_key"][:-1] + "-").get("/api/email/domains").status == 401
    assert listed(kindling)[made["id"]]["last_used_at"] == "2026-03-01T11:01:00.000Z"


def test_a_use_that_cannot_be_noted_fails_nobody(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(kindling.api)
    at = {"pk": f"KEY#{made['id']}", "sk": "KEY"}
    real = store.record_use
    # A concurrent request has recorded the use.
    monkeypatch.setattr(store, "record_use", lambda key_id, now, _: real(key_id, now, "2000"))
    aws.table().update_item(
        Key=at, UpdateExpression="SET last_used_at = :at", ExpressionAttributeValues={":at": "2026-01-01T00:00:00.000Z"}
    )
    assert Api(made["api_key"]).get("/api/email/domains").status == 200
    authentication._cache.clear()
    refuse(monkeypatch, "UpdateItem")
    assert Api(made["api_key"]).get("/api/email/domains").status == 200


def refuse(monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Make the table's calls of this name fail as if it were throttled."""
    client = aws.table().meta.client
    real = client._make_api_call  # type: ignore[attr-defined]

    def call(name: str, parameters: Any) -> Any:
        if name == operation:
            raise client.exceptions.ProvisionedThroughputExceededException({"Error": {"Code": "Throttled"}}, name)
        return real(name, parameters)

    monkeypatch.setattr(client, "_make_api_call", call)


def test_no_secret_is_kept_or_told_anywhere(kindling: Kindling, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    records: list[str] = []
    logged = logging.getLogger("kindling")
    handler = logging.Handler()
    handler.emit = lambda record: records.append(str(record.__dict__))  # type: ignore[method-assign]
    logged.addHandler(handler)
    try:
        texts = [kindling.api.key, make(kindling.api)["api_key"]]
        for name in ("k1", "k2", "k1"):
            texts.append(kindling.api.post(KEYS, {"name": "ci"}, Idempotency_Key=name).body["key"]["api_key"])
            own = make(kindling.api)["id"]
            texts.append(rotate(kindling.api, own).body["key"]["api_key"])
            repeated = [rotate(kindling.api, make(kindling.api)["id"], Idempotency_Key=name) for _ in range(2)]
            texts += [reply.body["key"]["api_key"] for reply in repeated]
        for text in texts:
            assert Api(text).get("/api/email/domains").status == 200
            assert Api(text[:-1] + "-").get("/api/email/domains").status in (401, 429)
    finally:
        logged.removeHandler(handler)
    queued = [aws.sqs().receive_message(QueueUrl=url) for url in aws.sqs().list_queues().get("QueueUrls", [])]
    kept = json.dumps([aws.table().scan()["Items"], records, caplog.text, queued], default=str)
    assert "request answered" in kept
    for text in texts:
        # The guess had only the last letter wrong.
        assert text.rpartition("_")[2][:-1] not in kept


def test_a_live_send_that_repeats_a_test_keys_idempotency_key_is_sent(kindling: Kindling) -> None:
    sender(kindling)
    simulated = kindling.test_api.post("/v1/send", email(), Idempotency_Key="k1")
    assert (simulated.status, simulated.body["status"]) == (202, "simulated")
    real = kindling.api.post("/v1/send", email(), Idempotency_Key="k1")
    assert (real.status, real.body["status"], "Idempotent-Replayed" in real.headers) == (202, "queued", False)
    assert len(sent(kindling)) == 1
    # Each request is idempotent separately.
    for api, first in ((kindling.test_api, simulated), (kindling.api, real)):
        again = api.post("/v1/send", email(), Idempotency_Key="k1")
        assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert len(sent(kindling)) == 1


def test_scopes_stand_in_one_order(kindling: Kindling) -> None:
    assert make(kindling.api, scopes=list(reversed(EVERYTHING)))["scopes"] == sorted(scope.value for scope in Scope)
