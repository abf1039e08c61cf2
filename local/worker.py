"""A warm process that forks the processes of functions: one imports what functions share once, for all of them.

The `bootstrap` of a function's package starts it, by `python -m local.worker --home FOLDER LAYER…`, and
`local.environments` asks it for processes on its standard input. A fork takes milliseconds where a new process would
import for half a second, and it shares its memory until it changes it.

Why forking is safe here, on macOS too: this process has one thread, and importing opens no connection, makes no client
and calls no framework of the system. The functions' environment has NO_PROXY, so that urllib asks the environment and
never macOS's SystemConfiguration, which must not be used after a fork. What a layer reads of the environment when it
is imported must be the same for all functions; see `local.environments.IMPORTED_FROM`.

The repository is on the import path of this environment; it is removed here, so that a function can import its own
layers only, as on AWS.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import traceback
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn

from local import runtime_client

REPOSITORY = Path(__file__).resolve().parents[1]
HIDDEN = {str(REPOSITORY), str(REPOSITORY / "layers" / "core")}
# Libraries that functions import when they are called, not at their top.
IMPORTED_LATER = (
    "boto3.dynamodb.table",
    "boto3.dynamodb.transform",
    "dns.resolver",
    "httpcore",
    "httpx",
    "publicsuffixlist",
)
SERVICES = ("dynamodb", "secretsmanager", "sqs", "stepfunctions")
MODELS = ("service-2", "endpoint-rule-set-1")
SHARED_MODELS = ("_retry", "endpoints", "partitions", "sdk-default-configuration")
LENGTH_BYTES = 4


def main() -> None:
    """Arguments: `--home FOLDER`, which marks the process for `local.processes.find`, and the folders of the layers."""
    layers = sys.argv[3:]
    sys.path[:] = [*layers, *(entry for entry in sys.path if entry not in HIDDEN)]
    for name in [name for name in sys.modules if name.partition(".")[0] == "local"]:
        del sys.modules[name]
    # Before the imports: the logger of Powertools keeps its lines from the handlers that it finds.
    runtime_client.set_up_logging()
    _import_all(layers)
    _read_models()
    # Children are reaped by the system: they tell the engine of their end by closing a pipe.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Objects that no collection visits stay in memory that is shared.
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=os.dup(0))
    while True:
        head, descriptors, _, _ = socket.recv_fds(control, LENGTH_BYTES, 2)
        if not head:
            return
        request = json.loads(_receive(control, int.from_bytes(head + _receive(control, LENGTH_BYTES - len(head)))))
        if not os.fork():
            control.close()
            _become(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _import_all(layers: list[str]) -> None:
    """Import every module of the layers. One that cannot be imported fails in the functions that need it."""
    modules = [module.name for module in pkgutil.walk_packages(layers, onerror=lambda _name: None)]
    for name in (*modules, *IMPORTED_LATER):
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001
            sys.stderr.write(f"{name} cannot be imported:\n{traceback.format_exc()}")


def _read_models() -> None:
    """Have boto3's default session read what it needs for a client of each service, which takes longest.

    The session asks the environment for the region, credentials and endpoint only when a client is made.
    """
    import boto3

    boto3.setup_default_session()
    session: Any = boto3.DEFAULT_SESSION
    models = session._session.get_component("data_loader")
    for name in SERVICES:
        for kind in MODELS:
            models.load_service_model(name, kind)
    for name in SHARED_MODELS:
        models.load_data(name)


def _receive(control: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        part = control.recv(length - len(received))
        if not part:
            sys.exit(0)
        received += part
    return bytes(received)


def _become(request: dict[str, dict[str, str]], output: int, life: int) -> NoReturn:
    """Turn this forked process into an execution environment that logs to `output`.

    The write end of the pipe `life` gets the process's id, and is closed when the process ends.
    """
    try:
        os.set_inheritable(life, False)
        os.write(life, b"%d\n" % os.getpid())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
            os.dup2(source, target)
            os.set_inheritable(source, False)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        environment = request["environment"]
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(environment["LAMBDA_TASK_ROOT"])
        sys.path.insert(0, environment["LAMBDA_TASK_ROOT"])
        # The engine closes the connection when it ends this environment, or itself.
        with contextlib.suppress(OSError, HTTPException):
            runtime_client.run(
                runtime_client.RuntimeApi(environment["AWS_LAMBDA_RUNTIME_API"]), environment["_HANDLER"]
            )
    except SystemExit:
        pass
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        # What the warm process has registered for its own end is not for this one.
        os._exit(1)


if __name__ == "__main__":
    main()
