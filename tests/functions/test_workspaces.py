"""Tenants with their own workspaces at the providers: what happens in one is felt and seen in no other."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import dns.message
import httpx
import pytest

from kindling import providers
from kindling.accounts import enabling, workspaces
from kindling.accounts.model import account_key, mark
from kindling.cleanups.model import CleanupKind
from kindling.cleanups.parts import scheduled
from kindling.domains import registrations, zones
from kindling.errors import Conflict, KeyRefused, ProviderUnavailable
from kindling.inventory import findings
from kindling.inventory.model import GRACE
from kindling.operations import parts as operations
from kindling.platform import aws, clock, parallel, table, tenancy
from kindling.platform.settings import settings
from kindling.platform.tenancy import SHARED
from kindling.providers import authoritative, credentials
from kindling.providers import client as provider_client
from kindling.providers.credentials import AGENTMAIL, AGENTMAIL_WEBHOOK, CLOUDFLARE, INSTANTLY
from local.sandbox import Sandbox
from tests.conftest import EVERYTHING, Kindling, World, issue
from tests.functions.test_webhooks import event, signature
from tests.harness.lambdas import Api, Reply, invoke
from tests.harness.nameserver import SandboxNameserver

DOMAINS, ACCOUNTS = "/api/email/domains", "/api/email/accounts"
OWN_KEYS = {AGENTMAIL: "am_own", INSTANTLY: "inst_own", CLOUDFLARE: "cf_own"}
OWN_WEBHOOK = "whsec_" + "b3duIHNlY3JldCBvZiAyNCBieXRlcyE="
NOTHING = {"agentmail": ["domains", "inboxes", "api_keys", "messages"], "instantly": ["accounts", "tags"]}

Answer = Callable[[httpx.Request], httpx.Response]


class Workspaces:
    """The providers with a world for the shared workspaces and one for a tenant's own, told apart by the key."""

    def __init__(self, shared: World) -> None:
        self.shared, self.own = shared, World(Sandbox())
        # What answers a request with one of the tenant's own keys.
        self.answer_own: Answer = self.own.sandbox.handle

    def handle(self, request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self.answer_own(request) if token in OWN_KEYS.values() else self.shared.sandbox.handle(request)

    def nameserver(self, address: str, port: int) -> SandboxNameserver:
        return _EveryZone(self, address, port)


class _EveryZone(SandboxNameserver):
    """The zones of both worlds: below `own.example` they are the tenant's."""

    def __init__(self, both: Workspaces, address: str, port: int) -> None:
        super().__init__(both.shared.sandbox, address, port)
        self._own = SandboxNameserver(both.own.sandbox, address, port)

    def query(self, request: dns.message.QueryMessage, timeout: float, *unused: Any, **options: Any) -> Any:
        name = str(request.question[0].name)
        asked = self._own.query if name.endswith("own.example.") else super().query
        return asked(request, timeout, *unused, **options)


@pytest.fixture
def both(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspaces]:
    """The first tenant has all its own keys; the other ones share the operator's."""
    both = Workspaces(kindling.world)
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(both.handle))
    monkeypatch.setattr(authoritative, "nameserver", both.nameserver)
    for kind, key in {**OWN_KEYS, AGENTMAIL_WEBHOOK: OWN_WEBHOOK}.items():
        give(kindling.user_id, kind, key)
    yield both
    # The clients know the worlds of this test.
    for door in (providers._mail, providers._warmup, providers._dns):
        door.cache_clear()


def give(user_id: str, kind: str, key: str) -> None:
    workspaces.record(user_id, kind, aws.keep_secret(f"kindling/tenants/{user_id}/{kind}", key))


def other_tenant(kindling: Kindling) -> Kindling:
    """Another tenant of the same deployment, which has no keys of its own."""
    user_id = str(uuid.uuid4())
    api = Api(issue(user_id, EVERYTHING))
    return Kindling(user_id, api, kindling.lambdas, kindling.arns, kindling.clock, kindling.world)


def held(world: World) -> dict[str, list[str]]:
    """What a world has beside zones: the kinds, with a resource each."""
    inventory = world.inventory()
    counted = {kind: inventory[provider][kind] for provider, kinds in NOTHING.items() for kind in kinds}
    counted["records"] = inventory["cloudflare"]["records"]
    return {kind: resources for kind, resources in counted.items() if resources}


def refusing(request: httpx.Request) -> httpx.Response:
    """A provider that has suspended a tenant: it refuses its key, or asks it for fewer requests."""
    if request.url.path.startswith("/api/v2"):
        return httpx.Response(429, headers={"Retry-After": "300"}, json={"message": "slow down"})
    return httpx.Response(401, json={"message": "suspended"})


def send_without_warmup(api: Api, account_id: str) -> None:
    """Have an account need no warmup to send."""
    assert api.patch(f"{ACCOUNTS}/{account_id}", {"warmup_enabled": False}).status == 200


def send(api: Api, sender: str) -> Reply:
    return api.post("/v1/send", {"from": sender, "to": ["pat@example.com"], "text_body": "Hello"})


def test_a_tenant_with_its_own_keys_lives_in_its_own_workspaces_and_nowhere_else(
    kindling: Kindling, both: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No zone is bound to it: those of its own account are its own.
    monkeypatch.setenv("ZONE_BINDING", "operator")
    settings.cache_clear()
    api = kindling.api
    domain = api.post(DOMAINS, {"domain": "own.example"}).body["domain"]
    assert domain["dns_sync"]["status"] == "published"
    kindling.clock.advance(minutes=11)
    assert invoke("VerifyDomainsFunction", {}) == {"queued": 1}
    assert kindling.work("CheckDomainFunction", "verifications") == []
    assert api.get(f"{DOMAINS}/{domain['id']}").body["domain"]["status"] == "verified"
    assert api.get(f"{DOMAINS}/{domain['id']}/dns-records").body["cloudflare"]["checked"]
    account = api.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]}).body["account"]
    assert account["status"] == "warming"
    kindling.clock.advance(hours=2)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}
    assert kindling.work("ReviewAccountsFunction", "reviews") == []
    assert account["id"] in api.get(f"{ACCOUNTS}/warmup-analytics").body["analytics"]
    send_without_warmup(api, account["id"])
    assert send(api, "kim@own.example").status == 202
    for after in (timedelta(0), GRACE):
        kindling.clock.at += after
        assert invoke("ReconcileInventoryFunction", {}) == {"findings": 0, "removed": 0, "incomplete": []}
    assert set(held(both.own)) == {"domains", "inboxes", "api_keys", "messages", "accounts", "tags", "records"}
    assert held(both.shared) == {}
    assert api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    kindling.run_cleanups()
    left = held(both.own)
    assert (set(left) - {"messages"}, held(both.shared)) == (set(), {})
    assert zones.list_bindings() == []


def test_a_tenant_that_a_provider_suspends_stops_nobody_else(
    kindling: Kindling, both: Workspaces, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSTANTLY_REQUESTS_PER_SECOND", "50")
    settings.cache_clear()
    mine = kindling.account("kim", kindling.verified_domain("own.example"))
    send_without_warmup(kindling.api, mine["id"])
    other = other_tenant(kindling)
    domain = other.verified_domain("two.example")
    both.answer_own = refusing
    # Each of the other's calls stands between refused ones, in functions that stay warm.
    for number in range(6):
        assert kindling.api.post(f"{DOMAINS}/{mine['domain_id']}/verify").status == 502
        assert send(kindling.api, "kim@own.example").status >= 500
        assert kindling.api.patch(f"{ACCOUNTS}/{mine['id']}", {"signature": f"{number}"}).status == 502
        assert other.api.post(f"{DOMAINS}/{domain['id']}/verify").status == 200
    theirs = other.account("kim", domain)
    assert theirs["status"] == "warming"
    send_without_warmup(other.api, theirs["id"])
    assert send(other.api, "kim@two.example").status == 202


def test_workers_go_on_with_the_others_when_a_tenants_provider_hangs(kindling: Kindling, both: Workspaces) -> None:
    other = other_tenant(kindling)
    mine, theirs = kindling.verified_domain("own.example"), other.verified_domain("two.example")
    for world in (both.own, both.shared):
        world.fault("instantly", "POST", "/api/v2/accounts/warmup/enable", "refuse", status=500)
    waiting = [kindling.account("kim", mine), other.account("kim", theirs)]
    assert [account["status"] for account in waiting] == ["pending", "pending"]
    both.shared.heal()

    def hangs(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return both.own.sandbox.handle(request)
        kindling.clock.advance(seconds=8)
        raise httpx.ReadTimeout("silence", request=request)

    both.answer_own = hangs
    began = kindling.clock.at
    messages = [account_key(one["user_id"], one["id"]) for one in waiting]
    with clock.within(300):
        enabling.enable_together(messages)
    # Half of the time is the first one's, less what is kept for settling.
    assert kindling.clock.at - began < timedelta(seconds=150)
    assert other.api.get(f"{ACCOUNTS}/{waiting[1]['id']}").body["account"]["status"] == "warming"
    assert kindling.api.get(f"{ACCOUNTS}/{waiting[0]['id']}").body["account"]["status"] == "pending"


def receive(kindling: Kindling, what: dict[str, Any], secret: str, query: dict[str, str] | None) -> Reply:
    body, sent_at = json.dumps(what), str(int(kindling.clock.at.timestamp()))
    headers = {"svix-id": "m", "svix-timestamp": sent_at, "svix-signature": signature(secret, "m", sent_at, body)}
    return kindling.api("POST", "/webhooks/agentmail", raw=body, headers=headers, query=query)


def test_a_signing_secret_speaks_for_the_tenants_of_its_organisation_alone(
    kindling: Kindling, both: Workspaces
) -> None:
    other = other_tenant(kindling)
    for tenant, name in ((kindling, "own.example"), (other, "two.example")):
        tenant.account("kim", tenant.verified_domain(name))
    own, shared = {"tenant": kindling.user_id}, "whsec_ZXhhbXBsZSBzZWNyZXQgb2YgMjQgYnl0ZQ=="

    def counted(secret: str, query: dict[str, str] | None, what: dict[str, Any]) -> bool:
        reply = receive(kindling, what, secret, query)
        assert reply.status == 200, reply.body
        return bool(reply.body["counted"])

    about = {name: event("sent", 1, f"kim@{name}") for name in ("own.example", "two.example")}
    assert [counted(OWN_WEBHOOK, own, one) for one in about.values()] == [True, False]
    # An event that the tenant has made up does not keep the real one with its id from counting.
    about["two.example"]["event_id"] = about["own.example"]["event_id"]
    assert [counted(shared, None, one) for one in about.values()] == [False, True]
    verified = [{"event_type": "domain.verified", "domain": {"domain": name}} for name in about]
    assert [counted(OWN_WEBHOOK, own, one) for one in verified] == [True, False]
    assert [counted(shared, None, one) for one in verified] == [False, True]
    # Each secret is one of its own organisation.
    wrong = [(shared, own), (OWN_WEBHOOK, None), (OWN_WEBHOOK, {"tenant": other.user_id})]
    assert [receive(kindling, verified[0], *one).status for one in wrong] == [401, 401, 401]
    assert receive(kindling, verified[0], OWN_WEBHOOK, {"tenant": "x"}).status == 400


def test_a_name_is_registered_in_each_organisation_by_itself(kindling: Kindling, both: Workspaces) -> None:
    name, other = "external-acme.example", other_tenant(kindling)
    mine, theirs = (one.api.post(DOMAINS, {"domain": name}).body["domain"] for one in (kindling, other))
    notes = [registrations.by_name([name], owner)[name] for owner in (kindling.user_id, SHARED)]
    assert [note.holders for note in notes] == [[(kindling.user_id, mine["id"])], [(other.user_id, theirs["id"])]]
    assert kindling.api("DELETE", f"{DOMAINS}/{mine['id']}").status == 200
    assert (set(held(both.own)), set(held(both.shared))) == (set(), {"domains"})
    assert other.api("DELETE", f"{DOMAINS}/{theirs['id']}").status == 200
    assert held(both.shared) == {}


def make_inbox(world: World, key: str, username: str, client_id: str) -> None:
    request = {"username": username, "client_id": client_id}
    headers = {"Authorization": f"Bearer {key}"}
    made = world.sandbox.handle(httpx.Request("POST", "http://sandbox/v0/inboxes", json=request, headers=headers))
    assert made.is_success


def test_the_inventory_removes_in_a_workspace_only_what_its_own_tenants_had(
    kindling: Kindling, both: Workspaces
) -> None:
    other = other_tenant(kindling)
    ids = {user: str(uuid.uuid4()) for user in (kindling.user_id, other.user_id)}
    for user, subject in ids.items():
        table.transact([operations.ended(f"{subject}@agentmail.to", subject, user)])
    # In each organisation an inbox of each tenant's ended account.
    for world, key in ((both.own, "am_own"), (both.shared, "am_us_test")):
        for subject in ids.values():
            make_inbox(world, key, subject, mark(subject))
    for after in (timedelta(0), GRACE):
        kindling.clock.at += after
        answer = invoke("ReconcileInventoryFunction", {})
    assert (answer["removed"], answer["incomplete"]) == (2, [])
    kindling.run_cleanups()
    left = {
        owner: {row["inbox_id"].partition("@")[0] for row in world.inventory()["agentmail"]["inboxes"]}
        for owner, world in ((kindling.user_id, both.own), (other.user_id, both.shared))
    }
    assert left == {kindling.user_id: {ids[other.user_id]}, other.user_id: {ids[kindling.user_id]}}
    invoke("ReconcileInventoryFunction", {})
    assert {(one.workspace, one.user_id, one.safe) for one in findings.list_everything()} == {
        (kindling.user_id, None, False),
        (SHARED, None, False),
    }


def test_a_workspace_that_cannot_be_listed_holds_up_no_other(kindling: Kindling, both: Workspaces) -> None:
    other = other_tenant(kindling)
    subject = str(uuid.uuid4())
    table.transact([operations.ended(f"{subject}@agentmail.to", subject, other.user_id)])
    make_inbox(both.shared, "am_us_test", subject, mark(subject))
    both.answer_own = refusing
    answer = invoke("ReconcileInventoryFunction", {})
    own = [f"{provider}#{kindling.user_id}" for provider in (AGENTMAIL, INSTANTLY, CLOUDFLARE)]
    assert (answer["findings"], answer["incomplete"]) == (1, own)
    checked_at = [one.api.get("/api/inventory").body["checked_at"] for one in (kindling, other)]
    assert (checked_at[0], checked_at[1] is not None) == (None, True)


def test_what_was_found_in_a_workspace_is_forgotten_with_it(kindling: Kindling, both: Workspaces) -> None:
    make_inbox(both.own, "am_own", "stray", mark(str(uuid.uuid4())))
    assert invoke("ReconcileInventoryFunction", {})["findings"] == 1
    workspaces.forget(kindling.user_id, AGENTMAIL)
    assert invoke("ReconcileInventoryFunction", {})["findings"] == 0
    assert findings.list_everything() == []


@pytest.mark.parametrize("what", ["domain", "cleanup", "operation"])
def test_a_workspace_is_changed_only_while_its_tenant_has_nothing_and_a_key_at_any_time(
    kindling: Kindling, what: str
) -> None:
    user_id = kindling.user_id
    give(user_id, AGENTMAIL, "am_own")
    if what == "domain":
        key = {"pk": f"TENANT#{user_id}", "sk": "DOMAIN_NAME#own.example"}
        aws.table().put_item(Item={**key, "domain_id": "d"})
    elif what == "cleanup":
        table.transact([scheduled(user_id, CleanupKind.INBOX, "kim@own.example", "a")])
    else:
        kindling._operation("own.example")
    with pytest.raises(Conflict, match=f"The tenant has an? {what}[ a-z]*: its workspace is changed only while"):
        give(user_id, INSTANTLY, "inst_own")
    with pytest.raises(Conflict):
        workspaces.forget(user_id, AGENTMAIL)
    give(user_id, AGENTMAIL, "am_rotated")
    give(user_id, AGENTMAIL_WEBHOOK, OWN_WEBHOOK)
    workspaces.forget(user_id, INSTANTLY)
    workspaces.forget(user_id, AGENTMAIL_WEBHOOK)
    assert set(credentials.secrets_of(user_id)) == {AGENTMAIL}


def test_an_account_keeps_its_tenant_in_its_workspace(kindling: Kindling) -> None:
    kindling.account()
    with pytest.raises(Conflict, match="a domain and an account"):
        give(kindling.user_id, CLOUDFLARE, "cf_own")


@pytest.mark.parametrize(("seconds", "own"), [(59.9, False), (60, True)])
def test_an_environment_asks_again_after_a_minute(kindling: Kindling, seconds: float, own: bool) -> None:
    assert credentials.secrets_of(kindling.user_id) == {}
    # As another environment writes it.
    key = {"pk": f"CREDENTIALS#{kindling.user_id}", "sk": "CREDENTIALS"}
    aws.table().put_item(Item={**key, AGENTMAIL: "arn"})
    kindling.clock.advance(seconds=seconds)
    assert (credentials.workspace(AGENTMAIL, kindling.user_id) == kindling.user_id) == own


def test_who_asks_no_provider_does_not_read_whose_keys_to_use(kindling: Kindling) -> None:
    kindling.api.get(ACCOUNTS)
    kindling.api("GET", DOMAINS, query={"skip_sync": "true"})
    assert credentials._cache == {}


def test_without_a_tenant_no_provider_is_asked() -> None:
    doors = (providers.mail, providers.warmup, providers.dns)
    for door in doors:
        with pytest.raises(RuntimeError, match="works for no tenant"):
            door()


def test_threads_work_for_the_tenant_of_their_caller() -> None:
    with tenancy.working_for("a"), tenancy.working_for("b"):
        assert parallel.each(lambda _: tenancy.current(), [1, 2], threads=2) == ["b", "b"]


@pytest.mark.parametrize(("key", "error"), [(None, ProviderUnavailable), ("schl\u00fcssel", KeyRefused)])
def test_a_tenants_key_that_is_missing_or_none_is_a_problem_of_its_workspace(
    kindling: Kindling, key: str | None, error: type[Exception]
) -> None:
    give(kindling.user_id, AGENTMAIL, key or "am_lost")
    if key is None:
        aws.drop_secret(f"kindling/tenants/{kindling.user_id}/{AGENTMAIL}")
    with tenancy.working_for(kindling.user_id), pytest.raises(error, match="tenant's own workspace"):
        providers.mail().get_domain("own.example")
    with tenancy.working_for("another tenant"):
        assert providers.mail().get_domain("own.example") is None
