"""The inventory: orphaned resources at the providers, rows whose resources are gone, reporting and removal."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kindling.accounts import saga as provisioning
from kindling.accounts.model import ProvisionAccount, mark
from kindling.domains import dns, registrations, zones
from kindling.inventory import findings, service, store
from kindling.inventory.model import GRACE, Finding
from kindling.inventory.pace import MARGIN_SECONDS
from kindling.operations import store as operations
from kindling.platform import aws, clock
from kindling.platform.tenancy import SHARED
from local import cli
from tests.conftest import Kindling
from tests.harness.lambdas import Api, invoke
from tests.harness.machines import fails

DOMAINS, ACCOUNTS = "/api/email/domains", "/api/email/accounts"
KEYS = {"agentmail": "am_us_test", "instantly": "inst_test", "cloudflare": "cf_test"}
ROOTS = {"agentmail": "/v0", "instantly": "/api/v2", "cloudflare": "/client/v4"}
CAUGHT = {"Error": "ProviderUnavailable", "Cause": "silence", "Step": "CreateInbox"}


def run_inventory(kindling: Kindling, *, after: timedelta = timedelta(0)) -> dict[str, Any]:
    kindling.clock.at += after
    answer: dict[str, Any] = invoke("ReconcileInventoryFunction", {})
    return answer


def findings_of(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/api/inventory").body["findings"]
    return found


def problems(api: Api) -> list[tuple[str, str, str, bool]]:
    return [(f["problem"], f["kind"], f["target"], f["safe"]) for f in findings_of(api)]


def operator_problems() -> list[tuple[str, str, str, bool]]:
    return sorted((f.problem, f.kind, f.target, f.safe) for f in findings.list_everything() if f.user_id is None)


def call_provider(kindling: Kindling, provider: str, method: str, path: str, body: Any = None) -> Any:
    """Call a provider's API directly, as another client does."""
    url = f"http://sandbox{ROOTS[provider]}{path}"
    request = httpx.Request(method, url, json=body, headers={"Authorization": f"Bearer {KEYS[provider]}"})
    if body is None:
        request.headers.pop("content-type", None)
    answer = kindling.world.sandbox.handle(request)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def provider_resources(kindling: Kindling) -> Any:
    """The names of the resources at the providers."""
    inventory = kindling.world.inventory()
    return {
        "inboxes": [row["inbox_id"] for row in inventory["agentmail"]["inboxes"]],
        "domains": [row["domain_id"] for row in inventory["agentmail"]["domains"]],
        "warmup": [row["email"] for row in inventory["instantly"]["accounts"]],
        "tags": sorted(row["label"] for row in inventory["instantly"]["tags"]),
        "records": len(inventory["cloudflare"]["records"]),
    }


def cleanups(api: Api) -> list[tuple[str, str]]:
    return [(c["kind"], c["target"]) for c in api.get("/api/cleanups").body["cleanups"]]


def rows() -> dict[tuple[str, str], dict[str, Any]]:
    items = aws.table().scan()["Items"]
    return {(str(item["pk"]), str(item["sk"])): item for item in items}


def restore(backup: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Restore the table from a backup, except for API keys."""
    for pk, sk in rows():
        if (pk, sk) not in backup and not pk.startswith("KEY#"):
            aws.table().delete_item(Key={"pk": pk, "sk": sk})
    for item in backup.values():
        aws.table().put_item(Item=item)


def drop(*parts: str) -> int:
    """Delete every item whose key contains all the parts; their number."""
    dropped = [key for key in rows() if all(part in "/".join(key) for part in parts)]
    for pk, sk in dropped:
        aws.table().delete_item(Key={"pk": pk, "sk": sk})
    return len(dropped)


def late(kindling: Kindling, domain: dict[str, Any], username: str = "late") -> ProvisionAccount:
    """An account whose inbox appeared after its undo had looked it up in vain."""
    saga = begun(kindling, domain, username)
    provisioning.reserve_address(saga)
    provisioning.delete_inbox(saga, CAUGHT)
    provisioning.release_address(saga, CAUGHT)
    provisioning.create_inbox(saga)
    return saga


def begun(kindling: Kindling, domain: dict[str, Any], username: str) -> ProvisionAccount:
    names = {"domain_id": domain["id"], "domain": domain["domain"], "username": username}
    return ProvisionAccount(**kindling._operation(username), account_id=str(uuid.uuid4()), **names)


def finish_cleanups(kindling: Kindling, rounds: int = 3) -> None:
    for _ in range(rounds):
        kindling.run_cleanups()


def test_a_world_in_order_has_no_findings_after_every_kind_of_operation(kindling: Kindling) -> None:
    def nothing() -> None:
        for after in (timedelta(0), GRACE):
            answer = run_inventory(kindling, after=after)
            assert (findings.list_everything(), answer["removed"], answer["incomplete"]) == ([], 0, [])

    nothing()
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    assert kindling.api.post(DOMAINS, {"domain": "mail.two.example"}).status == 201
    assert kindling.api.post(DOMAINS, {"domain": "external-three.example"}).status == 201
    assert kindling.other.post(DOMAINS, {"domain": "four.example"}).status == 201
    assert kindling.api.post(ACCOUNTS, {"username": "lou", "domain_id": domain["id"]}).status == 201
    nothing()
    kindling.lambdas.overrides["SaveAccountFunction"] = fails(RuntimeError("no"), times=9)
    assert kindling.api.post(ACCOUNTS, {"username": "undone", "domain_id": domain["id"]}).status == 502
    kindling.lambdas.overrides["SaveDomainFunction"] = fails(RuntimeError("no"), times=9)
    assert kindling.api.post(DOMAINS, {"domain": "undone.example"}).status == 502
    kindling.lambdas.overrides.clear()
    nothing()
    kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=503)
    assert kindling.api("DELETE", f"{ACCOUNTS}/{account['id']}").status == 200
    nothing()
    kindling.world.heal()
    assert kindling.api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    finish_cleanups(kindling)
    nothing()
    assert findings_of(kindling.api) == []


def test_what_is_under_way_is_no_finding(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    saga = begun(kindling, domain, "slow")
    steps: tuple[Callable[[ProvisionAccount], Any], ...] = (
        provisioning.reserve_address,
        provisioning.create_inbox,
        provisioning.register_warmup_account,
        provisioning.assign_tags,
        provisioning.remove_tags,
        provisioning.remove_warmup_account,
    )
    for step in steps:
        step(saga)
        assert run_inventory(kindling, after=GRACE)["findings"] == 0, step.__name__
    provisioning.delete_inbox(saga, CAUGHT)
    provisioning.release_address(saga, CAUGHT)
    assert run_inventory(kindling)["findings"] == 0


def test_an_inbox_that_appears_after_its_undo_is_told_and_goes_after_the_grace(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    saga = late(kindling, domain)
    assert run_inventory(kindling) == {"findings": 1, "removed": 0, "incomplete": []}
    (finding,) = findings_of(kindling.api)
    assert finding == {
        "kind": "inbox",
        "problem": "orphan",
        "target": "late@acme.example",
        "subject_id": saga.account_id,
        "message": "The inbox of an account that was deleted or never finished still exists.",
        "safe": True,
        "first_seen_at": clock.timestamp(),
        "last_seen_at": clock.timestamp(),
        "acts_at": clock.timestamp(clock.now() + GRACE),
    }
    assert run_inventory(kindling, after=GRACE - timedelta(milliseconds=1))["removed"] == 0
    assert provider_resources(kindling)["inboxes"] == ["late@acme.example"]
    assert run_inventory(kindling, after=timedelta(milliseconds=1))["removed"] == 1
    assert findings_of(kindling.api) == []
    assert cleanups(kindling.api) == [("inbox", "late@acme.example")]
    finish_cleanups(kindling, 1)
    assert (provider_resources(kindling)["inboxes"], cleanups(kindling.api)) == ([], [])
    again = kindling.api.post(ACCOUNTS, {"username": "late", "domain_id": domain["id"]})
    assert (again.status, again.body["error"]) == (409, "address_burnt")
    assert run_inventory(kindling, after=GRACE)["findings"] == 0


def test_an_inbox_whose_account_was_saved_after_all_between_two_rounds_is_left_alone(kindling: Kindling) -> None:
    late(kindling, kindling.verified_domain())
    run_inventory(kindling)
    call_provider(kindling, "agentmail", "DELETE", "/inboxes/late@acme.example")
    assert run_inventory(kindling, after=GRACE) == {"findings": 0, "removed": 0, "incomplete": []}


def test_an_address_that_somebody_claims_at_that_moment_is_left_to_him(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    late(kindling, domain)
    run_inventory(kindling)
    events = aws.table().meta.client.meta.events

    def claim(**_: Any) -> None:
        events.unregister("before-call.dynamodb.TransactWriteItems", claim)
        provisioning.reserve_address(begun(kindling, domain, "late"))

    events.register("before-call.dynamodb.TransactWriteItems", claim)
    assert run_inventory(kindling, after=GRACE)["removed"] == 0
    assert (provider_resources(kindling)["inboxes"], cleanups(kindling.api)) == (["late@acme.example"], [])


def test_a_warmup_account_that_appears_late_goes_and_its_address_stays_free(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    saga = begun(kindling, domain, "late")
    for step in (provisioning.reserve_address, provisioning.create_inbox, provisioning.register_warmup_account):
        step(saga)
    call_provider(kindling, "agentmail", "DELETE", "/inboxes/late@acme.example")
    kindling.clock.advance(minutes=5)
    provisioning.delete_inbox(saga, {})
    provisioning.release_address(saga, CAUGHT)
    run_inventory(kindling)
    assert problems(kindling.api) == [("orphan", "warmup_account", "late@acme.example", True)]
    assert run_inventory(kindling, after=GRACE)["removed"] == 1
    taken = kindling.api.post(ACCOUNTS, {"username": "late", "domain_id": domain["id"]})
    assert (taken.status, taken.body["error"]) == (409, "address_taken")
    assert run_inventory(kindling)["findings"] == 0
    finish_cleanups(kindling, 1)
    assert (provider_resources(kindling)["warmup"], drop("ADDRESS#late@")) == ([], 0)


def test_a_warmup_account_whose_address_has_an_inbox_of_somebody_unknown_is_only_reported(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    undone = late(kindling, domain, "kim")
    call_provider(kindling, "agentmail", "DELETE", "/inboxes/kim@acme.example")
    kindling.clock.advance(minutes=5)
    kindling.world.sandbox._world.burnt_addresses.clear()
    backup = rows()
    kindling.account("kim", domain)
    restore(backup)
    for after in (timedelta(0), GRACE, GRACE):
        run_inventory(kindling, after=after)
    assert ("orphan", "warmup_account", "kim@acme.example", False) in operator_problems()
    assert undone.account_id in "".join("/".join(key) for key in rows())
    assert provider_resources(kindling)["warmup"] == ["kim@acme.example"]


def test_a_deletion_whose_cleanups_were_lost_ends_clean(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    for provider, method, path in (
        ("agentmail", "DELETE", "/v0/*"),
        ("instantly", "DELETE", "/api/v2/accounts/*"),
        ("cloudflare", "GET", "/client/v4/zones"),
    ):
        kindling.world.fault(provider, method, path, "refuse", status=503)
    assert kindling.api("DELETE", f"{ACCOUNTS}/{account['id']}").status == 200
    assert kindling.api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    assert drop("CLEANUP#") == 4
    kindling.world.heal()
    kindling.clock.advance(minutes=1)
    run_inventory(kindling)
    assert sorted(problems(kindling.api)) == [
        ("orphan", "dns_records", "acme.example", True),
        ("orphan", "inbox", "kim@acme.example", True),
        ("orphan", "mail_domain", "acme.example", True),
        ("orphan", "warmup_account", "kim@acme.example", True),
    ]
    assert run_inventory(kindling, after=GRACE)["removed"] == 4
    finish_cleanups(kindling)
    assert run_inventory(kindling)["findings"] == 0
    assert provider_resources(kindling) == {"inboxes": [], "domains": [], "warmup": [], "tags": [], "records": 0}
    assert (findings.list_everything(), cleanups(kindling.api), zones.list_bindings()) == ([], [], [])


def test_a_crash_between_provider_and_row_is_undone_by_its_reconciler_and_leaves_no_finding(
    kindling: Kindling,
) -> None:
    domain = kindling.verified_domain()

    def dies(real: Any, event: Any) -> Any:
        answer = real(event, None)
        operation = operations.get(event["saga"]["user_id"], event["saga"]["operation_id"])
        assert operation is not None
        aws.stepfunctions().stop_execution(executionArn=operation.execution_arn)
        return answer

    kindling.lambdas.overrides["AssignTagsFunction"] = dies
    kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": domain["id"]}, Prefer="respond-async")
    kindling.lambdas.overrides.clear()
    assert run_inventory(kindling)["findings"] == 0
    kindling.clock.advance(minutes=11)
    assert invoke("ReconcileOperationsFunction", {})["undone"] == 1
    assert run_inventory(kindling, after=GRACE)["findings"] == 0
    assert provider_resources(kindling)["inboxes"] == []


def test_after_a_restore_from_backup_everything_is_reported_and_nothing_is_removed(kindling: Kindling) -> None:
    kindling.account("old", kindling.verified_domain("old.example"))
    backup = rows()
    domain = kindling.verified_domain("new.example")
    kindling.account("new", domain)
    before = provider_resources(kindling)
    restore(backup)
    for _ in range(5):
        assert run_inventory(kindling, after=GRACE)["removed"] == 0
        finish_cleanups(kindling, 1)
    assert provider_resources(kindling) == before
    assert operator_problems() == [
        ("orphan", "dns_records", "new.example", False),
        ("orphan", "inbox", "new@new.example", False),
        ("orphan", "mail_domain", "new.example", False),
        ("orphan", "warmup_account", "new@new.example", False),
    ]
    assert (findings_of(kindling.api), cleanups(kindling.api)) == ([], [])


def test_a_row_that_a_restore_brought_back_is_told_to_its_tenant_and_stays_as_it_is(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    kindling.clock.at += GRACE
    backup = rows()
    kindling.api("DELETE", f"{DOMAINS}/{domain['id']}")
    finish_cleanups(kindling)
    restore(backup)
    run_inventory(kindling)
    assert sorted(problems(kindling.api)) == [
        ("gone", "dns_records", "acme.example", False),
        ("gone", "inbox", "kim@acme.example", False),
        ("gone", "mail_domain", "acme.example", False),
        ("gone", "warmup_account", "kim@acme.example", False),
    ]
    assert {finding["acts_at"] for finding in findings_of(kindling.api)} == {None}
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account


@pytest.mark.parametrize(
    ("provider", "path", "kind", "target"),
    [
        ("agentmail", "/inboxes/kim@acme.example", "inbox", "kim@acme.example"),
        ("instantly", "/accounts/kim@acme.example", "warmup_account", "kim@acme.example"),
    ],
)
def test_a_row_whose_resource_vanished_is_told_once_it_is_as_old_as_the_grace(
    kindling: Kindling, provider: str, path: str, kind: str, target: str
) -> None:
    account = kindling.account("kim")
    call_provider(kindling, provider, "DELETE", path)
    kindling.clock.at = clock.parse(account["created_at"]) + GRACE - timedelta(milliseconds=1)
    assert run_inventory(kindling)["findings"] == 0
    assert run_inventory(kindling, after=timedelta(milliseconds=1))["findings"] == 1
    assert problems(kindling.api) == [("gone", kind, target, False)]
    assert kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"] == account


def test_a_registration_that_vanished_is_told_until_it_is_made_anew(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    call_provider(kindling, "agentmail", "DELETE", "/domains/acme.example")
    run_inventory(kindling, after=GRACE)
    assert problems(kindling.api) == [("gone", "mail_domain", "acme.example", False)]
    assert kindling.api.post(f"{DOMAINS}/{domain['id']}/verify").status == 200
    run_inventory(kindling)
    assert ("gone", "mail_domain", "acme.example", False) not in problems(kindling.api)


def test_records_that_vanished_are_named(kindling: Kindling) -> None:
    kindling.verified_domain()
    zone_id, record = records_of(kindling, "_dmarc.acme.example")
    call_provider(kindling, "cloudflare", "DELETE", f"/zones/{zone_id}/dns_records/{record['id']}")
    run_inventory(kindling, after=GRACE)
    (finding,) = findings_of(kindling.api)
    assert (finding["kind"], finding["problem"]) == ("dns_records", "gone")
    assert finding["message"].endswith(": TXT _dmarc.acme.example.")
    again = {name: record[name] for name in ("type", "name", "content", "ttl")}
    call_provider(kindling, "cloudflare", "POST", f"/zones/{zone_id}/dns_records", again)
    assert run_inventory(kindling)["findings"] == 0


def records_of(kindling: Kindling, name: str) -> tuple[str, dict[str, Any]]:
    inventory = kindling.world.inventory()["cloudflare"]
    (zone,) = inventory["zones"]
    (record,) = (row for row in inventory["records"] if row["name"] == name)
    return zone["id"], record


def test_records_of_an_ended_domain_go_with_its_place_in_the_zone_and_nothing_else_does(kindling: Kindling) -> None:
    kept = kindling.verified_domain("keep.acme.example")
    domain = kindling.verified_domain("mail.acme.example")
    zone_id, _ = records_of(kindling, "_dmarc.mail.acme.example")
    kindling.world.fault("cloudflare", "GET", "/client/v4/zones", "refuse", status=503)
    assert kindling.api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    drop("CLEANUP#")
    kindling.world.heal()
    by_hand = {"type": "TXT", "name": "www.acme.example", "content": '"x"', "comment": "kindling of a fire"}
    call_provider(kindling, "cloudflare", "POST", f"/zones/{zone_id}/dns_records", by_hand)
    run_inventory(kindling, after=timedelta(minutes=1))
    assert problems(kindling.api) == [("orphan", "dns_records", "mail.acme.example", True)]
    run_inventory(kindling, after=GRACE)
    finish_cleanups(kindling, 1)
    left = {record["comment"] for record in kindling.world.inventory()["cloudflare"]["records"]}
    assert left == {dns.mark(kindling.user_id, kept["id"]), "kindling of a fire"}
    (binding,) = zones.list_bindings()
    assert binding.domains == {kept["id"]}
    assert run_inventory(kindling)["findings"] == 0


def test_a_place_in_a_zone_that_an_ended_domain_kept_is_given_back(kindling: Kindling) -> None:
    domain = kindling.verified_domain("mail.acme.example")
    assert kindling.api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    assert zones.join("acme.example", kindling.user_id, domain["id"])
    run_inventory(kindling)
    assert problems(kindling.api) == [("orphan", "dns_records", "mail.acme.example", True)]
    run_inventory(kindling, after=GRACE)
    finish_cleanups(kindling, 1)
    assert zones.list_bindings() == []


@pytest.mark.parametrize("held_as_yet", [True, False])
def test_a_registration_that_we_made_and_nobody_needs_goes(kindling: Kindling, held_as_yet: bool) -> None:
    domain = kindling.verified_domain()
    kindling.world.fault("agentmail", "DELETE", "/v0/domains/*", "refuse", status=503)
    assert kindling.api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    assert run_inventory(kindling)["findings"] == 0
    assert drop("CLEANUP#mail_domain") == 1
    if held_as_yet:
        registrations.hold("acme.example", kindling.user_id, domain["id"])
    kindling.world.heal()
    kindling.clock.advance(minutes=1)
    run_inventory(kindling)
    assert problems(kindling.api) == [("orphan", "mail_domain", "acme.example", True)]
    assert run_inventory(kindling, after=GRACE)["removed"] == 1
    finish_cleanups(kindling, 1)
    assert (provider_resources(kindling)["domains"], drop("DOMAIN#acme.example", "REGISTRATION")) == ([], 0)


def test_a_registration_that_another_tenant_needs_stays_when_an_ended_domain_lets_go(kindling: Kindling) -> None:
    domain = registered(kindling.api)
    other = registered(kindling.other)
    assert kindling.api("DELETE", f"{DOMAINS}/{domain['id']}").status == 200
    registrations.hold("external-acme.example", kindling.user_id, domain["id"])
    run_inventory(kindling)
    run_inventory(kindling, after=GRACE)
    finish_cleanups(kindling, 1)
    assert provider_resources(kindling)["domains"] == ["external-acme.example"]
    note = registrations.by_name(["external-acme.example"])["external-acme.example"]
    assert [domain_id for _, domain_id in note.holders] == [other["id"]]


def registered(api: Api) -> dict[str, Any]:
    domain: dict[str, Any] = api.post(DOMAINS, {"domain": "external-acme.example"}).body["domain"]
    return domain


@pytest.mark.parametrize("origin", [registrations.FOUND, None])
def test_a_registration_that_is_not_ours_is_none_of_our_business(kindling: Kindling, origin: str | None) -> None:
    call_provider(kindling, "agentmail", "POST", "/domains", {"domain": "theirs.example"})
    call_provider(kindling, "agentmail", "POST", "/inboxes", {"username": "by-hand", "client_id": "kindling-by-hand"})
    if origin:
        registrations.set_origin("theirs.example", origin, SHARED)
    for after in (timedelta(0), GRACE):
        assert run_inventory(kindling, after=after) == {"findings": 0, "removed": 0, "incomplete": []}
    assert provider_resources(kindling)["domains"] == ["theirs.example"]


def test_the_tag_of_a_tenant_without_accounts_goes_and_the_others_stay(kindling: Kindling) -> None:
    account = kindling.account("kim")
    stranger = str(uuid.uuid4())
    for label in (f"kindling:{stranger}", "kindling: a fire", "somebody's"):
        call_provider(kindling, "instantly", "POST", "/custom-tags", {"label": label})
    run_inventory(kindling)
    assert [(f.kind, f.target, f.user_id) for f in findings.list_everything()] == [
        ("tag", f"kindling:{stranger}", stranger)
    ]
    kept = ["kindling: a fire", f"kindling:{kindling.user_id}", "kindling:warmup", "somebody's"]
    assert run_inventory(kindling, after=GRACE)["removed"] == 1
    assert provider_resources(kindling)["tags"] == sorted(kept)
    kindling.api("DELETE", f"{ACCOUNTS}/{account['id']}")
    assert provider_resources(kindling)["tags"] == ["kindling: a fire", "somebody's"]


def test_a_tag_that_is_used_again_stays(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    call_provider(kindling, "instantly", "POST", "/custom-tags", {"label": f"kindling:{kindling.user_id}"})
    run_inventory(kindling)
    assert problems(kindling.api) == [("orphan", "tag", f"kindling:{kindling.user_id}", True)]
    kindling.account("kim", domain)
    assert run_inventory(kindling, after=GRACE) == {"findings": 0, "removed": 0, "incomplete": []}
    assert f"kindling:{kindling.user_id}" in provider_resources(kindling)["tags"]


LISTS = [
    ("agentmail", "/v0/inboxes", "inbox"),
    ("agentmail", "/v0/domains", "inbox"),
    ("instantly", "/api/v2/accounts", "warmup_account"),
    ("instantly", "/api/v2/custom-tags", "warmup_account"),
    ("cloudflare", "/client/v4/zones", "dns_records"),
]


@pytest.mark.parametrize(("provider", "path", "kind"), LISTS)
def test_a_provider_that_fails_makes_no_finding_and_ends_none(
    kindling: Kindling, provider: str, path: str, kind: str
) -> None:
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    kindling.clock.at += GRACE
    for name in (name for name in rows() if "ACCOUNT#" in name[1] or "DOMAIN" in name[1]):
        aws.table().delete_item(Key={"pk": name[0], "sk": name[1]})
    assert run_inventory(kindling)["incomplete"] == []
    before = findings.list_everything()
    assert kind in {finding.kind for finding in before}
    call_provider(kindling, "agentmail", "POST", "/inboxes", {"username": "x", "client_id": mark(str(uuid.uuid4()))})
    call_provider(kindling, "agentmail", "DELETE", "/inboxes/kim@acme.example")
    call_provider(kindling, "instantly", "DELETE", f"/accounts/{account['email_address']}")
    kindling.world.fault(provider, "GET", path, "refuse", status=503)
    kindling.clock.advance(minutes=1)
    checked_at = kindling.api.get("/api/inventory").body["checked_at"]
    assert run_inventory(kindling)["incomplete"] == [provider]
    kept = {finding.target for finding in findings.list_everything() if finding.kind == kind}
    assert kept == {finding.target for finding in before if finding.kind == kind}
    assert kindling.api.get("/api/inventory").body["checked_at"] == checked_at
    kindling.world.heal()
    kindling.clock.advance(minutes=1)
    assert run_inventory(kindling)["incomplete"] == []
    assert kindling.api.get("/api/inventory").body["checked_at"] == clock.timestamp()


def test_a_listing_that_breaks_off_in_the_middle_is_none(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    for number in range(101):
        request = {"username": f"u{number}", "domain": "acme.example", "client_id": mark(str(uuid.uuid4()))}
        call_provider(kindling, "agentmail", "POST", "/inboxes", request)
    late(kindling, domain)
    kindling.world.fault("agentmail", "GET", "/v0/inboxes", "refuse", status=400, calls=[2])
    assert run_inventory(kindling) == {"findings": 0, "removed": 0, "incomplete": ["agentmail"]}
    assert run_inventory(kindling) == {"findings": 102, "removed": 0, "incomplete": []}


@pytest.mark.parametrize("seconds", [MARGIN_SECONDS - 0.001, MARGIN_SECONDS])
def test_a_round_without_time_says_so_and_leaves_everything_as_it_is(kindling: Kindling, seconds: float) -> None:
    late(kindling, kindling.verified_domain())
    run_inventory(kindling)
    findings_before = findings.list_everything()
    answer = service.reconcile(lambda: seconds)
    stopped = seconds < MARGIN_SECONDS
    assert answer["incomplete"] == (["agentmail", "instantly", "cloudflare"] if stopped else [])
    assert findings.list_everything() == findings_before


def test_each_tenant_sees_its_own_findings_and_nobody_the_operators(kindling: Kindling) -> None:
    late(kindling, kindling.verified_domain())
    stranger = mark(str(uuid.uuid4()))
    lost = {"username": "lost", "domain": "acme.example", "client_id": stranger}
    call_provider(kindling, "agentmail", "POST", "/inboxes", lost)
    run_inventory(kindling)
    assert problems(kindling.reader) == [("orphan", "inbox", "late@acme.example", True)]
    assert kindling.other.get("/api/inventory").body == {"findings": [], "checked_at": clock.timestamp()}
    assert operator_problems() == [("orphan", "inbox", "lost@acme.example", False)]


def test_findings_are_newest_first_and_a_round_is_unknown_before_the_first(kindling: Kindling) -> None:
    assert kindling.api.get("/api/inventory").body == {"findings": [], "checked_at": None}
    domain = kindling.verified_domain()
    late(kindling, domain, "one")
    run_inventory(kindling)
    late(kindling, domain, "two")
    run_inventory(kindling, after=timedelta(hours=1))
    assert [finding["target"] for finding in findings_of(kindling.api)] == ["two@acme.example", "one@acme.example"]
    assert [finding.target for finding in findings.list_everything()] == ["two@acme.example", "one@acme.example"]


def test_what_a_provider_does_not_let_go_stays_a_finding(kindling: Kindling) -> None:
    call_provider(kindling, "instantly", "POST", "/custom-tags", {"label": f"kindling:{kindling.user_id}"})
    run_inventory(kindling)
    kindling.world.fault("instantly", "DELETE", "/api/v2/custom-tags/*", "refuse", status=503)
    assert run_inventory(kindling, after=GRACE) == {"findings": 1, "removed": 0, "incomplete": []}
    kindling.world.heal()
    kindling.clock.advance(minutes=1)
    assert run_inventory(kindling)["removed"] == 1


def test_two_rounds_at_once_remove_a_thing_once(kindling: Kindling) -> None:
    late(kindling, kindling.verified_domain())
    run_inventory(kindling)
    removed: list[int] = []
    events = aws.table().meta.client.meta.events

    def once(**_: Any) -> None:
        events.unregister("before-call.dynamodb.TransactWriteItems", once)
        removed.append(run_inventory(kindling)["removed"])

    events.register("before-call.dynamodb.TransactWriteItems", once)
    removed.append(run_inventory(kindling, after=GRACE)["removed"])
    assert cleanups(kindling.api) == [("inbox", "late@acme.example")]
    finish_cleanups(kindling, 1)
    assert provider_resources(kindling)["inboxes"] == []


def test_the_operator_sees_all_findings_by_a_command(kindling: Kindling, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inventory"]) == 0
    assert capsys.readouterr().out == "0 findings; the last complete round began never.\n"
    late(kindling, kindling.verified_domain())
    run_inventory(kindling)
    capsys.readouterr()
    assert cli.main(["inventory"]) == 0
    first, message, last = capsys.readouterr().out.splitlines()
    now, acts_at = clock.timestamp(), clock.timestamp(clock.now() + GRACE)
    assert first.split(None, 4)[:4] == [now, "orphan", "inbox", "late@acme.example"]
    assert first.endswith(f"({kindling.user_id}, removed from {acts_at})")
    assert message.strip() == findings_of(kindling.api)[0]["message"]
    assert last == f"1 finding; the last complete round began {now}."


def test_a_finding_is_its_tenants_or_the_operators() -> None:
    finding = Finding(
        kind="inbox", problem="orphan", target="t", message="m", first_seen_at="x", last_seen_at="x", user_id="u"
    )
    assert store.finding_key(finding)["pk"] == "TENANT#u"
    assert store.finding_key(finding.model_copy(update={"user_id": None}))["pk"] == "OPERATOR"
