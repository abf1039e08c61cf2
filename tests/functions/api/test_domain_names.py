"""Domain names in both APIs: normalized, refused and returned."""

# ruff: noqa: RUF001 (look-alikes are what is tested)

import pytest

from kindling.platform.settings import settings
from local import openapi
from tests.conftest import Kindling

DOMAINS, V1 = "/api/email/domains", "/v1/domains"
BOTH = pytest.mark.parametrize("route", [DOMAINS, V1])


def test_no_other_route_takes_a_name_in_its_body() -> None:
    taking = [route.path for route in openapi.routes() if route.body and "domain" in route.body.model_fields]
    assert sorted(taking) == [DOMAINS, V1]


@BOTH
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("192.0.2.7", "not an IP address"),
        ("localhost", "at least two"),
        ("*.acme.com", "'*' (U+002A) cannot stand"),
        ("ac_me.com", "'_' (U+005F) cannot stand"),
        ("BÜCHER.com", "'Ü' (U+00DC) cannot stand"),
        ("ａcme.com", "(U+FF41) cannot stand"),
        ("xn--acme-.com", "no valid part"),
        ("pаypal.com", "mixes Cyrillic and Latin"),
        ("co.uk", "public suffix"),
        ("github.io", "public suffix"),
        ("a" * 64 + ".com", "at most 63"),
        (".".join(["a" * 60] * 4), "at most 232"),
    ],
)
def test_a_name_that_cannot_be_registered_is_refused_with_a_sentence(
    kindling: Kindling, route: str, name: str, said: str
) -> None:
    reply = kindling.api.post(route, {"domain": name})
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    [problem] = reply.body["fields"]
    assert problem["field"] == "domain"
    assert said in problem["message"]
    assert reply.body["message"] == f"The request is not valid: domain: {problem['message']}."
    assert kindling.world.inventory()["agentmail"]["domains"] == []


@BOTH
@pytest.mark.parametrize("name", ["acme.example", "mail.acme.test", "example.com", "mail.example.org", "a.home.arpa"])
def test_a_reserved_name_is_refused_as_a_field_unless_the_deployment_allows_it(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, route: str, name: str
) -> None:
    for value in ("refuse", "yes", None):
        if value:
            monkeypatch.setenv("RESERVED_NAMES", value)
        else:
            monkeypatch.delenv("RESERVED_NAMES")
        settings.cache_clear()
        reply = kindling.api.post(route, {"domain": name})
        assert (reply.status, reply.body["error"]) == (400, "invalid_request")
        [problem] = reply.body["fields"]
        assert problem["field"] == "domain"
        assert "reserved by RFC" in problem["message"]
        assert reply.body["message"] == f"The request is not valid: domain: {problem['message']}."
    assert kindling.world.inventory()["agentmail"]["domains"] == []
    monkeypatch.setenv("RESERVED_NAMES", "allow")
    settings.cache_clear()
    assert kindling.api.post(route, {"domain": name}).status == 201


def test_an_international_name_is_one_name_in_every_spelling(kindling: Kindling) -> None:
    kept = "xn--bcher-kva.example"
    made = kindling.api.post(V1, {"domain": "Bücher.Example."})
    assert (made.status, made.body["domain"]) == (201, kept)
    assert [domain["domain"] for domain in kindling.world.inventory()["agentmail"]["domains"]] == [kept]
    for route in (DOMAINS, V1):
        for spelling in ("bücher.example", kept, kept.upper()):
            assert kindling.api.post(route, {"domain": spelling}).body["error"] == "domain_exists"
    for spelling in ("bücher.example", "Bücher.EXAMPLE.", kept, kept.upper()):
        found = kindling.api.get(f"{V1}/{spelling}")
        assert (found.status, found.body["id"]) == (200, made.body["id"]), spelling


@pytest.mark.parametrize("name", ["acme..example", "ac_me.example", "192.0.2.7", "\N{KELVIN SIGN}im.example", "co.uk"])
def test_a_name_that_is_none_is_a_domain_that_does_not_exist(kindling: Kindling, name: str) -> None:
    kindling.api.post(V1, {"domain": "kim.example"})
    absent = kindling.api.get(f"{V1}/absent.example")
    for method in ("GET", "DELETE"):
        reply = kindling.api(method, f"{V1}/{name}")
        assert (reply.status, reply.body) == (404, absent.body)
    assert kindling.api.post(f"{V1}/{name}/verify").status == 404
