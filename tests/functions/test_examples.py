"""The examples of the OpenAPI document: a story in which every route answers and every error is met.

Run with `--write`, it keeps what it was answered in docs/examples.json; without, what it is answered has to be there.
"""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from kindling.accounts import store as accounts
from kindling.errors import KindlingError, ProviderError, StoreUnavailable
from kindling.operations import service as operations
from kindling.platform import aws, clock
from kindling.platform.settings import settings
from kindling.platform.transitions import Graph
from kindling.suppressions import importing
from kindling.warming import store as warming
from local import openapi
from tests.conftest import Kindling, issue
from tests.functions.api.test_schedules import own
from tests.functions.api.test_send import email as email_from
from tests.functions.test_webhooks import UNDETERMINED, report
from tests.harness import contract
from tests.harness.cases import Gateway
from tests.harness.examples import Examples
from tests.harness.lambdas import Api, Reply
from tests.harness.machines import fails
from tests.template.test_calls import live_through_everything, work

DOMAINS, ACCOUNTS, SEND, KEYS = "/api/email/domains", "/api/email/accounts", "/v1/send", "/api/keys"
ENABLE = ("instantly", "POST", "/api/v2/accounts/warmup/enable")
NAME = "news.example"
SENTENCES = {
    "ProviderError": "AgentMail answered what is not known.",
    "ProviderRefused": "AgentMail answered 422 unprocessable.",
    "ProviderMisconfigured": "AgentMail refuses our API key or plan (402).",
    "KeyRefused": "AgentMail does not accept our API key.",
    "ProviderUnavailable": "AgentMail did not answer.",
    "MailboxNotReady": "Instantly could not log in to the mailbox yet.",
    "TagVanished": "Instantly does not know the tag any more.",
    "WarmupBusy": "Another warmup job runs in Instantly's workspace.",
    "WarmupUnconfirmed": "Instantly has accepted the warmup, but does not show it as on yet.",
}


email = partial(email_from, name=NAME)


def is_error(reply: Reply, code: str) -> None:
    assert reply.status >= 400, reply.body
    assert reply.body["error"] == code


def look_around(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API itself, and what answers 202 while an execution has not begun yet."""
    assert kindling.api.get("/v1/audit", route="/api/email/domains").status == 200
    anybody = Api("")
    for path in ("/", "/docs", "/openapi.json", "/healthz"):
        known = anybody.get(path).headers.get("ETag")
        if known:
            assert anybody("GET", path, headers={"If-None-Match": known}).status == 304
    first, second = (kindling.verified_domain(name) for name in ("slow.example", "idle.example"))
    account = kindling.account("kim", first)
    later = {"Prefer": "respond-async"}
    with monkeypatch.context() as patch:
        patch.setattr(operations, "_execute", lambda *_: None)
        for path, body in (
            (DOMAINS, {"domain": "later.example"}),
            ("/v1/domains", {"domain": "evening.example"}),
            (ACCOUNTS, {"username": "max", "domain_id": first["id"]}),
        ):
            assert kindling.api.post(path, body, **later).status == 202
        for path in (f"{ACCOUNTS}/{account['id']}", f"{DOMAINS}/{first['id']}", f"/v1/domains/{second['id']}"):
            assert kindling.api("DELETE", path, headers=later).status == 202
        patch.setattr(importing, "ANSWER_SECONDS", 0)
        job = kindling.api.post("/v1/imports/suppressions/preview", {"rows": [{"email": "ann@example.com"}]}).body
        assert kindling.api.post(f"/v1/imports/suppressions/jobs/{job['job_id']}/commit").status == 202
        is_error(kindling.api("DELETE", f"/v1/domains/{second['id']}"), "row_not_deleted")


def send(kindling: Kindling) -> None:
    """Messages that are accepted, and one for each way of being refused."""
    api = kindling.api
    is_error(api.post(SEND, email()), "unknown_sender")
    account = kindling.account("kim", kindling.verified_domain(NAME))
    path = f"{ACCOUNTS}/{account['id']}"
    is_error(api.post(SEND, email()), "account_not_active")
    is_error(api.patch(f"{path}/retry-warmup"), "warmup_not_retryable")
    assert api.patch(path, {"warmup_enabled": False}).status == 200
    assert api.post(SEND, email()).status == 202
    assert api.post(f"{SEND}/batch", {"emails": [email(), email(user="nobody")]}).status == 202
    assert api.post("/v1/suppressions", {"email": "max@example.com"}).status == 201
    is_error(api.post(SEND, email(["max@example.com"])), "recipients_suppressed")
    # Retries have waited for a random time.
    kindling.clock.at = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    is_error(api.post(SEND, email(20)), "rate_limit_exceeded")
    domain = f"/v1/domains/{NAME}"
    assert api("PUT", domain, {"active": False}).status == 200
    is_error(api.post(SEND, email()), "domain_not_sending")
    assert api("PUT", domain, {"active": True}).status == 200
    is_error(api.post(f"{domain}/warming/resume"), "not_paused")
    is_error(api.post(f"{domain}/warming/start"), "already_warming")
    assert api.post(f"{domain}/warming/pause").status == 200
    is_error(api.post(SEND, email()), "warming_paused")
    assert api.post(f"{domain}/warming/resume").status == 200
    assert report(kindling, "sent", 200, inbox=f"kim@{NAME}")
    assert report(kindling, "bounced", 60, inbox=f"kim@{NAME}", **UNDETERMINED)
    for kind, period in (("", "days"), ("/daily", "days"), ("/hourly", "hours"), ("/isp", "days")):
        assert api.get(f"{domain}/stats{kind}", **{period: "2"}).status == 200
    work("JudgeWarmingFunction", "judgements_queue_url")
    is_error(api.post(SEND, email()), "warming_suspended")
    aws.table().update_item(
        Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"WARMING#{account['domain_id']}"},
        UpdateExpression="SET phase = :rest",
        ExpressionAttributeValues={":rest": "not_started"},
    )
    is_error(api.post(SEND, email()), "warming_not_started")
    is_error(api.post(f"{domain}/warming/pause"), "not_warming")
    waiting = api.post("/v1/domains", {"domain": "external-wait.example"}).body
    is_error(api.post(f"/v1/domains/{waiting['id']}/warming/start"), "prerequisites_not_met")
    is_error(api.post(ACCOUNTS, {"username": "kim", "domain_id": waiting["id"]}), "domain_not_verified")
    is_error(api.post(ACCOUNTS, {"username": "kim", "domain_id": account["domain_id"]}), "address_taken")
    assert api("DELETE", path).status == 200
    is_error(api.post(ACCOUNTS, {"username": "kim", "domain_id": account["domain_id"]}), "address_burnt")


def be_refused(kindling: Kindling) -> None:
    """What any caller may be told."""
    api = kindling.api
    is_error(Api("").get(DOMAINS), "unauthorized")
    is_error(kindling.reader.post(DOMAINS, {"domain": "ten.example"}), "forbidden")
    is_error(kindling.test_api.post(DOMAINS, {"domain": "ten.example"}), "live_key_required")
    is_error(api.post(DOMAINS, {"domain": "nonsense"}), "invalid_request")
    is_error(api.get(f"{DOMAINS}/3c90c3cc-0d44-4b50-8888-8dd25736052a"), "not_found")
    is_error(api("POST", DOMAINS, raw=" " * 1_000_001), "payload_too_large")
    is_error(api("POST", DOMAINS, raw="domain=a", headers={"Content-Type": "text/plain"}), "unsupported_media_type")
    is_error(api.post(DOMAINS, {"domain": NAME}), "domain_exists")
    is_error(kindling.other.post(DOMAINS, {"domain": NAME}), "domain_taken")
    assert api.post(DOMAINS, {"domain": "ten.example"}, Idempotency_Key="k1").status == 201
    is_error(api.post(DOMAINS, {"domain": "seven.example"}, Idempotency_Key="k1"), "idempotency_key_reused")
    meanwhile: list[Reply] = []

    def ask(real: Callable[[Any, Any], Any], event: Any) -> Any:
        meanwhile.append(api.post(DOMAINS, {"domain": "seven.example"}, Idempotency_Key="k2"))
        return real(event, None)

    kindling.lambdas.overrides["ClaimNameFunction"] = ask
    assert api.post(DOMAINS, {"domain": "seven.example"}, Idempotency_Key="k2").status == 201
    is_error(meanwhile[0], "request_running")
    for kind in kinds(ProviderError):
        kindling.lambdas.overrides["ClaimNameFunction"] = fails(kind(SENTENCES[kind.__name__]))
        is_error(api.post(DOMAINS, {"domain": "eight.example"}), kind.code)
    kindling.lambdas.overrides.clear()


def kinds(error: type[KindlingError]) -> list[type[KindlingError]]:
    return [error, *(kind for child in error.__subclasses__() for kind in kinds(child))]


def keep_keys(kindling: Kindling) -> None:
    """Keys that may not be made, ended or rotated."""
    admin = Api(issue(str(uuid.uuid4()), ["admin"]))
    is_error(admin.post(KEYS, {"name": "more", "scopes": ["send"]}), "key_exceeds_maker")
    (own,) = (key for key in admin.get(KEYS).body["keys"] if key["scopes"] == ["admin"])
    is_error(admin("DELETE", f"{KEYS}/{own['id']}"), "last_admin_key")
    spare = admin.post(KEYS, {"name": "spare", "scopes": ["admin"]}).body["key"]
    assert admin("DELETE", f"{KEYS}/{spare['id']}").status == 200
    is_error(admin.post(f"{KEYS}/{spare['id']}/rotate"), "conflict")


def meet_others(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that come between others, and our own failures."""
    api = kindling.api
    kindling.world.fault(*ENABLE, "refuse", status=500)
    account = kindling.account("lee", kindling.verified_domain("nine.example"))
    kindling.world.heal()
    retry = f"{ACCOUNTS}/{account['id']}/retry-warmup"

    def broken(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr(Graph, "swap", broken)
        is_error(api.patch(retry), "status_not_saved")
    row = accounts.get(kindling.user_id, account["id"])
    assert row
    assert accounts.start_retry(row, clock.timestamp(), "2030-01-01T00:00:00.000Z")
    is_error(api.patch(retry), "warmup_retry_running")
    real = warming.put_schedule

    def late(user_id: str, schedule: Any) -> None:
        monkeypatch.setattr(warming, "put_schedule", real)
        assert api("PUT", "/v1/warming/schedules", own(20)).status == 200
        real(user_id, schedule)

    monkeypatch.setattr(warming, "put_schedule", late)
    is_error(api("PUT", "/v1/warming/schedules", own(10)), "stale_status")
    torn = {"pk": "A", "sk": "B", "owner": f"{kindling.user_id}#domain", "created_at": "now", "status": "torn"}
    aws.table().put_item(Item=torn)
    is_error(api.get(DOMAINS), "internal_error")
    monkeypatch.setenv("KEY_CREATES_PER_HOUR", "1")
    settings.cache_clear()
    kindling.clock.at = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
    is_error([api.post(KEYS, {"name": name}) for name in ("one", "two")][1], "quota_exceeded")
    monkeypatch.setenv("TABLE_NAME", "missing")
    settings.cache_clear()
    aws.table.cache_clear()
    is_error(api.get(DOMAINS), "store_unavailable")


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Examples:
    """Filled with every answer of the test."""
    noted, check = Examples(), contract.check

    def check_and_note(*answer: Any) -> None:
        check(*answer)
        noted.note(*answer)

    monkeypatch.setattr(contract, "check", check_and_note)
    return noted


def promised() -> tuple[set[tuple[str, str]], set[str]]:
    """Each JSON answer of the document, as operation and status, and each code of an error."""
    answers, codes = set(), set()
    for path in contract.document()["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                schema = response.get("content", {}).get("application/json", {}).get("schema")
                if schema and status >= "400":
                    codes |= set(schema["allOf"][1]["properties"]["error"]["enum"])
                elif schema and operation["operationId"] != "get_openapi":
                    answers.add((operation["operationId"], status))
    return answers, codes


def test_every_answer_and_every_error_has_an_example_that_is_still_given(
    kindling: Kindling,
    examples: Examples,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    gateway: Gateway,
) -> None:
    live_through_everything(kindling, gateway)
    look_around(kindling, monkeypatch)
    send(kindling)
    be_refused(kindling)
    keep_keys(kindling)
    meet_others(kindling, monkeypatch)
    answers, codes = promised()
    assert {(name, status) for name, statuses in examples.answers.items() for status in statuses} == answers
    assert set(examples.errors) == codes
    if request.config.getoption("--write"):
        openapi.ANSWERS.write_text(examples.text())
    assert json.loads(openapi.ANSWERS.read_text()) == json.loads(examples.text()), "run make openapi"
