"""Lists in pages: every row once, newest first, and no answer that Lambda could not return."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kindling.inventory import store as findings
from kindling.inventory.model import Finding, Kind, Problem
from kindling.platform import aws, table
from local.http_api import MAX_RESPONSE_BYTES
from tests.conftest import Kindling
from tests.functions.api.test_send import is_refused
from tests.harness.lambdas import Reply


def domain(kindling: Kindling) -> None:
    kindling.verified_domain()


def account(kindling: Kindling) -> None:
    kindling.account()


def suppression(kindling: Kindling) -> None:
    kindling.api.post("/v1/suppressions", {"email": "pat@example.com"})


def key(kindling: Kindling) -> None:
    kindling.api.post("/api/keys", {"name": "another"})


def cleanup(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=500)
    kindling.api("DELETE", f"/api/email/accounts/{account['id']}")


def finding(kindling: Kindling) -> None:
    now = "2026-03-01T09:00:00.000Z"
    seen = {"first_seen_at": now, "last_seen_at": now, "message": "No row names this inbox."}
    what = {"kind": Kind.INBOX, "problem": Problem.ORPHAN, "target": "kim@acme.example", "subject_id": "a"}
    findings.write(Finding.model_validate({"user_id": kindling.user_id, **what, **seen}))


# Each list with what its rows are called, how its first row comes to be, and the field by which rows differ.
LISTS: list[tuple[str, str, Callable[[Kindling], None], str]] = [
    ("/api/email/domains", "domains", domain, "id"),
    ("/v1/domains", "domains", domain, "id"),
    ("/api/email/accounts", "accounts", account, "id"),
    ("/api/email/accounts/warmup-analytics", "analytics", account, "email_address"),
    ("/v1/suppressions", "suppressions", suppression, "email"),
    ("/api/keys", "keys", key, "key_id"),
    ("/api/cleanups", "cleanups", cleanup, "subject_id"),
    ("/api/inventory", "findings", finding, "subject_id"),
]


def copies(kindling: Kindling, name: str, field: str, number: int, **changes: str) -> list[str]:
    """Copy the first row of a list, each copy a second older than the one before it; what each copy is called."""
    kind = {"analytics": "account"}.get(name, name.removesuffix("s"))
    original = next(iter(table.owned(f"{kindling.user_id}#{kind}")))
    called = []
    for n in range(number):
        called.append(f"{n:05}-{original[field]}")
        created_at = f"2025-01-01T{23 - n // 3600:02}:{59 - n // 60 % 60:02}:{59 - n % 60:02}.000Z"
        table.put(
            {
                **original,
                "sk": f"{original['sk']}-{uuid.uuid4()}",
                "created_at": created_at,
                field: called[-1],
                **changes,
            }
        )
    return called


def pages(kindling: Kindling, path: str, **query: str) -> Iterator[Reply]:
    """Follow a list to its end."""
    while True:
        reply = kindling.api.get(path, **query)
        assert reply.status == 200, reply.body
        yield reply
        if "next_cursor" not in reply.body:
            return
        query["cursor"] = reply.body["next_cursor"]


def sizes(kindling: Kindling, path: str, name: str, **query: str) -> list[int]:
    return [len(reply.body[name]) for reply in pages(kindling, path, **query)]


@pytest.mark.parametrize(("path", "name", "make", "field"), LISTS)
def test_every_list_is_paged_by_limit_and_cursor(
    kindling: Kindling, path: str, name: str, make: Callable[[Kindling], None], field: str
) -> None:
    make(kindling)
    kindling.world.heal()
    first = len(kindling.api.get(path).body[name])
    copies(kindling, name, field, 11 - first)
    query = {"skip_sync": ""} if path == "/api/email/domains" else {}
    whole = kindling.api.get(path, **query).body
    if name == "analytics":
        # The copies have no account at the provider, so that they have no figures: the cursors lead past them.
        assert [len(reply.body[name]) for reply in pages(kindling, path, limit="3")] == [1, 0, 0, 0]
        return
    assert "next_cursor" not in whole
    read = [row for reply in pages(kindling, path, limit="3", **query) for row in reply.body[name]]
    assert read == whole[name]
    assert sizes(kindling, path, name, limit="3", **query) == [3, 3, 3, 2]
    # A full last page is the last one.
    assert sizes(kindling, path, name, limit="11", **query) == [11]
    assert sizes(kindling, path, name, limit="10", **query) == [10, 1]


@pytest.mark.parametrize(("path", "name", "make", "field"), LISTS)
def test_what_is_no_cursor_and_no_limit_is_refused(
    kindling: Kindling, path: str, name: str, make: Callable[[Kindling], None], field: str
) -> None:
    def encoded(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()

    cursors = ["", "x", "%", "é", "bm8=", encoded(7), encoded(["a", "b"]), encoded(["a", "b", ""]), encoded("abc" * 3)]
    for cursor in (*cursors, encoded(["a", "b", "c" * 2049])):
        reply = kindling.api("GET", path, query={"cursor": cursor})
        is_refused(reply, 400, "invalid_request")
        assert [(field["field"], field["message"]) for field in reply.body["fields"]] == [
            ("cursor", "must be the next_cursor of an earlier answer")
        ]
    for limit in ("0", "-1", "many", "1.5", "1001"):
        is_refused(kindling.api("GET", path, query={"limit": limit}), 400, "invalid_request")


def test_the_largest_limit_of_each_list_is_taken(kindling: Kindling) -> None:
    largest = {"/v1/domains": "100", "/v1/suppressions": "200"}
    for path, *_ in LISTS:
        assert kindling.api.get(path, limit=largest.get(path, "1000")).status == 200


def test_a_cursor_shows_nothing_of_another_tenant(kindling: Kindling) -> None:
    domain(kindling)
    copies(kindling, "domains", "id", 3)
    cursor = kindling.api.get("/v1/domains", limit="1").body["next_cursor"]
    assert kindling.other.get("/v1/domains", cursor=cursor).body["domains"] == []


def test_rows_with_the_same_time_are_each_shown_once(kindling: Kindling) -> None:
    suppression(kindling)
    called = copies(kindling, "suppressions", "email", 7, created_at="2025-01-01T00:00:00.000Z")
    read = [
        row["email"] for reply in pages(kindling, "/v1/suppressions", limit="2") for row in reply.body["suppressions"]
    ]
    assert sorted(read) == sorted(["pat@example.com", *called])


def test_a_full_page_costs_one_query(kindling: Kindling) -> None:
    suppression(kindling)
    copies(kindling, "suppressions", "email", 5)
    cursor = kindling.api.get("/v1/suppressions", limit="1").body["next_cursor"]
    queries: list[Any] = []
    events = aws.table().meta.client.meta.events
    events.register("before-call.dynamodb.Query", lambda **call: queries.append(call))
    assert len(kindling.api.get("/v1/suppressions", limit="4", cursor=cursor).body["suppressions"]) == 4
    assert len(queries) == 1


def test_a_filtered_list_has_full_pages(kindling: Kindling) -> None:
    suppression(kindling)
    copies(kindling, "suppressions", "email", 5)
    copies(kindling, "suppressions", "email", 4, reason="complaint")
    assert sizes(kindling, "/v1/suppressions", "suppressions", limit="2", query="-pat", reason="manual") == [2, 2, 1]


def test_a_page_after_a_cursor_counts_nothing(kindling: Kindling) -> None:
    suppression(kindling)
    copies(kindling, "suppressions", "email", 3)
    first, second = pages(kindling, "/v1/suppressions", limit="2")
    assert first.body["total"] == 4
    assert "total" not in second.body


def test_a_list_that_does_not_fit_into_one_answer_says_how_to_go_on(kindling: Kindling) -> None:
    kindling.account()
    # What grows most on its way: each quote is four bytes in the response of Lambda.
    copies(kindling, "accounts", "id", 400, signature='"' * 10_000)
    sizes = []
    rows = 0
    for reply in pages(kindling, "/api/email/accounts"):
        sizes.append(len(json.dumps(json.dumps(reply.body))))
        rows += len(reply.body["accounts"])
    assert rows == 401
    assert len(sizes) > 1
    # Half of it is left for what an answer adds to small rows.
    assert max(sizes) < MAX_RESPONSE_BYTES * 0.6
