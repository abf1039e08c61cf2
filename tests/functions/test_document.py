"""The OpenAPI document against the handlers: what schemathesis makes of it is answered as it says."""

from pathlib import Path

import httpx
import pytest

from tests.conftest import Kindling
from tests.harness import cases
from tests.template.test_calls import fine

CASES, ALL = 2, 220  # of each operation; those of `--whole` are more than 10,000 in all


@pytest.fixture
def without_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "TENANT_REQUESTS_PER_SECOND",
        "KEY_REQUESTS_PER_SECOND",
        "TENANT_CREATES_PER_HOUR",
        "KEY_CREATES_PER_HOUR",
    ):
        monkeypatch.setenv(name, "1000000")


def test_what_the_document_allows_and_what_it_does_not_is_answered_as_it_says(
    without_quotas: None, kindling: Kindling, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    account = kindling.account()
    spare = fine(kindling.api.post("/api/keys", {"name": "spare"}))["key"]
    fine(kindling.api.post("/v1/suppressions", {"email": "max@example.com"}))
    fine(kindling.api.patch(f"/api/email/accounts/{account['id']}", {"warmup_enabled": False}))
    fine(
        kindling.api.post("/v1/send", {"from": account["email_address"], "to": ["pat@example.com"], "text_body": "Hi"})
    )
    (sent,) = fine(kindling.api.get("/v1/emails"))["emails"]
    webhook = fine(kindling.api.post("/v1/webhooks", {"url": "https://hooks.invalid/"}))["webhook"]
    job = fine(kindling.api.post("/v1/imports/suppressions/preview", {"rows": [{"email": "ann@example.com"}]}))
    operation = fine(kindling.api.post("/api/email/domains", {"domain": "two.example"}, Prefer="respond-async"))
    ids = {
        "account_id": [account["id"]],
        "domain_id": [account["domain_id"], "acme.example", "two.example"],
        "email": ["max@example.com", "pat@example.com"],
        "email_id": [sent["id"]],
        "job_id": [job["job_id"]],
        "key_id": [spare["id"]],
        "operation_id": [operation["operation"]["id"]],
        "webhook_id": [webhook["id"]],
    }
    whole = request.config.getoption("--whole")
    gateway = cases.Gateway(tmp_path)

    def answer(request: httpx.Request) -> httpx.Response:
        # So that the warmup provider is done with the request before.
        kindling.clock.advance(seconds=10)
        return gateway(request)

    transport = httpx.MockTransport(answer)
    with httpx.Client(base_url="http://kindling", transport=transport) as client:
        made = cases.run(client, kindling.api.key, ids, cases=ALL if whole else CASES, fixed=not whole)
    assert made > (10_000 if whole else 80)
