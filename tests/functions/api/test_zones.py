"""Zone bindings: records are published and shown only for the tenant to which the zone is bound."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from kindling.domains import zones
from kindling.errors import Conflict
from kindling.platform.settings import settings
from tests.conftest import Kindling
from tests.harness.lambdas import Api

DOMAINS = "/api/email/domains"
ZONE = "acme.example"
NAMES = (ZONE, "billing.acme.example", "a.b.acme.example")


@pytest.fixture(params=[zones.OPERATOR, zones.FIRST])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kindling: Kindling) -> Iterator[str]:
    monkeypatch.setenv("ZONE_BINDING", request.param)
    settings.cache_clear()
    yield request.param
    settings.cache_clear()


def register(api: Api, name: str) -> dict[str, Any]:
    reply = api.post(DOMAINS, {"domain": name})
    assert reply.status == 201, reply.body
    domain: dict[str, Any] = reply.body["domain"]
    return domain


def records(kindling: Kindling) -> list[str]:
    return [row["name"] for row in kindling.world.inventory()["cloudflare"]["records"]]


def seen(api: Api, domain: dict[str, Any]) -> Any:
    return api.get(f"{DOMAINS}/{domain['id']}/dns-records").body


@pytest.mark.parametrize(("name", "bound_to"), list(itertools.product(NAMES, ("nobody", "me", "other"))))
def test_records_are_written_only_into_a_zone_of_ones_own(
    mode: str, kindling: Kindling, name: str, bound_to: str
) -> None:
    if bound_to != "nobody":
        zones.bind(ZONE, kindling.user_id if bound_to == "me" else str(uuid.uuid4()))
    domain = register(kindling.api, name)
    mine = bound_to == "me" or (bound_to == "nobody" and mode == zones.FIRST)
    assert domain["dns_sync"]["status"] == ("published" if mine else "skipped")
    assert sorted(records(kindling)) == (sorted(r["name"] for r in domain["dns_records"]) if mine else [])
    shown = seen(kindling.api, domain)
    assert (shown["cloudflare"]["checked"], bool(shown["records"])) == (mine, mine)
    if not mine:
        assert domain["status"] == "pending"
        assert domain["dns_sync"]["message"] == shown["cloudflare"]["error"] == zones.NOT_BOUND
        assert domain["dns_sync"].get("zone") is None


def test_a_zone_is_not_told_apart_from_one_that_is_not_there(kindling: Kindling) -> None:
    register(kindling.api, ZONE)
    hidden, absent = register(kindling.other, "www.acme.example"), register(kindling.other, "external-acme.example")
    assert hidden["dns_sync"] == absent["dns_sync"]
    assert seen(kindling.other, hidden)["cloudflare"] == seen(kindling.other, absent)["cloudflare"]


def test_the_first_tenant_keeps_a_zone_until_the_records_of_its_last_name_are_gone(kindling: Kindling) -> None:
    first, second = register(kindling.api, ZONE), register(kindling.api, NAMES[1])
    assert register(kindling.other, "www.acme.example")["dns_sync"]["status"] == "skipped"
    kindling.api("DELETE", f"{DOMAINS}/{first['id']}")
    assert zones.is_bound(ZONE, kindling.user_id)
    kindling.world.fault("cloudflare", "POST", "/client/v4/zones/*", "refuse", status=503)
    assert kindling.api("DELETE", f"{DOMAINS}/{second['id']}").status == 200
    assert records(kindling)
    assert zones.is_bound(ZONE, kindling.user_id)
    assert register(kindling.other, "api.acme.example")["dns_sync"]["status"] == "skipped"
    kindling.world.heal()
    kindling.run_cleanups()
    assert records(kindling) == []
    assert register(kindling.other, "mail.acme.example")["dns_sync"]["status"] == "published"


def test_a_zone_of_the_operators_choice_stays_bound_without_names(kindling: Kindling) -> None:
    zones.bind(ZONE, kindling.user_id)
    kindling.api("DELETE", f"{DOMAINS}/{register(kindling.api, ZONE)['id']}")
    assert zones.is_bound(ZONE, kindling.user_id)
    assert register(kindling.other, ZONE)["dns_sync"]["status"] == "skipped"


def test_a_zone_with_records_in_it_changes_hands_only_after_they_are_gone(kindling: Kindling) -> None:
    domain = register(kindling.api, ZONE)
    with pytest.raises(Conflict):
        zones.bind(ZONE, str(uuid.uuid4()))
    with pytest.raises(Conflict):
        zones.unbind(ZONE)
    assert zones.bind(ZONE, kindling.user_id).domains == {domain["id"]}
    kindling.api("DELETE", f"{DOMAINS}/{domain['id']}")
    other = str(uuid.uuid4())
    assert zones.bind(ZONE, other).user_id == other
    assert [(binding.zone, binding.user_id, binding.bound_by) for binding in zones.list_bindings()] == [
        (ZONE, other, zones.OPERATOR)
    ]
    zones.unbind(ZONE)
    zones.unbind(ZONE)
    assert zones.list_bindings() == []


def test_challenge_and_records_are_one_batch(kindling: Kindling) -> None:
    kindling.world.fault("cloudflare", "POST", "/client/v4/zones/*", "refuse", status=500, calls=[2, 3, 4, 5, 6])
    domain = register(kindling.api, ZONE)
    assert (domain["status"], domain["dns_sync"]["status"]) == ("verifying", "published")
    assert "_kindling.acme.example" in records(kindling)


def test_a_failed_onboarding_frees_its_zone(kindling: Kindling) -> None:
    kindling.world.fault("agentmail", "POST", "/v0/domains/acme.example/verify", "refuse", status=422)
    assert kindling.api.post(DOMAINS, {"domain": ZONE}).status == 502
    assert (records(kindling), zones.list_bindings()) == ([], [])
