"""The HTTP API in front of the functions, without an engine."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from local import http_api
from local.http_api import HttpApi, Invoked, Route, Routes, decode_path, make_event, make_response

ROUTES = [
    {"key": "$default", "function": "refuse"},
    {"key": "GET /things", "function": "list"},
    {"key": "GET /things/{thing_id}", "function": "get"},
    {"key": "GET /things/best", "function": "best"},
    {"key": "ANY /things/{thing_id}/parts/{part_id}", "function": "part"},
    {"key": "POST /things/{thing_id}/parts/{part_id}", "function": "add_part"},
    {"key": "ANY /console/{proxy+}", "function": "console"},
]


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    path = tmp_path / "routes.json"
    path.write_text(json.dumps(ROUTES))
    return Routes(path)


def scope(method: str = "GET", path: str = "/things", query: str = "", **headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8791),
    }


def response_of(size: int) -> Invoked:
    """What a function returned, as a payload of that many bytes."""
    frame = b'{"statusCode": 200, "body": "%s"}'
    return Invoked(frame % (b"x" * (size - len(frame % b""))))


@pytest.mark.parametrize(
    ("method", "path", "function", "parameters"),
    [
        ("GET", "/things", "list", {}),
        ("GET", "/things/7", "get", {"thing_id": "7"}),
        ("GET", "/things/best", "best", {}),
        ("GET", "/things/", "refuse", {}),
        ("POST", "/things/7", "refuse", {}),
        ("PATCH", "/things/7/parts/x@y", "part", {"thing_id": "7", "part_id": "x@y"}),
        ("POST", "/things/7/parts/1", "add_part", {"thing_id": "7", "part_id": "1"}),
        ("DELETE", "/console/a/b/c.css", "console", {"proxy": "a/b/c.css"}),
        ("GET", "/console", "refuse", {}),
        ("GET", "/", "refuse", {}),
    ],
)
def test_the_most_specific_route_answers(
    routes: Routes, method: str, path: str, function: str, parameters: dict[str, str]
) -> None:
    found = routes.find(method, path)
    assert found is not None
    assert (found[0].function, found[1]) == (function, parameters)


def test_without_a_default_route_nothing_answers_an_unknown_path(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    path.write_text(json.dumps(ROUTES[1:]))
    assert Routes(path).find("GET", "/nowhere") is None


def test_a_new_deployment_changes_the_routes(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    routes = Routes(path)
    assert not routes.deployed
    path.write_text(json.dumps(ROUTES))
    assert routes.deployed
    path.unlink()
    assert not routes.deployed


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/a%40b", "/a@b"),
        ("/caf%C3%A9", "/café"),
        ("/a%2Fb%20c", "/a/b c"),
        ("/100%25", "/100%25"),
        ("/%C3%A9%25%C3%A9", "/é%25é"),
        ("/%zz%4", "/%zz%4"),
    ],
)
def test_a_path_is_decoded_except_for_the_percent_sign(raw: str, decoded: str) -> None:
    assert decode_path(raw) == decoded


def test_the_event_has_what_the_client_sent() -> None:
    request = scope("POST", "/things/7", "x=1&x=2&empty=&q=%E2%82%AC", content_type="application/json", host="h:1")
    request["headers"] += [(b"X-Two", b"a"), (b"x-two", b"b"), (b"cookie", b"k=1; l=2")]
    event = make_event(request, "/things/7", b'{"a":1}', "POST /things/{thing_id}", {"thing_id": "7"}, "rq")
    assert event["version"] == "2.0"
    assert event["rawQueryString"] == "x=1&x=2&empty=&q=%E2%82%AC"
    assert event["queryStringParameters"] == {"x": "1,2", "empty": "", "q": "€"}
    assert event["headers"]["x-two"] == "a,b"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["k=1", "l=2"]
    assert event["pathParameters"] == {"thing_id": "7"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"a":1}', False)
    assert event["requestContext"]["http"]["method"] == "POST"
    # Whatever the client calls it.
    assert event["requestContext"]["domainName"] == "127.0.0.1:8791"
    assert event["requestContext"]["requestId"] == "rq"


def test_the_event_leaves_out_what_was_not_sent() -> None:
    event = make_event(scope(), "/things", b"", "GET /things", {}, "rq")
    assert not {"body", "cookies", "pathParameters", "queryStringParameters"} & set(event)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", b"plain"),
        ("", b"plain"),
        ("application/x-www-form-urlencoded", b"a=1"),
        ("application/json", b"\xff\xfe"),
    ],
)
def test_a_binary_body_is_passed_as_base64(content_type: str, body: bytes) -> None:
    event = make_event(scope("POST", content_type=content_type), "/", body, "$default", {}, "rq")
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == body


def test_the_response_is_what_the_function_returned() -> None:
    payload = {
        "statusCode": 201,
        "headers": {"Content-Type": "text/html", "X-Number": 7, "Content-Length": "99", "Connection": "close"},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"<p>\xe9").decode(),
        "isBase64Encoded": True,
    }
    response = make_response(Invoked(json.dumps(payload).encode()))
    assert (response.status, response.body) == (201, b"<p>\xe9")
    assert response.headers == [
        ("content-type", "text/html"),
        ("x-number", "7"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


def test_a_payload_without_a_status_is_the_body() -> None:
    response = make_response(Invoked(b'{"a": 1}'))
    assert (response.status, response.headers, response.body) == (
        200,
        [("content-type", "application/json")],
        b'{"a": 1}',
    )


@pytest.mark.parametrize(
    ("invoked", "status", "sentence"),
    [
        (Invoked(b'{"errorType": "CardDeclined"}', failed=True), 500, "Internal Server Error"),
        (Invoked(b"{}", failed=True, throttled=True), 503, "Service Unavailable"),
        (Invoked(b'{"statusCode": "soon"}'), 500, "Internal Server Error"),
        (Invoked(b'{"statusCode": 99}'), 500, "Internal Server Error"),
        (Invoked(b'{"statusCode": 200, "body": 7}'), 500, "Internal Server Error"),
        (Invoked(b'{"statusCode": 200, "headers": {"x": "a\\r\\nset-cookie: b"}}'), 500, "Internal Server Error"),
        (Invoked(b"not json"), 500, "Internal Server Error"),
        (response_of(6 * 1024 * 1024 + 101), 500, "Internal Server Error"),
    ],
)
def test_a_failing_function_gets_the_response_of_aws(invoked: Invoked, status: int, sentence: str) -> None:
    response = make_response(invoked)
    assert response.status == status
    assert json.loads(response.body) == {"message": sentence}


def test_a_response_may_be_as_long_as_lambda_returns_it() -> None:
    assert make_response(response_of(6 * 1024 * 1024 + 100)).status == 200


def ask(application: HttpApi, request: dict[str, Any], *chunks: bytes) -> tuple[int, dict[str, str], bytes]:
    """One request to the ASGI application, on a loop of its own."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        await application(request, receive, send)

    asyncio.run(run())
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message["body"] for message in sent[1:])


async def echo(function: str, payload: bytes) -> Invoked:
    answer = {"statusCode": 200, "body": json.dumps({"function": function, "event": json.loads(payload)})}
    return Invoked(json.dumps(answer).encode())


@pytest.mark.usefixtures("socket_enabled")
class TestApplication:
    def test_a_request_reaches_its_function(self, routes: Routes) -> None:
        status, headers, body = ask(HttpApi(routes, echo), scope("POST", "/things/7/parts/1"), b"ab", b"cd")
        assert (status, json.loads(body)["function"]) == (200, "add_part")
        assert base64.b64decode(json.loads(body)["event"]["body"]) == b"abcd"
        assert headers["content-length"] == str(len(body))
        assert headers["apigw-requestid"]

    def test_head_has_the_length_and_no_body(self, routes: Routes) -> None:
        status, headers, body = ask(HttpApi(routes, echo), scope("HEAD", "/things"))
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) > 0

    def test_no_content_has_no_length(self, routes: Routes) -> None:
        async def nothing(_function: str, _payload: bytes) -> Invoked:
            return Invoked(b'{"statusCode": 204, "body": "ignored"}')

        status, headers, body = ask(HttpApi(routes, nothing), scope())
        assert (status, body) == (204, b"")
        assert "content-length" not in headers

    def test_before_a_deployment_the_service_is_unavailable(self, tmp_path: Path) -> None:
        status, _, body = ask(HttpApi(Routes(tmp_path / "none"), echo), scope())
        assert (status, json.loads(body)) == (503, {"message": "Service Unavailable"})

    def test_a_body_above_ten_megabytes_is_too_large(self, routes: Routes) -> None:
        chunk = b"x" * (1024 * 1024)
        assert ask(HttpApi(routes, echo), scope("POST"), *[chunk] * 10)[0] == 500
        assert ask(HttpApi(routes, echo), scope("POST"), *[chunk] * 10, b"x")[0] == 413

    def test_an_event_above_six_megabytes_is_not_taken_by_lambda(self, routes: Routes) -> None:
        sizes: list[int] = []

        async def measure(_function: str, payload: bytes) -> Invoked:
            sizes.append(len(payload))
            return Invoked(b'{"statusCode": 200}')

        text = scope("POST", content_type="text/plain")
        assert ask(HttpApi(routes, measure), text, b"x")[0] == 200
        room = 6 * 1024 * 1024 - sizes[0] + 1
        assert [ask(HttpApi(routes, measure), text, b"x" * n)[0] for n in (room, room + 1)] == [200, 500]

    def test_a_function_that_takes_too_long_is_unavailable(
        self, routes: Routes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def slow(_function: str, _payload: bytes) -> Invoked:
            await asyncio.sleep(0.2)
            return Invoked()

        monkeypatch.setattr(http_api, "INTEGRATION_SECONDS", 0.05)
        assert ask(HttpApi(routes, slow), scope())[0] == 503

    def test_a_client_that_leaves_starts_nothing(self, routes: Routes) -> None:
        async def never(_function: str, _payload: bytes) -> Invoked:
            raise AssertionError

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(_message: dict[str, Any]) -> None:
            raise AssertionError

        async def run() -> None:
            await HttpApi(routes, never)(scope(), receive, send)

        asyncio.run(run())


def test_a_route_key_without_a_path_matches_nothing() -> None:
    assert Route("$default", "refuse").match("GET", "/anything") == {}
