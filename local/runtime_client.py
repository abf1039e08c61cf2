"""A client of Lambda's Runtime API: calls a function's handler for one invocation after another.

It does in pure Python, so on every system, what `awslambdaric` does on AWS: the same errors, by the name of the
exception's class, the same JSON and the same context. Only what an engine for one machine has no use for is missing:
framed logs, SnapStart and the context of mobile clients. The API is described in
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
"""

import http.client
import importlib
import json
import logging
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.message import Message
from types import TracebackType
from typing import Any

VERSION = "/2018-06-01/runtime"
LOG_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"

Handler = Callable[[Any, "Context"], Any]
Headers = Message | Mapping[str, str]


class Fault(Exception):
    """A failure of the runtime's own, such as a missing handler. `kind` is its name in the contract of Lambda."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


@dataclass(frozen=True)
class Context:
    """The second argument of a handler. The names are those of AWS."""

    aws_request_id: str
    invoked_function_arn: str
    deadline_ms: int
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run, in milliseconds; 0 after the deadline."""
        return max(self.deadline_ms - int(time.time() * 1000), 0)


class RuntimeApi:
    """The Runtime API at `address`, over one connection. Raises OSError and HTTPException when it has ended."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def next(self) -> tuple[Message, bytes]:
        """Wait for the next invocation; its headers and its event."""
        return self._call("GET", "/invocation/next")

    def respond(self, request_id: str, payload: bytes, content_type: str) -> None:
        """Send the function's result."""
        self._call("POST", f"/invocation/{request_id}/response", payload, {"Content-Type": content_type})

    def fail(self, request_id: str, error: dict[str, Any]) -> None:
        """Report that the invocation failed."""
        self._report(f"/invocation/{request_id}/error", error)

    def fail_init(self, error: dict[str, Any]) -> None:
        """Report that the function cannot be initialized."""
        self._report("/init/error", error)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _report(self, path: str, error: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error["errorType"]}
        self._call("POST", path, json.dumps(error).encode(), headers)

    def _call(
        self, method: str, path: str, payload: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Message, bytes]:
        self._connection.request(method, VERSION + path, payload, dict(headers or {}))
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 202):
            raise http.client.HTTPException(f"{method} {path} was answered {answer.status}")
        return answer.headers, body


class RequestId(logging.Filter):
    """Gives every log record the id of the running invocation."""

    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.current
        return True


def run(api: RuntimeApi, handler_name: str) -> None:
    """Import the handler and call it for every invocation. Returns when the handler cannot be imported.

    SystemExit and other exceptions that are no Exception leave the handler and this function: as on AWS, they end the
    process.
    """
    try:
        handler = find_handler(handler_name)
    except Exception as error:  # noqa: BLE001
        report = describe(error)
        _log(report)
        api.fail_init(report)
        return
    while True:
        headers, event = api.next()
        _request_id.current = headers["Lambda-Runtime-Aws-Request-Id"]
        _set_trace(headers.get("Lambda-Runtime-Trace-Id"))
        invoke(api, handler, headers, event)


def invoke(api: RuntimeApi, handler: Handler, headers: Headers, event: bytes) -> None:
    """Call the handler for one invocation, and send its result or its error."""
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        payload, content_type = to_payload(handler(_parse(event), make_context(headers)))
    except Exception as error:  # noqa: BLE001
        report = describe(error, request_id)
        _log(report)
        api.fail(request_id, report)
    else:
        api.respond(request_id, payload, content_type)


def find_handler(name: str) -> Handler:
    """The function that a name such as `app.lambda_handler` stands for. Raises Fault, and what its module raises."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace) from None
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError:
        sentence = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", sentence) from None
    return handler


def make_context(headers: Headers) -> Context:
    """The context of an invocation, from its headers and the function's environment."""
    environment = os.environ
    return Context(
        aws_request_id=headers["Lambda-Runtime-Aws-Request-Id"],
        invoked_function_arn=headers.get("Lambda-Runtime-Invoked-Function-Arn", ""),
        deadline_ms=int(headers["Lambda-Runtime-Deadline-Ms"]),
        function_name=environment.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        function_version=environment.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
        memory_limit_in_mb=environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
        log_group_name=environment.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
        log_stream_name=environment.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
    )


def to_payload(response: Any) -> tuple[bytes, str]:
    """A handler's result as the Runtime API takes it, and its content type. Raises Fault for what is no JSON."""
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return json.dumps(_plain(response), ensure_ascii=False).encode(), "application/json"
    except (TypeError, ValueError, RecursionError) as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def describe(error: Exception, request_id: str = "") -> dict[str, Any]:
    """An error as Lambda reports it. A state machine's Retry and Catch compare `errorType`, the class's name."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        kind, trace = type(error).__name__, _frames(error.__traceback__)
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def _parse(event: bytes) -> Any:
    try:
        return json.loads(event)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def _plain(value: Any) -> Any:
    """A value with the types that `awslambdaric` takes beside those of JSON replaced by those that it writes."""
    if isinstance(value, dict):
        return {name.decode() if isinstance(name, bytes) else name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return math.nan if value.is_nan() else json.loads(str(value))
    return value.decode() if isinstance(value, bytes) else value


def _frames(trace: TracebackType | None) -> list[str]:
    """The frames of a traceback as text, without those of this module at its beginning."""
    frames = list(traceback.extract_tb(trace))
    while frames and frames[0].filename == __file__:
        del frames[0]
    return traceback.format_list(frames)


def _set_trace(trace_id: str | None) -> None:
    if trace_id is None:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    else:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id


_request_id = RequestId()


def set_up_logging() -> None:
    """Log to standard output with the request's id, as far as the function does not set up a logger of its own."""
    formatter = logging.Formatter(LOG_FORMAT, DATE_FORMAT)
    formatter.converter = time.gmtime
    to_output = logging.StreamHandler(sys.stdout)
    to_output.setFormatter(formatter)
    to_output.addFilter(_request_id)
    logging.getLogger().addHandler(to_output)


def _log(report: dict[str, Any]) -> None:
    """Print an error in one line, so that the engine takes it for one log entry."""
    lines = [f"[ERROR] {report['errorType']}: {report['errorMessage']}", "Traceback (most recent call last):"]
    sys.stdout.write("\r".join([*lines, *"".join(report["stackTrace"]).splitlines()]) + "\n")
    sys.stdout.flush()
