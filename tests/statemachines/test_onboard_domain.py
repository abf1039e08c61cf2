"""The onboarding saga: every step failing in every way, the states it entered, and what is left afterwards."""

from typing import Any

import pytest

from kindling.errors import ProviderUnavailable
from tests.conftest import Kindling
from tests.harness.machines import dies_after_work, fails

FORWARD = ["ClaimName", "RegisterDomain", "PublishDns", "IsDnsPublished", "TriggerVerification", "SaveDomain"]
UNDOS = ["UndoPublishDns", "UndoRegisterDomain", "UndoClaimName"]
BEGIN = ["Start", "IsUndoWanted"]
UNDO_OF = {
    "ClaimName": "UndoClaimName",
    "RegisterDomain": "UndoRegisterDomain",
    "TriggerVerification": "UndoPublishDns",
}

BATCH = ("cloudflare", "POST", "/client/v4/zones/*")
DOMAINS = ("agentmail", "POST", "/v0/domains")
VERIFY = ("agentmail", "POST", "/v0/domains/acme.example/verify")


def undone_from(step: str) -> list[str]:
    undos = UNDOS[UNDOS.index(UNDO_OF[step]) :]
    return BEGIN + FORWARD[: FORWARD.index(step) + 1] + undos + ["OnboardingFailed"]


def create(kindling: Kindling, name: str = "acme.example") -> Any:
    return kindling.api.post("/api/email/domains", {"domain": name})


def path(kindling: Kindling) -> list[str]:
    return kindling.last_execution("OnboardDomain").path


def nothing_is_left(kindling: Kindling) -> None:
    inventory = kindling.world.inventory()
    assert inventory["agentmail"]["domains"] == []
    assert inventory["cloudflare"]["records"] == []
    assert kindling.api.get("/api/email/domains").body == {"domains": []}


def test_all_is_well(kindling: Kindling) -> None:
    reply = create(kindling)
    assert reply.status == 201
    domain = reply.body["domain"]
    assert domain["status"] == "verifying"
    assert domain["dns_sync"]["status"] == "published"
    assert path(kindling) == [*BEGIN, *FORWARD, "Onboarded"]
    standing = {(record["type"], record["name"]) for record in kindling.world.inventory()["cloudflare"]["records"]}
    assert standing == {(record["type"], record["name"]) for record in domain["dns_records"]}


def test_a_zone_that_is_not_ours_leaves_the_records_to_the_owner(kindling: Kindling) -> None:
    reply = create(kindling, "external-acme.example")
    assert reply.status == 201
    assert reply.body["domain"]["status"] == "pending"
    assert reply.body["domain"]["dns_sync"]["status"] == "skipped"
    assert len(reply.body["domain"]["dns_records"]) >= 4
    assert "TriggerVerification" not in path(kindling)


@pytest.mark.parametrize(("step", "target"), [("RegisterDomain", DOMAINS), ("TriggerVerification", VERIFY)])
def test_a_refused_step_is_undone_with_all_before_it(
    kindling: Kindling, step: str, target: tuple[str, str, str]
) -> None:
    kindling.world.fault(*target, "refuse", status=422)
    reply = create(kindling)
    assert (reply.status, reply.body["error"], reply.body["step"]) == (502, "provider_refused", step)
    assert path(kindling) == undone_from(step)
    nothing_is_left(kindling)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("step", ["ClaimName", "RegisterDomain", "TriggerVerification"])
def test_a_step_that_dies_after_its_work_every_time_is_undone(kindling: Kindling, step: str) -> None:
    kindling.lambdas.overrides[f"{step}Function"] = dies_after_work()
    assert create(kindling).status == 502
    assert path(kindling) == undone_from(step)
    nothing_is_left(kindling)


@pytest.mark.parametrize("step", ["ClaimName", "RegisterDomain", "PublishDns", "TriggerVerification", "SaveDomain"])
def test_a_transient_error_is_retried_without_undoing_anything(kindling: Kindling, step: str) -> None:
    kindling.lambdas.overrides[f"{step}Function"] = fails(ProviderUnavailable("passing"), times=2)
    reply = create(kindling)
    assert (reply.status, reply.body["domain"]["status"]) == (201, "verifying")


@pytest.mark.parametrize("fault", ["timeout_after", "drop_answer"])
@pytest.mark.parametrize("target", [DOMAINS, BATCH, VERIFY])
def test_work_that_was_done_without_an_answer_is_found_and_kept(
    kindling: Kindling, target: tuple[str, str, str], fault: str
) -> None:
    kindling.world.fault(*target, fault, calls=[1])
    reply = create(kindling)
    assert (reply.status, reply.body["domain"]["status"]) == (201, "verifying")
    records = kindling.world.inventory()["cloudflare"]["records"]
    assert len(records) == len(reply.body["domain"]["dns_records"])


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["refuse", "timeout_after"])
def test_dns_that_cannot_be_published_leaves_the_domain_pending(kindling: Kindling, fault: str) -> None:
    kindling.world.fault(
        "cloudflare", "GET", "/client/v4/zones", fault, **({"status": 403} if fault == "refuse" else {})
    )
    reply = create(kindling)
    assert reply.status == 201
    assert reply.body["domain"]["status"] == "pending"
    assert reply.body["domain"]["dns_sync"]["status"] == "failed"
    assert reply.body["domain"]["dns_records"]


@pytest.mark.usefixtures("impatient")
def test_a_save_whose_answer_is_lost_is_a_success(kindling: Kindling) -> None:
    kindling.lambdas.overrides["SaveDomainFunction"] = dies_after_work()
    assert create(kindling).status == 201
    assert path(kindling)[-3:] == ["UndoSaveDomain", "IsDomainSaved", "Onboarded"]


def test_a_save_that_never_happens_is_undone(kindling: Kindling) -> None:
    kindling.lambdas.overrides["SaveDomainFunction"] = fails(RuntimeError("no"))
    assert create(kindling).status == 502
    assert path(kindling) == [*BEGIN, *FORWARD, "UndoSaveDomain", "IsDomainSaved", *UNDOS, "OnboardingFailed"]
    nothing_is_left(kindling)


def test_a_name_can_be_registered_again_after_an_undone_attempt(kindling: Kindling) -> None:
    kindling.world.fault(*VERIFY, "refuse", status=422)
    assert create(kindling).status == 502
    kindling.world.heal()
    assert create(kindling).status == 201


def test_a_registration_that_was_there_before_us_survives_the_undo(kindling: Kindling) -> None:
    import httpx

    headers = {"Authorization": "Bearer am_us_test"}
    request = httpx.Request("POST", "http://sandbox/v0/domains", json={"domain": "acme.example"}, headers=headers)
    assert kindling.world.sandbox.handle(request).is_success
    kindling.world.fault(*VERIFY, "refuse", status=422)
    assert create(kindling).status == 502
    assert [d["domain"] for d in kindling.world.inventory()["agentmail"]["domains"]] == ["acme.example"]


def test_an_undo_takes_nothing_that_another_tenant_still_needs(kindling: Kindling) -> None:
    assert create(kindling).status == 201
    kindling.lambdas.overrides["SaveDomainFunction"] = fails(RuntimeError("no"))
    assert kindling.other.post("/api/email/domains", {"domain": "acme.example"}).status == 502
    inventory = kindling.world.inventory()
    assert len(inventory["agentmail"]["domains"]) == 1
    assert inventory["cloudflare"]["records"]


def test_the_execution_carries_the_domain_in_its_name(kindling: Kindling) -> None:
    create(kindling, "mail.acme.example")
    assert "mail-acme-example-" in kindling.last_execution("OnboardDomain").history
