"""Requests that schemathesis makes of the OpenAPI document, valid and not, and its opinion of the answers.

Importing schemathesis takes seconds: it is imported by the tests that make requests, not by those that are collected.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from local.http_api import Invoked, Routes, decode_path, make_event, make_response
from tests.harness.contract import document
from tests.harness.lambdas import invoke
from tests.harness.template import served

# What schemathesis may find wrong. A conforming request may still be refused: the rows are not as it needs them.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

Ids = dict[str, list[str]]


def run(client: httpx.Client, key: str, ids: Ids, *, cases: int, fixed: bool) -> int:
    """Make about `cases` requests of each operation, deletions last; how many were made. Raises when one is answered
    other than the document says.

    Half of them have `ids` in their paths, by name. `fixed` makes the same requests every time.
    """
    import requests
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
    from schemathesis.checks import CHECKS as KNOWN
    from schemathesis.checks import load_all_checks

    load_all_checks()
    checks = KNOWN.get_by_names(list(CHECKS))
    schema = schemathesis.openapi.from_dict(document())
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    made = 0
    for operation in sorted(operations, key=lambda operation: operation.method == "delete"):
        strategies = [operation.as_strategy(), *operation.get_strategies_from_examples()]
        if operation.body or operation.query or operation.path_parameters:
            strategies.append(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))

        @settings(
            max_examples=cases,
            phases=[Phase.generate],
            derandomize=fixed,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(strategies), data=st.data())
        def ask(case: Any, data: Any) -> None:
            nonlocal made
            for name in case.path_parameters:
                if data.draw(st.booleans()):
                    case.path_parameters[name] = data.draw(st.sampled_from(ids[name]))
            case.headers["Authorization"] = f"Bearer {key}"
            prepared = requests.Request(**case.as_transport_kwargs(base_url=str(client.base_url))).prepare()
            made += 1
            case.validate_response(client.send(_request(prepared)), checks=checks)

        ask()
    return made


def _request(prepared: Any) -> httpx.Request:
    headers = [(name, text if isinstance(text, bytes) else text.encode()) for name, text in prepared.headers.items()]
    return httpx.Request(prepared.method, prepared.url, headers=headers, content=prepared.body)


class Gateway:
    """The HTTP API in process: the local cloud's routing and events, and the handlers; for httpx's MockTransport."""

    def __init__(self, folder: Path) -> None:
        file = folder / "routes.json"
        file.write_text(json.dumps([{"key": key, "function": function} for key, function in served().items()]))
        self._routes = Routes(file)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        raw_path, _, query = request.url.raw_path.partition(b"?")
        path = decode_path(raw_path.decode())
        found = self._routes.find(request.method, path)
        assert found
        route, ids = found
        scope = {
            "method": request.method,
            "headers": request.headers.raw,
            "query_string": query,
            "client": ("127.0.0.1", 1),
            "server": (request.url.host, request.url.port or 443),
            "http_version": "1.1",
        }
        event = make_event(scope, path, request.content, route.key, ids, "request-1")
        response = make_response(Invoked(json.dumps(invoke(route.function, event)).encode()))
        answer = httpx.Response(response.status, headers=response.headers, content=response.body)
        answer.elapsed = timedelta()
        return answer
