"""Hostile ids, bodies, queries and headers, at every declared route: the worst answer is a refusal in one shape."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from kindling.accounts.model import account_key
from kindling.domains.model import domain_key
from kindling.entry.request import MAX_ID_BYTES, NIL_ID, Request
from kindling.entry.route import Route
from kindling.errors import MOST_CHARACTERS, MOST_PROBLEMS
from kindling.operations.model import operation_key
from kindling.platform.settings import settings
from kindling.suppressions.model import suppression_key
from local import openapi
from tests.conftest import Kindling, Sample
from tests.functions.api.test_send import email, sender
from tests.harness.lambdas import Reply

ROUTES = [route for route in openapi.routes() if route.scope]
WITH_ID = [route for route in ROUTES if "{" in route.path]
ABSENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
DEEP = json.loads("[" * 300 + "]" * 300)
IDS = [
    NIL_ID,
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ABSENT.upper(),
    ABSENT.replace("-", ""),
    f"{{{ABSENT}}}",
    "0",
    "-1",
    " ",
    "%20",
    "..",
    "%2E%2E",
    "a%2Fb",
    "%252F",
    "%00",
    "\x00",
    "\ud800",
    "%ED%A0%80",
    "é",
    "\N{KELVIN SIGN}im@acme.example",
    "acme.example.",
    "kim@acme.example, pat@acme.example",
    "x.y",
    "#",
    "{}",
    "x" * (MAX_ID_BYTES + 1),
    "x" * 10_000,
    "x." * 5_000,
    "é" * 10_000,
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    -(10**400),
    1e308,
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udc00b",
    "\N{KELVIN SIGN}im@acme.example",
    "kim@acme.example, pat@acme.example",
    "x" * 450_000,
    "é" * 450_000,
    "1" * 5_000,
    "${{7*7}}",
    [],
    {},
    [None],
    [[]],
    {"": ""},
    {"\ud800": 1},
    ["x"] * 5_000,
    {f"x{number}": number for number in range(5_000)},
    DEEP,
]
# Bodies with every field, of which each in turn is replaced; other routes begin with what their samples have.
STAGE = {"daily_limit": 50, "hourly_limit": 10, "per_minute_limit": 5}
PHASES = {f"phase_{number}": {"steps": [STAGE], "min_days": 1, "min_volume": 1} for number in range(1, 5)}
FULL: dict[str, dict[str, Any]] = {
    "create_account": {"username": "pat", "domain_id": ABSENT},
    "send_email": {
        **email(),
        "cc": ["lee@example.com"],
        "headers": {"X-Campaign": "spring"},
        "tags": ["spring"],
        "attachments": [{"filename": "a.txt", "content": "aGk=", "content_type": "text/plain"}],
    },
    "preview_import": {"rows": [{"email": "pat@example.com", "reason": "manual"}], "reason": "manual"},
    "set_warming_schedule": {"phases": PHASES, "thresholds": {"max_bounce_rate": 0.01}},
}
# What the messages of pydantic speak of.
JARGON = ("Input should", "pattern", "instance", "Extra inputs", "Field required", "dictionary", "^", "parse")


QUERY_VALUES = [
    "",
    " ",
    ",",
    "\x00",
    "\ud800",
    "1,2",
    "true,true",
    "manual,manual",
    "pat@example.com,max@example.com",
    "-1",
    "1.5",
    "1e3",
    "nan",
    "9" * 400,
    "9" * 5_000,
    "null",
    "é",
    "x" * 10_000,
]
Path = tuple[str | int, ...]


# Every id that a path may have.
PATH_IDS = ("account_id", "domain_id", "email", "email_id", "job_id", "key_id", "operation_id", "webhook_id")


def concrete(route: Route, **ids: str) -> str:
    return route.path.format(**(dict.fromkeys(PATH_IDS, ABSENT) | ids))


def body_of(route: Route) -> dict[str, Any] | None:
    """A valid body of the route; None when it has none."""
    return FULL.get(route.name, openapi.examples().requests.get(route.name, {})) if route.body else None


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every part of a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*path, name)
        yield from places(part, (*path, name))


def with_value(body: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    *parents, last = path
    part: Any = changed
    for name in parents:
        part = part[name]
    part[last] = value
    return changed


def is_answered(reply: Reply, case: object) -> None:
    """Whether the answer is no fault of ours and has, as a refusal, the shape and the words of the contract."""
    assert reply.status < 500, (case, reply.body)
    if reply.status < 400:
        return
    assert {"error", "message", "request_id"} <= reply.body.keys(), case
    told = [reply.body["message"], *(field["message"] for field in reply.body.get("fields", []))]
    assert all(told), case
    assert not [text for text in told for word in JARGON if word in text], (case, told)
    assert len(reply.body.get("fields", [])) <= MOST_PROBLEMS, case
    assert len(json.dumps(reply.body)) < 150_000, case


@pytest.fixture
def generous(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> Kindling:
    """Without a limit for what is created."""
    monkeypatch.setenv("TENANT_CREATES_PER_HOUR", "1000000")
    monkeypatch.setenv("KEY_CREATES_PER_HOUR", "1000000")
    settings.cache_clear()
    return kindling


def test_an_id_of_any_shape_is_as_absent_as_one_that_never_was(kindling: Kindling, sample: Sample) -> None:
    assert len(WITH_ID) > 25
    absent = {}
    for route, text in sample([(route, text) for route in WITH_ID for text in IDS], one_in=17):
        # So that no quota is exceeded.
        kindling.clock.advance(seconds=1)
        if route not in absent:
            absent[route] = kindling.api(route.method, concrete(route), body_of(route))
            assert (absent[route].status, absent[route].body["error"]) == (404, "not_found"), route.name
        ids = dict.fromkeys(
            ("account_id", "domain_id", "email", "email_id", "key_id", "operation_id", "webhook_id"), text
        )
        reply = kindling.api(route.method, concrete(route, **ids), body_of(route))
        assert (reply.status, reply.body) == (404, absent[route].body), (route.name, text[:40])


def test_an_id_longer_than_a_key_of_the_table_is_read_as_that_of_no_row() -> None:
    def read(text: str) -> str:
        request = Request({"rawPath": f"/v1/domains/{text}"})
        request.match("/v1/domains/{domain_id}")
        return request.ids["domain_id"]

    longest = "x" * MAX_ID_BYTES
    assert (read(longest), read(f"{longest}x")) == (longest, NIL_ID)
    assert (read("é" * 500), read("é" * 501), read("%C3%A9" * 501)) == ("é" * 500, NIL_ID, NIL_ID)
    # In-process DynamoDB does not check the length of a key that is read: 1,024 bytes for a sort key.
    for key in (account_key, domain_key, operation_key, suppression_key):
        assert len(key("user", longest)["sk"]) <= 1024


def test_a_path_without_its_id_or_with_a_slash_in_it_is_no_route(kindling: Kindling) -> None:
    for route in WITH_ID:
        for text in ("", "a/b", "/"):
            ids = dict.fromkeys(
                ("account_id", "domain_id", "email", "email_id", "key_id", "operation_id", "webhook_id"), text
            )
            reply = kindling.api(route.method, concrete(route, **ids))
            assert (reply.status, set(reply.body)) == (404, {"error", "message", "request_id"}), (route.name, text)


def test_an_id_may_be_written_in_any_letter_case_and_escaped(kindling: Kindling) -> None:
    account = kindling.account()
    key_id = kindling.api.get("/api/keys").body["keys"][0]["id"]
    operation_id = kindling.api.post("/api/email/domains", {"domain": "two.example"}, Prefer="respond-async").body[
        "operation"
    ]["id"]
    for path in (
        f"/api/email/domains/{account['domain_id']}",
        f"/v1/domains/{account['domain_id']}",
        "/v1/domains/acme.example",
        f"/api/email/accounts/{account['id']}",
        f"/api/operations/{operation_id}",
    ):
        head, _, last = path.rpartition("/")
        escaped = "".join(f"%{ord(character):02X}" for character in last)
        replies = [kindling.api.get(f"{head}/{text}") for text in (last, last.upper(), escaped)]
        assert [reply.status for reply in replies] == [200, 200, 200], path
        assert replies[0].body == replies[1].body == replies[2].body
    request = {"username": "lee", "domain_id": account["domain_id"].upper()}
    assert kindling.api.post("/api/email/accounts", request).body["account"]["domain_id"] == account["domain_id"]
    assert kindling.api("DELETE", f"/api/keys/{key_id.upper()}", query={"force": ""}).status == 200


@pytest.mark.parametrize("domain_id", [NIL_ID, ABSENT, ABSENT.upper(), "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_an_absent_id_in_a_body_is_not_found(kindling: Kindling, domain_id: str) -> None:
    reply = kindling.api.post("/api/email/accounts", {"username": "kim", "domain_id": domain_id})
    assert (reply.status, reply.body["message"]) == (404, "There is no such domain.")


@pytest.mark.parametrize("domain_id", ["", f" {ABSENT[:-1]}", ABSENT.replace("-", ""), f"{{{ABSENT}}}", f"{ABSENT}0"])
def test_a_text_that_is_no_id_is_refused_in_a_body(kindling: Kindling, domain_id: str) -> None:
    reply = kindling.api.post("/api/email/accounts", {"username": "kim", "domain_id": domain_id})
    assert (reply.status, [field["field"] for field in reply.body["fields"]]) == (400, ["domain_id"])
    assert ABSENT in reply.body["message"]


def test_a_hostile_value_in_any_field_of_a_body_is_at_most_refused(generous: Kindling, sample: Sample) -> None:
    account = sender(generous)
    ids = {"account_id": account["id"], "domain_id": account["domain_id"]}
    cases = []
    for route in ROUTES:
        if route.body:
            body = body_of(route) or {}
            declared = [(field.alias or name,) for name, field in route.body.model_fields.items()]
            paths = dict.fromkeys([*places(body), *declared, ("unknown",)])
            cases += [(route, path, number) for path in paths for number in range(len(VALUES))]
    assert len(cases) > 2_000
    for route, path, number in sample(cases, one_in=41):
        generous.clock.advance(seconds=1)
        body = with_value(body_of(route) or {}, path, VALUES[number])
        headers = {"Idempotency-Key": f"{route.name} {path} {number}"}
        reply = generous.api(route.method, concrete(route, **ids), body, headers=headers)
        is_answered(reply, (route.name, path, str(VALUES[number])[:40]))
        if path == ("unknown",):
            assert reply.status in (400, 413), route.name


def test_a_hostile_value_of_any_query_parameter_is_at_most_refused(generous: Kindling, sample: Sample) -> None:
    account = sender(generous)
    ids = {"account_id": account["id"], "domain_id": account["domain_id"]}
    cases = [
        (route, name, value)
        for route in ROUTES
        for name in [*(route.query.model_fields if route.query else ()), "unknown", "", "\x00", "\ud800", "x" * 5_000]
        for value in QUERY_VALUES
    ]
    for route, name, value in sample(cases, one_in=61):
        generous.clock.advance(seconds=1)
        reply = generous.api(route.method, concrete(route, **ids), body_of(route), query={name: value})
        is_answered(reply, (route.name, name[:20], value[:20]))
        if route.query is None or name not in route.query.model_fields:
            assert reply.status == 400, (route.name, name[:20])


@pytest.mark.parametrize(
    "raw",
    [
        '{"domain": "\\ud800.com"}',
        '{"domain": "acme\\u0000.com"}',
        '{"domain": 1e999}',
        '{"domain": -1e999}',
        '{"domain": NaN}',
        '{"domain": Infinity}',
        '{"domain": ' + "9" * 5_000 + "}",
        '{"domain": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"domain": ' + '{"a": ' * 100_000 + "1" + "}" * 100_000 + "}",
        '{"domain": "a.com"} {}',
        '\ufeff{"domain": "a.com"}',
        "{'domain': 'a.com'}",
    ],
    ids=range(12),
)
def test_json_that_hardly_is_json_is_refused(kindling: Kindling, raw: str) -> None:
    reply = kindling.api("POST", "/api/email/domains", raw=raw)
    is_answered(reply, raw[:40])
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("text", ["\xff\xfe", "\ud800", "\x00", "é", "🦊", "a\r\nb: c", " "])
def test_headers_of_odd_bytes_are_read_or_refused(kindling: Kindling, text: str) -> None:
    for name in ("Idempotency-Key", "Content-Type", "Authorization", "Prefer", "X-Forwarded-For", text):
        for path, body in (("/v1/suppressions", {"email": "pat@example.com"}), ("/api/keys", {"name": "ci"})):
            reply = kindling.api("POST", path, body, headers={name: text})
            is_answered(reply, (name, text))


def test_an_answer_tells_the_first_problems_of_many_and_the_beginning_of_a_long_one(kindling: Kindling) -> None:
    many = kindling.api.post("/api/keys", {"name": "ci", **{f"x{number}": 1 for number in range(50_000)}})
    assert (many.status, len(many.body["fields"])) == (400, MOST_PROBLEMS)
    long = kindling.api.post("/api/keys", {"name": "ci", "x" * 500_000: 1}, Idempotency_Key="k")
    assert (long.status, long.body["fields"][0]["field"]) == (400, "x" * MOST_CHARACTERS)


def test_a_field_named_like_a_part_of_the_request_is_named(kindling: Kindling) -> None:
    for name in ("query", "body", "path"):
        reply = kindling.api.post("/api/keys", {"name": "ci", name: 1})
        assert [field["field"] for field in reply.body["fields"]] == [name]
