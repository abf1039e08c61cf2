"""POST /api/email/accounts/batch: many accounts by one request."""

from typing import Any

import pytest

from kindling.accounts.model import MOST_ROWS
from kindling.errors import ProviderRefused
from kindling.platform import aws
from kindling.platform.settings import settings
from tests.conftest import Kindling
from tests.harness.lambdas import Reply, invoke
from tests.harness.machines import Died, fails

ACCOUNTS = "/api/email/accounts"
BATCH = f"{ACCOUNTS}/batch"
ENABLE = ("instantly", "POST", "/api/v2/accounts/warmup/enable")


def named(domain: dict[str, Any], usernames: str, **more: Any) -> dict[str, Any]:
    return {"accounts": [{"username": name, "domain_id": domain["id"], **more} for name in usernames.split()]}


def follow(kindling: Kindling, reply: Reply, **query: str) -> Any:
    assert reply.status == 202, reply.body
    return kindling.api.get(reply.headers["Location"], **query).body


def states(followed: Any) -> dict[str, str]:
    return {row["name"].partition("@")[0]: row["state"] for row in followed["rows"]}


def fields(reply: Reply) -> list[str]:
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    return [field["field"] for field in reply.body["fields"]]


def rows(kindling: Kindling) -> list[dict[str, Any]]:
    return list(kindling.api.get(ACCOUNTS).body["accounts"])


def test_every_row_becomes_an_account_and_says_which(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    reply = kindling.api.post(BATCH, named(domain, "kim lee max", first_name="Kim"))
    followed = follow(kindling, reply)
    assert followed["operation"]["state"] == "succeeded"
    assert followed["operation"]["kind"] == "provision_accounts"
    assert followed["operation"]["progress"] == {
        "total": 3, "waiting": 0, "running": 0, "succeeded": 3, "exists": 0, "failed": 0,
    }  # fmt: skip
    assert [(row["number"], row["name"], row["error"]) for row in followed["rows"]] == [
        (number, f"{name}@acme.example", None) for number, name in enumerate(["kim", "lee", "max"])
    ]
    made = {row["id"]: row for row in rows(kindling)}
    assert {row["subject_id"] for row in followed["rows"]} == set(made)
    assert {(row["status"], row["first_name"]) for row in made.values()} == {("warming", "Kim")}


def test_the_same_rows_again_make_nothing_twice(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    first = follow(kindling, kindling.api.post(BATCH, named(domain, "kim lee")))
    again = follow(kindling, kindling.api.post(BATCH, named(domain, "lee kim max")))
    assert states(again) == {"lee": "exists", "kim": "exists", "max": "succeeded"}
    known = {row["name"]: row["subject_id"] for row in first["rows"]}
    assert {row["name"]: row["subject_id"] for row in again["rows"] if row["state"] == "exists"} == known
    assert len(rows(kindling)) == 3


def test_the_same_idempotency_key_is_answered_with_the_same_operation(kindling: Kindling) -> None:
    body = named(kindling.verified_domain(), "kim lee")
    first, second = (kindling.api.post(BATCH, body, Idempotency_Key="b1") for _ in range(2))
    assert (second.status, second.headers["Location"]) == (202, first.headers["Location"])
    assert second.headers["Idempotent-Replayed"] == "true"


def test_one_row_that_fails_says_why_and_touches_no_other(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    kindling.lambdas.overrides["RegisterWarmupAccountFunction"] = lambda real, event: (
        fails(ProviderRefused("Instantly answered 400: no."))(real, event)
        if event["saga"]["username"] == "lee"
        else real(event, None)
    )
    followed = follow(kindling, kindling.api.post(BATCH, named(domain, "kim lee max")))
    assert followed["operation"]["state"] == "succeeded"
    assert states(followed) == {"kim": "succeeded", "lee": "failed", "max": "succeeded"}
    assert followed["rows"][1]["error"] == {
        "code": "provider_refused",
        "message": "Instantly answered 400: no.",
        "step": "RegisterWarmupAccount",
    }
    assert followed["rows"][1]["subject_id"] is None
    kindling.lambdas.overrides.clear()
    again = follow(kindling, kindling.api.post(BATCH, named(domain, "lee")))
    assert again["rows"][0]["error"]["code"] == "address_burnt"


def test_an_address_of_another_tenant_is_taken(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    claim = {"pk": "ADDRESS#kim@acme.example", "sk": "CLAIM", "status": "in_use", "user_id": "another"}
    aws.table().put_item(Item={**claim, "account_id": "a", "domain_id": "d"})
    followed = follow(kindling, kindling.api.post(BATCH, named(domain, "kim lee")))
    assert states(followed) == {"kim": "failed", "lee": "succeeded"}
    assert followed["rows"][0]["error"]["code"] == "address_taken"


def test_an_address_that_is_being_made_by_another_request_is_waited_for(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    key = {"pk": "ADDRESS#kim@acme.example", "sk": "CLAIM"}
    aws.table().put_item(
        Item={**key, "status": "reserved", "user_id": kindling.user_id, "account_id": "a", "domain_id": "d"}
    )
    tries = []

    def run(real: Any, event: Any) -> Any:
        tries.append(event["saga"]["number"])
        if len(tries) == 3:
            aws.table().delete_item(Key=key)
        return real(event, None)

    kindling.lambdas.overrides["ProvisionRowFunction"] = run
    followed = follow(kindling, kindling.api.post(BATCH, named(domain, "kim")))
    assert states(followed) == {"kim": "succeeded"}
    assert len(tries) == 4


def test_rows_are_read_in_pages(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    reply = kindling.api.post(BATCH, named(domain, "a b c d e"))
    first = follow(kindling, reply, limit="2")
    second = follow(kindling, reply, limit="2", cursor=first["next_cursor"])
    third = follow(kindling, reply, limit="2", cursor=second["next_cursor"])
    pages = [[row["number"] for row in page["rows"]] for page in (first, second, third)]
    assert pages == [[0, 1], [2, 3], [4]]
    assert "next_cursor" not in third
    assert {page["operation"]["progress"]["total"] for page in (first, second, third)} == {5}


def test_an_operation_without_rows_shows_none(kindling: Kindling) -> None:
    made = kindling.api.post("/api/email/domains", {"domain": "acme.example"}, Prefer="respond-async")
    assert set(follow(kindling, made)) == {"operation"}
    assert "progress" not in follow(kindling, made)["operation"]


def test_a_table_of_csv_is_as_good_as_json(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    lines = [
        "username,domain_id,first_name,last_name",
        f'kim,{domain["id"]},"Kim, Jr.",Lee',
        "",
        f"max,{domain['id']},,",
    ]
    text = "\ufeff" + "\r\n".join(lines) + "\r\n"
    reply = kindling.api("POST", BATCH, raw=text, headers={"content-type": "text/csv; charset=utf-8"})
    assert states(follow(kindling, reply)) == {"kim": "succeeded", "max": "succeeded"}
    assert {row["display_name"] for row in rows(kindling)} == {"Kim, Jr. Lee", None}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", ["accounts"]),
        ("username,domain_id\n", ["accounts"]),
        ("username,username\nkim,lee\n", ["body"]),
        ("username,\nkim,lee\n", ["body"]),
        ("username,domain_id\nkim\n", ["line 2"]),
        ("username,domain_id\nkim,x,y\n", ["line 2"]),
        ("username,domain_id,color\nkim,3c90c3cc-0d44-4b50-8888-8dd25736052a,red\n", ["accounts.0.color"]),
        ('username,domain_id\n"kim,x\n', []),
    ],
)
def test_csv_that_cannot_be_read_is_refused(kindling: Kindling, text: str, wrong: list[str]) -> None:
    assert fields(kindling.api("POST", BATCH, raw=text, headers={"content-type": "text/csv"})) == wrong


def test_other_routes_take_no_csv(kindling: Kindling) -> None:
    assert kindling.api("POST", ACCOUNTS, raw="username\nkim\n", headers={"content-type": "text/csv"}).status == 415
    assert kindling.api("POST", BATCH, raw="username\nkim\n", headers={"content-type": "text/plain"}).status == 415


def test_nothing_is_started_when_a_row_is_wrong_and_every_wrong_row_is_named(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    waiting = kindling.api.post("/api/email/domains", {"domain": "two.example"}).body["domain"]
    kindling.clock.advance(seconds=1)
    body = named(domain, "kim lee Kim")
    body["accounts"][1]["domain_id"] = waiting["id"]
    body["accounts"].append({"username": "max", "domain_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a"})
    assert fields(kindling.api.post(BATCH, body)) == [
        "accounts.1.domain_id",
        "accounts.2.username",
        "accounts.3.domain_id",
    ]
    assert fields(kindling.api.post(BATCH, named(domain, "k! max", color="red"))) == [
        "accounts.0.username",
        "accounts.0.color",
        "accounts.1.color",
    ]
    assert rows(kindling) == []


def test_a_thousand_rows_and_no_more(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    row = {"username": "kim", "domain_id": domain["id"]}
    assert fields(kindling.api.post(BATCH, {"accounts": [row] * (MOST_ROWS + 1)})) == ["accounts"]
    most = fields(kindling.api.post(BATCH, {"accounts": [row] * MOST_ROWS}))
    # As many problems as any answer names at most.
    assert (most[0], len(most)) == ("accounts.1.username", 20)


def test_another_tenants_domain_is_unknown_and_a_test_key_makes_nothing(kindling: Kindling) -> None:
    body = named(kindling.verified_domain(), "kim")
    assert fields(kindling.other.post(BATCH, body)) == ["accounts.0.domain_id"]
    assert kindling.test_api.post(BATCH, body).body["error"] == "live_key_required"
    assert rows(kindling) == []


def test_every_row_counts_as_a_creation(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = kindling.verified_domain()
    monkeypatch.setenv("KEY_CREATES_PER_HOUR", "4")
    settings.cache_clear()
    refused = kindling.api.post(BATCH, named(domain, "a b c d e"))
    assert (refused.status, refused.body["quota"]) == (429, "key_creates_per_hour")
    assert follow(kindling, kindling.api.post(BATCH, named(domain, "a b c")))["operation"]["progress"]["succeeded"] == 3
    assert kindling.api.post(BATCH, named(domain, "d e")).status == 429
    assert kindling.api.post(BATCH, named(domain, "d")).status == 202
    assert kindling.api.post(ACCOUNTS, named(domain, "e")["accounts"][0]).status == 429


def test_a_batch_that_died_goes_on(kindling: Kindling) -> None:
    domain = kindling.verified_domain()

    def dies(real: Any, event: Any) -> Any:
        raise Died("States.Runtime")

    kindling.lambdas.overrides["CloseOperationFunction"] = dies
    reply = kindling.api.post(BATCH, named(domain, "kim lee"))
    assert follow(kindling, reply)["operation"]["state"] == "running"
    kindling.lambdas.overrides.clear()
    kindling.clock.advance(hours=12)
    assert invoke("ReconcileOperationsFunction", {})["undone"] == 1
    followed = follow(kindling, reply)
    assert followed["operation"]["state"] == "succeeded"
    assert states(followed) == {"kim": "succeeded", "lee": "succeeded"}
    assert len(rows(kindling)) == 2
