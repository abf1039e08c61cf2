"""The AWS calls of each function, during a story that runs all of them, compared with the template's permissions.

moto lets everybody do everything and every function sees every setting: a grant or a secret that is missing from
the template would be noticed on AWS only.
"""

import base64
import hmac
import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from kindling import providers
from kindling.accounts.model import mark
from kindling.events import connection
from kindling.keys import authentication, quota
from kindling.operations import parts, service
from kindling.operations import store as operations
from kindling.platform import aws, clock, due, table
from kindling.platform.settings import settings
from kindling.providers import credentials
from kindling.sending import service as sending
from local import openapi
from tests.conftest import SECRETS as CONFIGURED
from tests.conftest import Kindling
from tests.harness import lambdas, machines
from tests.harness.bus import listening
from tests.harness.cases import Gateway
from tests.harness.lambdas import Handler, Reply, invoke
from tests.harness.machines import Override, dies_after_work, fails
from tests.harness.pages import Browser
from tests.harness.rows import running
from tests.harness.stream import followed
from tests.harness.template import MAPPINGS
from tests.template.test_policies import (
    ASKING,
    AUDITED,
    CHECK,
    CONSUME,
    DELETE,
    FOLLOW,
    GET,
    GRANTED,
    POSTMASTER,
    PROVIDERS,
    PUT,
    SECRET,
    UPDATE,
    environment,
)

TRANSACTED = {"ConditionCheck": CHECK, "Put": PUT, "Update": UPDATE, "Delete": DELETE}
# An idempotency record is deleted after a 5xx answer: these functions give none in this story.
UNBLAMED = (
    "UpdateDomain",
    "StartWarming",
    "PauseWarming",
    "ResumeWarming",
    "ExplainWarming",
    "SendBatch",
    "CreateAccounts",
    "ReplayDeliveries",
    "PreviewImport",
    "CommitImport",
)
UNREACHED = {f"{name}Function": {DELETE} for name in (*UNBLAMED, "CreateSuppression")}
# Nor does it read anything else by a key: a repeat brings its record along with the failed condition.
UNREACHED |= {"CreateAccountsFunction": {GET, DELETE}, "PreviewImportFunction": {GET, DELETE}}
# A warmup is scheduled for removal when its account is deleted during the worker's look at it.
UNREACHED |= {"EnableWarmupsFunction": {PUT}}
# Lambda's event source reads and deletes a worker's messages.
for worker in (mapping["FunctionName"]["Ref"] for mapping in MAPPINGS.values()):
    UNREACHED[worker] = UNREACHED.get(worker, set()) | CONSUME

# And the table's stream.
UNREACHED |= {"PublishChangesFunction": FOLLOW, "AnnounceChangesFunction": FOLLOW}

# The words of the writes that take a token: they name no other attribute.
TOKEN = {"SET", "full_at", "=", "+", ":cost", ":after", ":until"}
DOMAINS, ACCOUNTS = "/api/email/domains", "/api/email/accounts"
DOMAIN_PAGES = "/console/domains"
INSTANTLY = {"Authorization": "Bearer inst_test"}
VERIFIED = {"event_type": "domain.verified", "domain": {"domain": "two.example"}}


class Watch:
    """The actions and the secrets that each function used."""

    def __init__(self) -> None:
        self.actions: defaultdict[str, set[str]] = defaultdict(set)
        self.secrets: defaultdict[str, set[str]] = defaultdict(set)
        # The functions that used the permissions of the caller's policy.
        self.callers: set[str] = set()
        # The functions that used both permissions of the policy of the audit log.
        self.auditors: defaultdict[str, set[str]] = defaultdict(set)
        # The functions that took a token of a provider's rate limit, with the secrets of those providers.
        self.limited: defaultdict[str, set[str]] = defaultdict(set)
        # The functions that asked whether a tenant has workspaces of its own.
        self.credentialed: set[str] = set()
        self._here = threading.local()
        self._entered: list[str] = []

    def watched(self, function: str, real: Handler) -> Handler:
        def run(event: Any, context: Any) -> Any:
            outer = getattr(self._here, "function", None)
            self._here.function = function
            self._entered.append(function)
            # As in a separate execution environment.
            aws._secrets.clear()
            authentication._cache.clear()
            credentials._cache.clear()
            quota._leases.clear()
            sending._claims.clear()
            for door in (providers._mail, providers._warmup, providers._dns, providers._reputation):
                door.cache_clear()
            try:
                return real(event, context)
            finally:
                self._here.function = outer
                self._entered.remove(function)

        return run

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        # Calls in a thread are attributed to the function that started it; invocations by a state machine and the
        # reads of an event source to none.
        function = getattr(self._here, "function", None) or next(reversed(self._entered), None)
        if function is None or model.name in ("Invoke", "ReceiveMessage", "DeleteMessage"):
            return
        sent = json.loads(params["body"])
        if model.name == "TransactWriteItems":
            used = {TRANSACTED[verb] for item in sent["TransactItems"] for verb in item}
        elif of_the_caller(model.name, sent):
            self.callers.add(function)
            return
        elif of_the_audit_log(model.name, sent):
            self.auditors[function].add(model.name)
            return
        elif sent.get("Key", {}).get("pk", {}).get("S", "").startswith("CREDENTIALS#"):
            assert model.name == "GetItem"
            self.credentialed.add(function)
            return
        elif provider := of_a_rate_limit(model.name, sent):
            self.limited[function].add(f"{provider.upper()}_SECRET")
            return
        else:
            used = {f"{model.service_model.endpoint_prefix}:{model.name.removesuffix('Batch')}"}
        if used == {SECRET}:
            secret = sent["SecretId"].rpartition(":")[2].rpartition("-")[0]
            self.secrets[function].add(f"{secret.upper()}_SECRET")
        self.actions[function] |= used


def of_the_caller(call: str, sent: dict[str, Any]) -> bool:
    """Whether the caller's policy grants a call: reading a key's row, recording its use, or counting a quota."""
    item = sent.get("Key", {}).get("pk", {}).get("S", "")
    if call == "GetItem":
        return bool(item.startswith("KEY#"))
    stamps = item.startswith("KEY#") and sent["UpdateExpression"] == "SET last_used_at = :at"
    return call == "UpdateItem" and (stamps or item.startswith("QUOTA#"))


def of_the_audit_log(call: str, sent: dict[str, Any]) -> bool:
    """Whether the policy of the audit log grants a call: writing an entry, or noting what was answered."""
    item = sent.get("Item" if call == "PutItem" else "Key", {}).get("pk", {}).get("S", "")
    answers = call == "UpdateItem" and sent.get("ExpressionAttributeNames") == {"#answered": "answered"}
    return "#AUDIT#" in item and (answers or call == "PutItem")


def of_a_rate_limit(call: str, sent: dict[str, Any]) -> str:
    """The provider of whose rate limit a call takes a token; empty for any other call."""
    item = sent.get("Key", {}).get("pk", {}).get("S", "")
    takes = call == "UpdateItem" and item.startswith("PROVIDER#") and set(sent["UpdateExpression"].split()) <= TOKEN
    return item.removeprefix("PROVIDER#") if takes else ""


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, cloud: None) -> Iterator[Watch]:
    watch, real = Watch(), lambdas.handler
    for provider in (*PROVIDERS.values(), POSTMASTER):
        monkeypatch.setenv(f"{provider.upper()}_REQUESTS_PER_SECOND", "50")
    for module in (lambdas, machines):
        monkeypatch.setattr(module, "handler", lambda name: watch.watched(name, real(name)))
    tables = [aws.dynamodb().meta.client, aws.dynamodb_client()]
    clients = [*tables, aws.stepfunctions(), aws.sqs(), aws.secrets(), aws.eventbridge()]
    for client in clients:
        client.meta.events.register("before-call", watch.note)
    yield watch
    for client in clients:
        client.meta.events.unregister("before-call", watch.note)


def fine(reply: Reply) -> Any:
    assert reply.status < 400, reply.body
    return reply.body


def work(function: str, queue: str) -> None:
    """Run the worker on all messages of its queue."""
    url = getattr(settings(), queue)
    messages = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    invoke(function, {"Records": [{"messageId": m["MessageId"], "body": m["Body"]} for m in messages]})


def forget_challenge(kindling: Kindling, domain_id: str) -> None:
    """Remove the challenge from the row, as in rows of earlier versions."""
    key = {"pk": f"TENANT#{kindling.user_id}", "sk": f"DOMAIN#{domain_id}"}
    aws.table().update_item(Key=key, UpdateExpression="REMOVE ownership")


def register_domains(kindling: Kindling) -> str:
    """A domain that its worker verifies, and one that the list verifies, whose save lost its answer."""
    api = kindling.api
    first = fine(api.post(DOMAINS, {"domain": "acme.example"}, Idempotency_Key="d1"))["domain"]
    path = f"{DOMAINS}/{first['id']}"
    kindling.clock.advance(minutes=11)
    assert invoke("VerifyDomainsFunction", {}) == {"queued": 1}
    forget_challenge(kindling, first["id"])
    work("CheckDomainFunction", "verifications_queue_url")
    for creation in (DOMAINS, "/v1/domains"):
        assert kindling.other.post(creation, {"domain": "acme.example"}).status == 409
    kindling.lambdas.overrides["SaveDomainFunction"] = dies_after_work()
    second = fine(api.post(DOMAINS, {"domain": "two.example"}))["domain"]
    kindling.lambdas.overrides.clear()
    kindling.clock.advance(seconds=30)
    forget_challenge(kindling, second["id"])
    assert [row["status"] for row in fine(api.get(DOMAINS))["domains"]] == ["verified", "verified"]
    fine(api.get(path))
    fine(api.get(f"{path}/dns-records"))
    # A provider failure under an Idempotency-Key.
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=422, calls=[1])
    assert api.post(f"{path}/verify", Idempotency_Key="v1").status == 502
    forget_challenge(kindling, first["id"])
    fine(api.post(f"{path}/verify", Idempotency_Key="v1"))
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=422, calls=[1])
    assert api.post(f"{path}/dns-records/sync", Idempotency_Key="v2").status == 502
    forget_challenge(kindling, first["id"])
    fine(api.post(f"{path}/dns-records/sync", Idempotency_Key="v2"))
    override = {"status": "pending"}
    fine(api("PATCH", f"{DOMAINS}/{second['id']}", override, headers={"Idempotency-Key": "o1"}))
    return str(first["id"])


def warm_an_account(kindling: Kindling, domain_id: str) -> str:
    """An account whose warmup is refused at first, is deleted at the provider and retried, and is banned in the end."""
    api = kindling.api
    kindling.world.fault("instantly", "POST", "/api/v2/accounts/warmup/enable", "refuse", status=500)
    request = {"username": "kim", "domain_id": domain_id}
    account = fine(api.post(ACCOUNTS, request, Idempotency_Key="a1"))["account"]
    path = f"{ACCOUNTS}/{account['id']}"
    remove = httpx.Request("DELETE", "http://sandbox/api/v2/accounts/kim@acme.example", headers=INSTANTLY)
    assert kindling.world.sandbox.handle(remove).is_success
    assert kindling.retry_warmups(minutes=1) == 1
    fine(api.get(ACCOUNTS))
    fine(api.get(path))
    many = {"accounts": [{"username": name, "domain_id": domain_id} for name in ("kim", "zoe")]}
    batch = api.post(f"{ACCOUNTS}/batch", many, Idempotency_Key="m1")
    assert fine(api.get(batch.headers["Location"]))["operation"]["progress"]["exists"] == 1
    assert api("PATCH", f"{path}/retry-warmup", headers={"Idempotency-Key": "r1"}).status == 502
    kindling.world.heal()
    assert kindling.world.sandbox.handle(remove).is_success
    fine(api("PATCH", f"{path}/retry-warmup", headers={"Idempotency-Key": "r1"}))
    kindling.world.fault("agentmail", "PATCH", "/v0/inboxes/*", "refuse", status=422, calls=[1])
    change = {"display_name": "Kim", "signature": "Kim"}
    assert api("PATCH", path, change, headers={"Idempotency-Key": "u1"}).status == 502
    fine(api("PATCH", path, change, headers={"Idempotency-Key": "u1"}))
    kindling.world.set(warmup_states={"kim@acme.example": -1})
    kindling.clock.advance(hours=2)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}
    work("ReviewAccountsFunction", "reviews_queue_url")
    fine(api.post(ACCOUNTS, {"username": "max", "domain_id": domain_id}))
    kindling.world.set(warmup_states={"max@acme.example": -1})
    assert fine(api.get(f"{ACCOUNTS}/warmup-analytics"))["transitions"]
    return str(account["id"])


def warm_and_send(kindling: Kindling) -> None:
    """A domain of `/v1` from registration to deletion, with a pause and bounces."""
    api = kindling.api
    kindling.lambdas.overrides["SaveDomainFunction"] = fails(RuntimeError("no"), times=9)
    assert api.post("/v1/domains", {"domain": "v.example", "type": "both"}, Idempotency_Key="w0").status == 502
    kindling.lambdas.overrides.clear()
    kindling.world.set(domain_states={"known.example": {"status": "VERIFIED"}})
    assert fine(api.post("/v1/domains", {"domain": "known.example"}))["verified"]
    path = f"/v1/domains/{fine(api.post('/v1/domains', {'domain': 'v.example'}, Idempotency_Key='w1'))['id']}"
    fine(api.get("/v1/domains"))
    fine(api("PUT", path, {"type": "both"}))
    fine(api.get(f"{path}/dns"))
    fine(api.post(f"{path}/warming/start", {"force": True}, Idempotency_Key="w2"))
    kindling.clock.advance(seconds=30)
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=422, calls=[1])
    assert api.post(f"{path}/verify", Idempotency_Key="w3").status == 502
    forget_challenge(kindling, path.rpartition("/")[2])
    fine(api.post(f"{path}/verify", Idempotency_Key="w3"))
    fine(api.post(f"{path}/warming/pause", {}, Idempotency_Key="w4"))
    fine(api.post(f"{path}/warming/resume", {}, Idempotency_Key="w5"))
    fine(api.post(f"{path}/warming/explain", {}, Idempotency_Key="w6"))
    fine(api("PUT", f"{path}/warming/cap", {"daily_limit": 300_000}))
    fine(api("PUT", "/v1/warming/schedules", {"preset": "tiered"}))
    domain = fine(api.get(path))
    account = kindling.account("vic", domain)
    fine(api.patch(f"{ACCOUNTS}/{account['id']}", {"warmup_enabled": False}))
    email = {"from": "vic@v.example", "to": ["pat@example.com"], "text_body": "Hello"}
    sent = []
    for route, body in (("/v1/send", email), ("/v1/send/batch", {"emails": [email]})):
        kindling.world.fault("agentmail", "POST", "/v0/inboxes/*", "refuse", status=422, calls=[1])
        api.post(route, body, Idempotency_Key="w7")
        sent.append(fine(api.post(route, body, Idempotency_Key="w7")))
    fine(api.post("/v1/suppressions", {"email": "max@example.com"}, Idempotency_Key="w8"))
    fine(api.get("/v1/suppressions"))
    fine(api("GET", "/v1/suppressions/check", query={"email": "max@example.com"}))
    fine(api("DELETE", "/v1/suppressions/max@example.com"))
    kindling.world.set(gmail_days={"v.example": {f"{clock.today()}": {"spam_rate": 0.001}}})
    kindling.clock.advance(days=1)
    assert invoke("ReadSpamRatesFunction", {})["changed"] == 1
    assert invoke("AdvanceWarmingFunction", {})["queued"] > 0
    work("JudgeWarmingFunction", "judgements_queue_url")
    everybody = [f"{i}@example.com" for i in range(9)]
    told = {"inbox_id": "vic@v.example", "message_id": sent[0]["message_id"], "recipients": everybody}
    bounced = {"event_type": "message.bounced", "bounce": told | {"type": "Permanent"}}
    for event in ({"event_type": "message.sent", "send": told}, bounced, VERIFIED):
        assert receive(kindling, event)["counted"]
    work("JudgeWarmingFunction", "judgements_queue_url")
    assert fine(api.get(f"{path}/warming"))["phase"] == "paused"
    fine(api.post(f"{path}/warming/resume"))
    for kind in ("warming", "warming/history", "stats", "stats/daily", "stats/hourly", "stats/isp"):
        fine(api.get(f"{path}/{kind}"))
    fine(api.get("/v1/warming/schedules"))
    fine(api("DELETE", path))


def receive(kindling: Kindling, event: dict[str, Any]) -> Any:
    """Send a signed webhook with `event`."""
    body = json.dumps({"type": "event", "event_id": str(uuid.uuid4()), **event})
    sent_at = str(int(kindling.clock.at.timestamp()))
    key = base64.b64decode(CONFIGURED["agentmail_webhook"].removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"msg_1.{sent_at}.{body}".encode(), "sha256")).decode()
    headers = {"svix-id": "msg_1", "svix-timestamp": sent_at, "svix-signature": f"v1,{signature}"}
    return fine(kindling.api("POST", "/webhooks/agentmail", raw=body, headers=headers))


def tell(kindling: Kindling) -> str:
    """A webhook whose receiver has no address, with a rotated secret and a replay; its id."""
    api, path = kindling.api, "/v1/webhooks"
    made = fine(api.post(path, {"url": "https://hooks.invalid/", "events": ["suppression.*"]}, Idempotency_Key="h1"))
    webhook_id: str = made["webhook"]["id"]
    with followed() as stream:
        fine(api.post("/v1/suppressions", {"email": "lee@example.com"}))
        records = stream.take()
        assert invoke("PublishChangesFunction", {"Records": records}) == {"events": 1, "deliveries": 1}
    with listening(source=["kindling"]):
        assert invoke("AnnounceChangesFunction", {"Records": records}) == {"events": 1}
    with patch.object(connection, "addresses_of", side_effect=OSError):
        work("DeliverEventsFunction", "deliveries_queue_url")
    fine(api.post(f"{path}/{webhook_id}/rotate", Idempotency_Key="h2"))
    fine(api.post(f"{path}/{webhook_id}/replay"))
    (delivery,) = fine(api.get(f"{path}/{webhook_id}/deliveries"))["deliveries"]
    named = {"delivery_id": delivery["id"]}
    assert fine(api.post(f"{path}/{webhook_id}/replay", named, Idempotency_Key="h3"))["replayed"] == 1
    return webhook_id


def use_pages(kindling: Kindling, gateway: Gateway, webhook_id: str) -> None:
    """A visit of the console that reads all that its pages show."""
    browser = Browser(gateway)
    browser.sign_in(kindling.api.key)
    assert browser.submit(DOMAIN_PAGES, domain="pages.example").status == 200
    kindling.clock.advance(seconds=30)
    domain = next(link for link in browser.get(DOMAIN_PAGES).links if link.startswith(f"{DOMAIN_PAGES}/"))
    browser.get(domain)
    assert "phase 1" in browser.submit("/verify").text
    browser.get("/console/accounts")
    browser.submit("/console/accounts", username="ann", domain_id=domain.rpartition("/")[2])
    account = next(link for link in browser.get("/console/accounts").links if link.startswith("/console/accounts/"))
    assert "Reputation" in browser.get(account).text
    assert browser.get(f"/console/webhooks/{webhook_id}").status == 200
    browser.get(domain)
    browser.submit("/delete")


def undo_sagas(kindling: Kindling, domain_id: str) -> None:
    """Both creations, undone from their last step; one of them by the reconciler."""
    api = kindling.api
    for save, path, body in (
        ("SaveAccountFunction", ACCOUNTS, {"username": "lee", "domain_id": domain_id}),
        ("SaveDomainFunction", DOMAINS, {"domain": "three.example"}),
    ):
        kindling.lambdas.overrides[save] = looks(kindling)
        assert api.post(path, body, Idempotency_Key="s1").status == 502
    kindling.lambdas.overrides.clear()
    lost = start(kindling, "four.example")
    kindling.clock.advance(minutes=11)
    assert invoke("ReconcileOperationsFunction", {}) == {"undone": 1, "imported": 0}
    assert fine(api.get(f"/api/operations/{lost}"))["operation"]["state"] == "failed"


def delete_everything(kindling: Kindling, domain_id: str, account_id: str) -> None:
    """Delete an account, then its domain with another account, while two providers fail and after that."""
    api = kindling.api
    unverified = fine(api.post(DOMAINS, {"domain": "external-five.example"}))["domain"]
    fine(api("DELETE", f"{DOMAINS}/{unverified['id']}"))
    # One is left, so that what its domain's deletion does has one order.
    others = [row["id"] for row in fine(api.get(ACCOUNTS))["accounts"] if not row["email_address"].startswith("max@")]
    for other in dict.fromkeys([account_id, *others]):
        fine(api("DELETE", f"{ACCOUNTS}/{other}"))
    kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=503)
    kindling.world.fault("cloudflare", "GET", "/client/v4/zones", "refuse", status=503)
    fine(api("DELETE", f"{DOMAINS}/{domain_id}"))
    assert fine(api.get("/api/cleanups"))["cleanups"]
    for _ in range(2):
        kindling.clock.advance(hours=1)
        assert invoke("RunCleanupsFunction", {})["queued"] > 0
        work("AttemptCleanupFunction", "cleanups_queue_url")
        kindling.world.heal()
    assert kindling.world.inventory()["agentmail"]["inboxes"] == []


def take_stock(kindling: Kindling) -> None:
    """An inbox that appears after its account was undone: reported, and removed a day later."""
    account_id = str(uuid.uuid4())
    table.transact([parts.ended("late@agentmail.to", account_id, kindling.user_id)])
    inbox = {"username": "late", "client_id": mark(account_id)}
    headers = {"Authorization": f"Bearer {CONFIGURED['agentmail']}"}
    made = httpx.Request("POST", "http://sandbox/v0/inboxes", json=inbox, headers=headers)
    assert kindling.world.sandbox.handle(made).is_success
    assert invoke("ReconcileInventoryFunction", {})["incomplete"] == []
    assert [f["target"] for f in fine(kindling.api.get("/api/inventory"))["findings"]] == ["late@agentmail.to"]
    kindling.clock.advance(days=1)
    assert invoke("ReconcileInventoryFunction", {})["removed"] == 1


def bring_suppressions(kindling: Kindling) -> str:
    """An import of an address, which is suppressed then; its id."""
    path, rows = "/v1/imports/suppressions", "email,reason\nann@example.com,complaint\nnobody,\n"
    job = fine(kindling.api.post(f"{path}/preview", {"csv": rows}, Idempotency_Key="i1"))
    job_id: str = job["job_id"]
    fine(kindling.api.post(f"{path}/jobs/{job_id}/commit", Idempotency_Key="i2"))
    return job_id


def read_everything(kindling: Kindling, ids: dict[str, str]) -> None:
    """Every route that only reads, in the order of their files."""
    for one in openapi.routes():
        if one.method == "GET" and one.scope:
            needed = {"email": "pat@example.com"} if one.query and "email" in one.query.model_fields else None
            fine(kindling.api("GET", one.path.format(**ids), query=needed))


def live_through_everything(kindling: Kindling, gateway: Gateway) -> None:
    """Run a story that invokes every function."""
    domain_id = register_domains(kindling)
    account_id = warm_an_account(kindling, domain_id)
    warm_and_send(kindling)
    operation = fine(kindling.api.post(DOMAINS, {"domain": "six.example"}, Prefer="respond-async"))["operation"]
    ids = {"domain_id": domain_id, "account_id": account_id, "operation_id": operation["id"]}
    webhook_id = tell(kindling)
    (email,) = fine(kindling.api("GET", "/v1/emails", query={"to": "pat@example.com", "limit": "1"}))["emails"]
    keys = {"key_id": kindling.api.key.split("_")[2], "webhook_id": webhook_id, "email_id": email["id"]}
    read_everything(kindling, ids | keys | {"job_id": bring_suppressions(kindling)})
    use_pages(kindling, gateway, webhook_id)
    fine(kindling.api("DELETE", f"/v1/webhooks/{webhook_id}"))
    fine(kindling.api.post("/v1/recipients/erase", {"email": "pat@example.com"}, Idempotency_Key="e1"))
    undo_sagas(kindling, domain_id)
    made = fine(kindling.api.post("/api/keys", {"name": "ci"}, Idempotency_Key="k1"))["key"]
    fine(kindling.api.get("/api/keys"))
    fine(kindling.api.post(f"/api/keys/{made['id']}/rotate", Idempotency_Key="k2"))
    fine(kindling.api("DELETE", f"/api/keys/{made['id']}"))
    spare = fine(kindling.api.post("/api/keys", {"name": "spare", "scopes": ["admin"]}))["key"]
    fine(kindling.api("DELETE", f"/api/keys/{spare['id']}"))
    delete_everything(kindling, domain_id, account_id)
    take_stock(kindling)


def looks(kindling: Kindling) -> Override:
    """A step that reads its operation through the API, and then fails."""

    def run(_: Handler, event: Any) -> Any:
        fine(kindling.api.get(f"/api/operations/{event['saga']['operation_id']}"))
        raise RuntimeError("no")

    return run


def start(kindling: Kindling, domain: str) -> str:
    """Write an operation whose execution does not exist; its id."""
    domain_id = str(uuid.uuid4())
    request = {"domain_id": domain_id, "domain": domain, "operation_id": domain_id, "user_id": kindling.user_id}
    arn = kindling.arns["OnboardDomain"].replace(":stateMachine:", ":execution:")
    about = {"kind": "onboard_domain", "subject_id": domain_id, "name": domain, "request": request}
    operation = running(kindling.user_id, domain_id, execution_arn=f"{arn}:four-example-{domain_id}", **about)
    operations.put(operation, due.fields(service.DUE_KIND, domain_id, clock.now()))
    return domain_id


def test_every_function_uses_the_grants_and_the_secrets_that_it_has_and_no_other(
    watch: Watch, kindling: Kindling, gateway: Gateway
) -> None:
    live_through_everything(kindling, gateway)
    assert watch.callers == ASKING
    assert watch.auditors == {name: {"PutItem", "UpdateItem"} for name in AUDITED}
    told = {name: {key for key in environment(name) if key.endswith("_SECRET")} for name in GRANTED}
    assert {name: watch.secrets[name] for name in GRANTED} == told
    limits = {f"{provider.upper()}_SECRET" for provider in (*PROVIDERS.values(), POSTMASTER)}
    # The receiver of webhooks may read any item.
    assert watch.credentialed == {name for name, keys in told.items() if keys & limits} | {"ReceiveAgentmailFunction"}
    assert {name: watch.limited[name] for name in GRANTED} == {name: keys & limits for name, keys in told.items()}
    assert {name: watch.actions[name] | UNREACHED.get(name, set()) for name in GRANTED} == GRANTED
