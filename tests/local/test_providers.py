"""The selection of real providers or the sandbox, and whether the providers know the keys."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from local import packaging, ticks
from local.providers import check_keys, home_for, real_providers
from local.settings import TEMPLATE, Refused

KEYS = {"AGENTMAIL_API_KEY": "a", "INSTANTLY_API_KEY": "i", "CLOUDFLARE_API_TOKEN": "c"}


def test_without_keys_the_sandbox_is_used() -> None:
    assert not real_providers({"CLOUDFLARE_API_TOKEN": ""})


def test_with_every_key_the_real_providers_are_used() -> None:
    assert real_providers(KEYS)


def test_some_but_not_all_keys_are_refused() -> None:
    with pytest.raises(Refused, match=r"Not set: INSTANTLY_API_KEY\."):
        real_providers({name: key for name, key in KEYS.items() if name != "INSTANTLY_API_KEY"})


def test_real_providers_have_a_folder_of_their_own(tmp_path: Path) -> None:
    where = {"KINDLING_HOME": str(tmp_path)}
    sandbox, real = home_for(where), home_for(where | KEYS)
    assert (sandbox.path, sandbox.real) == (tmp_path, False)
    assert real.path.parent == tmp_path
    assert real.real


def test_the_clock_of_real_providers_cannot_be_moved(tmp_path: Path) -> None:
    real = home_for({"KINDLING_HOME": str(tmp_path)} | KEYS)
    with pytest.raises(Refused, match="cannot be moved"):
        ticks.advance(timedelta(days=1), real)
    assert not real.clock.exists()
    packaged = packaging.package(TEMPLATE, real).template
    assert "KINDLING_CLOCK_FILE" not in packaged["Globals"]["Function"]["Environment"]["Variables"]


def answering(statuses: dict[str, int], seen: list[httpx.Request]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(statuses.get(request.url.host, 200))

    return httpx.MockTransport(answer)


def test_every_provider_is_asked_with_its_own_key() -> None:
    seen: list[httpx.Request] = []
    check_keys(KEYS, answering({}, seen))
    assert {(request.method, request.url.host, request.headers["authorization"]) for request in seen} == {
        ("GET", "api.agentmail.to", "Bearer a"),
        ("GET", "api.instantly.ai", "Bearer i"),
        ("GET", "api.cloudflare.com", "Bearer c"),
    }


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_false_key_is_named_in_one_sentence(status: int) -> None:
    with pytest.raises(Refused, match=rf"^Instantly refuses the key in INSTANTLY_API_KEY \(status {status}\)\.$"):
        check_keys(KEYS, answering({"api.instantly.ai": status}, []))


def test_a_provider_in_trouble_refuses_no_key() -> None:
    check_keys(KEYS, answering({"api.instantly.ai": 503, "api.cloudflare.com": 429}, []))


@pytest.mark.parametrize("key", ["schl\u00fcssel", "two\nlines", "two words"])
def test_a_key_that_no_request_can_carry_is_named(key: str) -> None:
    with pytest.raises(Refused, match=r"^AGENTMAIL_API_KEY has characters that no key has\.$"):
        check_keys(KEYS | {"AGENTMAIL_API_KEY": key}, answering({}, []))


def test_a_provider_that_cannot_be_reached_is_named() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host", request=request)

    with pytest.raises(Refused, match=r"^AgentMail cannot be reached: no route to host\.$"):
        check_keys(KEYS, httpx.MockTransport(fail))
