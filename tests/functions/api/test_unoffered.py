"""Every method of the official `postscale` client: a route answers it, or a 501 with a sentence does."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import httpx
from postscale import Postscale, resources

from kindling.entry.routes import methods_of
from kindling.entry.unoffered import UNOFFERED, why_not
from tests.harness.lambdas import Api
from tests.harness.template import ROOT

ROW = re.compile(r"^\| `(\w+\.\w+)` \| `([A-Z]+) ([^`]+)` \| (works|501: .+) \|$", re.MULTILINE)
# What the client computes by itself.
OWN = {"webhooks.verify_signature"}


def asked(method: str, call: Any, arguments: list[Any]) -> tuple[str, str]:
    """The method and the path that a call of the client asks for."""
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    with Postscale("k", base_url="http://here", client=httpx.Client(transport=httpx.MockTransport(note))) as client:
        resource, _, name = method.partition(".")
        getattr(getattr(client, resource), name)(*arguments)
    (request,) = seen
    return request.method, request.url.path


def methods() -> Iterator[tuple[str, Any]]:
    """Each method of the client with its function."""
    with Postscale("k", base_url="http://here") as client:
        for name, resource in vars(client).items():
            if type(resource).__name__ in resources.__all__:
                for method, call in inspect.getmembers(resource, inspect.ismethod):
                    if not method.startswith("_") and f"{name}.{method}" not in OWN:
                        yield f"{name}.{method}", call


def walk() -> dict[str, tuple[str, str]]:
    """What each method asks for, with its arguments' names as ids; optional ones are left out."""
    found = {}
    for method, call in methods():
        needed = [p for p in inspect.signature(call).parameters.values() if p.default is p.empty]
        values = [{} if p.name in ("request", "params") else f"{{{p.name}}}" for p in needed]
        found[method] = asked(method, call, values)
    return found


def test_every_method_of_the_client_works_or_says_why_not_and_the_table_in_the_docs_says_which() -> None:
    asks = walk()
    assert len(asks) > 50
    rows = {row[0]: row[1:] for row in ROW.findall((ROOT / "docs/contract.md").read_text())}
    expected = {}
    for method, (verb, path) in asks.items():
        why = why_not(verb, path)
        assert (verb in methods_of(path)) != bool(why), method
        expected[method] = (verb, path, f"501: {why}" if why else "works")
    assert rows == expected


def test_what_is_not_offered_is_a_501_with_its_sentence() -> None:
    for method, pattern, why in UNOFFERED:
        path = re.sub(r"\{\w+\}", "x", pattern)
        reply = Api("")(method, path)
        assert (reply.status, reply.body["error"], reply.body["message"]) == (501, "not_offered", why), path
        assert method not in methods_of(path)
