"""The client of the Runtime API, against an API in this process: what a function gets, and how its end is told."""

import json
import logging
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing, suppress
from decimal import Decimal
from enum import StrEnum
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.runtime_client import (
    Context,
    Fault,
    RuntimeApi,
    describe,
    find_handler,
    make_context,
    run,
    set_up_logging,
    to_payload,
)

pytestmark = pytest.mark.usefixtures("socket_enabled", "unchanged_logging")

MODULE = """
import logging, os, sys

class CardDeclined(Exception):
    pass

class Unprintable:
    pass

def answer(event, context):
    logging.getLogger().warning("seen")
    return {"event": event, "id": context.aws_request_id, "trace": os.environ.get("_X_AMZN_TRACE_ID")}

def decline(event, context):
    raise CardDeclined("no money")

def give_nonsense(event, context):
    return Unprintable()

def leave(event, context):
    sys.exit(3)
"""
Point = namedtuple("Point", "x y")


class Colour(StrEnum):
    RED = "red"


class Api(ThreadingHTTPServer):
    """Gives out the events one by one, each with its headers, and keeps what it is sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.events: list[tuple[dict[str, str], bytes]] = []
        self.sent: list[tuple[str, str | None, Any]] = []
        self.connections = 0

    def add(self, event: bytes = b"{}", **headers: str) -> None:
        number = len(self.events) + 1
        deadline = str(int(time.time() * 1000) + 30_000)
        known = {"Lambda-Runtime-Aws-Request-Id": f"id-{number}", "Lambda-Runtime-Deadline-Ms": deadline}
        self.events.append(({**known, **headers}, event))


class Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        assert self.path == "/2018-06-01/runtime/invocation/next"
        if not self.server.events:
            self.answer(500, {}, b"the end")
            return
        self.answer(200, *self.server.events.pop(0))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers.get("Lambda-Runtime-Function-Error-Type")
        self.server.sent.append((self.path.removeprefix("/2018-06-01/runtime"), kind, json.loads(body)))
        self.answer(202, {}, b"")

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def unchanged_logging() -> Iterator[None]:
    before = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = before


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "some_function.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "pay")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
    yield
    sys.modules.pop("some_function", None)


def serve(api: Api, handler: str) -> list[tuple[str, str | None, Any]]:
    """Call the handler for every event of the API; what it was sent."""
    set_up_logging()
    with closing(RuntimeApi(f"127.0.0.1:{api.server_port}")) as client, suppress(HTTPException):
        run(client, f"some_function.{handler}")
    return api.sent


@pytest.mark.usefixtures("function")
def test_every_event_is_answered_over_one_connection(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.add(b'{"n": 1}', **{"Lambda-Runtime-Trace-Id": "Root=1"})
    api.add('["ü"]'.encode())
    assert serve(api, "answer") == [
        ("/invocation/id-1/response", None, {"event": {"n": 1}, "id": "id-1", "trace": "Root=1"}),
        ("/invocation/id-2/response", None, {"event": ["ü"], "id": "id-2", "trace": None}),
    ]
    assert api.connections == 1
    assert [line.split("\t")[0::2] for line in capsys.readouterr().out.splitlines()] == [
        ["[WARNING]", "id-1"],
        ["[WARNING]", "id-2"],
    ]


@pytest.mark.usefixtures("function")
def test_an_error_is_told_by_the_name_of_its_class(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.add()
    ((path, kind, error),) = serve(api, "decline")
    assert (path, kind) == ("/invocation/id-1/error", "CardDeclined")
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (error["errorMessage"], error["errorType"], error["requestId"]) == ("no money", "CardDeclined", "id-1")
    (frame,) = error["stackTrace"]
    assert "some_function.py" in frame
    assert 'raise CardDeclined("no money")' in frame
    (line,) = capsys.readouterr().out.split("\n")[:-1]
    assert line.startswith("[ERROR] CardDeclined: no money\r")


@pytest.mark.usefixtures("function")
def test_what_is_no_json_is_an_error_and_the_next_event_is_answered(api: Api) -> None:
    api.add()
    api.add(b"{")
    (first, second) = serve(api, "give_nonsense")
    assert first[1] == "Runtime.MarshalError"
    assert first[2]["errorMessage"] == "Unable to marshal response: Object of type Unprintable is not JSON serializable"
    assert second[1] == "Runtime.UnmarshalError"


@pytest.mark.usefixtures("function")
def test_a_function_that_leaves_ends_its_process_without_an_answer(api: Api) -> None:
    api.add()
    with pytest.raises(SystemExit):
        serve(api, "leave")
    assert api.sent == []


@pytest.mark.usefixtures("function")
def test_a_missing_handler_fails_the_initialization(api: Api) -> None:
    sentence = "Handler 'missing' missing on module 'some_function'"
    error = {
        "errorMessage": sentence,
        "errorType": "Runtime.HandlerNotFound",
        "requestId": "",
        "stackTrace": [],
    }
    assert serve(api, "missing") == [("/init/error", "Runtime.HandlerNotFound", error)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import no_such_module", "Runtime.ImportModuleError"),
        ("def (", "Runtime.UserCodeSyntaxError"),
        ("raise LookupError('nothing')", "LookupError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_as_on_aws(
    code: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_function.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Exception) as raised:  # noqa: PT011
        find_handler("broken_function.handler")
    assert isinstance(raised.value, Exception)
    assert describe(raised.value)["errorType"] == kind


def test_a_handler_without_a_module_is_malformed() -> None:
    with pytest.raises(Fault) as raised:
        find_handler("handler")
    assert raised.value.kind == "Runtime.MalformedHandlerName"


@pytest.mark.parametrize(
    ("response", "json_text"),
    [
        ({"a": None, 1: True}, '{"a": null, "1": true}'),
        ("é", '"é"'),
        (Decimal(3), "3"),
        (Decimal("1.5"), "1.5"),
        ({"n": [Decimal("NaN"), Decimal("-NaN")]}, '{"n": [NaN, NaN]}'),
        (Point(1, (2, 3)), '{"x": 1, "y": [2, 3]}'),
        ({b"key": b"bytes"}, '{"key": "bytes"}'),
        (Colour.RED, '"red"'),
    ],
)
def test_a_response_is_written_as_awss_runtime_writes_it(response: Any, json_text: str) -> None:
    assert to_payload(response) == (json_text.encode(), "application/json")


def test_bytes_are_passed_on_as_they_are() -> None:
    assert to_payload(b"\x00") == (b"\x00", "application/unknown")


@pytest.mark.parametrize("response", [{1, 2}, {(1, 2): 3}, "\ud800", [object()]])
def test_what_cannot_be_written_is_a_marshal_error(response: Any) -> None:
    with pytest.raises(Fault) as raised:
        to_payload(response)
    assert raised.value.kind == "Runtime.MarshalError"


@pytest.mark.usefixtures("function")
def test_the_context_has_the_names_of_aws() -> None:
    deadline = int(time.time() * 1000) + 10_000
    context: Context = make_context(
        {
            "Lambda-Runtime-Aws-Request-Id": "id",
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:pay",
        }
    )
    assert (context.aws_request_id, context.function_name, context.function_version) == ("id", "pay", "$LATEST")
    assert (context.memory_limit_in_mb, context.log_stream_name) == ("512", "stream")
    assert context.invoked_function_arn.endswith(":function:pay")
    assert 9_000 < context.get_remaining_time_in_millis() <= 10_000


def test_no_time_is_left_after_the_deadline() -> None:
    past = {"Lambda-Runtime-Aws-Request-Id": "id", "Lambda-Runtime-Deadline-Ms": "1000"}
    assert make_context(past).get_remaining_time_in_millis() == 0
