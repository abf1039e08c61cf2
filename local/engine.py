"""Runs the AWS engine, MiniStack, with patches. They use private names, so the engine's version is pinned.

What is patched, and why:

- The engine's Runtime API sends a response in two small writes with Nagle's algorithm enabled, which takes 40 ms per
  call, and waits 50 ms for a first log line. Both waits are removed.
- The engine saves its state only at a clean stop. Here every change is in a checkpoint (`local.checkpoint`) two to
  four seconds later.
- Every call that finds no idle process of its function starts one, which imports everything again. Here few processes
  are kept, and they are forked from one that has imported it (`local.environments`).
- A throttled invocation reaches a state machine as `Lambda.Unknown`; on AWS it is `Lambda.TooManyRequestsException`.
- A distributed map takes no JSONata. Here it does (`local.maps`).
- Logs, metrics and finished executions are kept for ever and would be part of every checkpoint. Only the newest are
  kept here.
"""

import argparse
import asyncio
import contextlib
import copy
import importlib
import logging.handlers
import os
import resource
import signal
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import exit_with_parent, maps
from local.checkpoint import Checkpoint
from local.environments import FOR_API, Environments
from local.http_api import HttpApi, Invoked, Receive, Routes, Scope, Send
from local.settings import ACCOUNT, API_CONCURRENCY, HOST, REGION, Home, Ports

CHECKPOINT_SECONDS = 2.0
# A large state is saved less often, so that checkpoints take a twentieth of the engine's time, but at least this often.
MAX_CHECKPOINT_SECONDS = 4.0
# A table also changes without a request when items expire (TTL).
FULL_CHECKPOINT_SECONDS = 60.0
STOP_SECONDS = 5.0
OPEN_FILES = 2048
# More calls than there may be processes wait for one.
LAMBDA_CONCURRENCY = 100
KEPT_EXECUTIONS = 500
KEPT_LOG_STREAMS = 1000
KEPT_METRIC_SECONDS = 900
TABLE_READS = ("BatchGetItem", "Describe", "GetItem", "List", "Query", "Scan", "TransactGetItems")
# These services have large states. A checkpoint serializes them immediately, so it needs no copy of them.
SHARED_WITH_CHECKPOINT = (
    "cloudformation",
    "cloudwatch",
    "cloudwatch_logs",
    "dynamodb",
    "iam",
    "sqs",
    "stepfunctions",
)


logger = logging.getLogger(__name__)


def set_environment(home: Home, ports: Ports) -> None:
    """Set the environment of the engine and its functions. The user's AWS configuration is removed from it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    scratch = home.engine / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "AUTH": "false",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(ports.engine),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(LAMBDA_CONCURRENCY),
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(home.engine / "state"),
        "TMPDIR": str(scratch),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": ports.engine_url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
    }
    tempfile.tempdir = str(scratch)


def allow_open_files() -> None:
    """Raise this process's limit of open files, which is 256 on macOS: every process of a function takes four."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class CopyModule:
    """Replaces the module `copy` in a service, so that a checkpoint reads its state without copying it."""

    copy = staticmethod(copy.copy)

    def __init__(self) -> None:
        self._sharing = threading.local()

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """Let `deepcopy` return its argument, in this thread and inside the block."""
        self._sharing.on = True
        try:
            yield
        finally:
            self._sharing.on = False

    def deepcopy(self, value: Any, memo: dict[int, Any] | None = None) -> Any:
        return value if getattr(self._sharing, "on", False) else copy.deepcopy(value, memo)


class Engine:
    """MiniStack in this process, patched, and the HTTP API in front of its functions."""

    def __init__(self, home: Home, ports: Ports) -> None:
        self._ports = ports
        self._app: Any = importlib.import_module("ministack.app")
        self._runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
        persistence = importlib.import_module("ministack.core.persistence")
        self._services = {name: service(name) for name in (*SHARED_WITH_CHECKPOINT, "lambda_svc")}
        self._environments = Environments(self._services["lambda_svc"], self._runtime)
        self._copies = CopyModule()
        self._checkpoint = Checkpoint(home.state, persistence._json_default, persistence._json_object_hook)
        self._http_api = HttpApi(Routes(home.routes), self._invoke)
        self._request_slots = asyncio.Semaphore(API_CONCURRENCY)
        self._requests = 0
        self._table_writes = 0
        self._table_version: tuple[int, ...] = ()
        self._full_checkpoint_at = 0.0

    def patch(self) -> None:
        """Apply all patches and load the last checkpoint."""
        self._patch_waits()
        self._environments.patch()
        self._patch_throttling()
        self._patch_state()
        maps.patch(self._services["stepfunctions"])

    def _patch_waits(self) -> None:
        socketserver.StreamRequestHandler.disable_nagle_algorithm = True
        socketserver.StreamRequestHandler.wbufsize = -1
        worker = self._runtime.ProvidedWorker
        drain = worker._drain_stderr_bounded

        def drain_quickly(
            of: Any, first_line_wait: float = 0.002, idle_confirm: float = 0.001, hard_cap: float = 0.25
        ) -> Any:
            return drain(of, first_line_wait, idle_confirm, hard_cap)

        worker._drain_stderr_bounded = drain_quickly

    def _patch_throttling(self) -> None:
        functions = self._services["lambda_svc"]
        throttle = functions._throttle_response

        def throttle_by_name(*arguments: Any, **options: Any) -> Any:
            answer = throttle(*arguments, **options)
            answer["body"]["errorType"] = "Lambda.TooManyRequestsException"
            answer["body"]["errorMessage"] = answer["body"]["message"]
            return answer

        functions._throttle_response = throttle_by_name

    def _patch_state(self) -> None:
        for name in SHARED_WITH_CHECKPOINT:
            self._services[name].copy = self._copies
        self._services["cloudwatch"].TWO_WEEKS_SECONDS = KEPT_METRIC_SECONDS
        states = self._checkpoint.read()
        self._app.load_state = lambda name: states.pop(name, None)
        self._app.save_all = lambda _services: None

    def gather(self) -> None:
        """Collect the states that may have changed, for the next checkpoint."""
        full = time.monotonic() >= self._full_checkpoint_at
        if full:
            self._full_checkpoint_at = time.monotonic() + FULL_CHECKPOINT_SECONDS
            self._evict_old()
        for name, get_state in self._app._build_persistence_save_dict().items():
            if name == "dynamodb" and not self._tables_changed() and not full:
                continue
            try:
                with self._copies.sharing():
                    state = get_state()
                    if state is not None:
                        self._checkpoint.put(name, self._persistent(name, state))
            except (RuntimeError, TypeError, ValueError) as error:
                # Another thread changed the state while it was serialized. A later checkpoint includes it.
                logger.warning("The checkpoint keeps the previous state of %s: %s", name, error)

    def save(self) -> None:
        """Write a checkpoint now."""
        self.gather()
        self._checkpoint.write()

    def _tables_changed(self) -> bool:
        tables = self._services["dynamodb"]._tables._data.values()
        version = (self._table_writes, *(len(table["items"]) for table in tables))
        changed, self._table_version = version != self._table_version, version
        return changed

    def _persistent(self, name: str, state: Any) -> Any:
        """The part of a service's state that is saved: all but log lines and metrics."""
        if name == "cloudwatch":
            return state | {"metrics": type(state["metrics"])()}
        if name == "cloudwatch_logs":
            groups = type(state["log_groups"])()
            for key, group in state["log_groups"]._data.items():
                groups._data[key] = group | {"streams": {}}
            return state | {"log_groups": groups}
        return state

    def _evict_old(self) -> None:
        """Delete all but the newest log streams, metrics and finished executions."""
        self._services["cloudwatch"]._evict_old_metrics()
        for group in list(self._services["cloudwatch_logs"]._log_groups._data.values()):
            for stream in list(group["streams"])[:-KEPT_LOG_STREAMS]:
                group["streams"].pop(stream, None)
        executions = self._services["stepfunctions"]._executions._data
        finished = [key for key, execution in list(executions.items()) if execution["status"] != "RUNNING"]
        for key in finished[:-KEPT_EXECUTIONS]:
            executions.pop(key, None)

    async def _invoke(self, function: str, payload: bytes) -> Invoked:
        FOR_API.set(True)
        async with self._request_slots:
            status, headers, answer = await self._app.SERVICE_HANDLERS["lambda"](
                "POST", f"/2015-03-31/functions/{function}/invocations", {}, payload, {}
            )
        self._requests += 1
        failed = status != 200 or "X-Amz-Function-Error" in headers
        return Invoked(answer, failed=failed, throttled=status == 429)

    async def _count_requests(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The engine's ASGI application. Counts requests, since each may change the state."""
        try:
            await self._app.app(scope, receive, send)
        finally:
            if scope["type"] == "http" and not scope["path"].startswith("/_ministack/"):
                self._requests += 1
                target = dict(scope["headers"]).get(b"x-amz-target", b"").decode("latin-1")
                service_name, _, operation = target.partition(".")
                if service_name.startswith("DynamoDB_") and not operation.startswith(TABLE_READS):
                    self._table_writes += 1

    async def serve(self) -> None:
        """Serve until SIGTERM or SIGINT, then finish the running requests, for STOP_SECONDS at most."""
        asyncio_hypercorn = importlib.import_module("hypercorn.asyncio")
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        servers = [
            asyncio_hypercorn.serve(self._count_requests, _config(self._ports.engine), shutdown_trigger=stop.wait),
            asyncio_hypercorn.serve(self._http_api, _config(self._ports.api, dates=True), shutdown_trigger=stop.wait),
        ]
        running: asyncio.Future[Any] = asyncio.gather(*servers)
        stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        saving = asyncio.ensure_future(self._save_periodically())
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        saving.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running, STOP_SECONDS)

    async def _save_periodically(self) -> None:
        saved, unfinished = -1, False
        pause = CHECKPOINT_SECONDS
        while True:
            await asyncio.sleep(pause)
            if saved != self._requests or unfinished or time.monotonic() >= self._full_checkpoint_at:
                saved, unfinished = self._requests, self._busy()
                began = time.thread_time()
                self.gather()
                taken = time.thread_time() - began
                pause = min(max(CHECKPOINT_SECONDS, 20 * taken), MAX_CHECKPOINT_SECONDS)
                try:
                    await asyncio.to_thread(self._checkpoint.write)
                except OSError:
                    logger.exception("The checkpoint could not be written.")

    def _busy(self) -> bool:
        """Whether a function or a saga is running, which will change the state without another request."""
        running, _ = self._services["lambda_svc"].executions_in_flight()
        executions = list(self._services["stepfunctions"]._executions._data.values())
        return bool(running) or any(execution["status"] == "RUNNING" for execution in executions)

    def end_workers(self) -> None:
        """End every process of a function."""
        self._environments.end()


def service(name: str) -> Any:
    """The module of one of the engine's services."""
    return importlib.import_module(f"ministack.services.{name}")


def _config(port: int, *, dates: bool = False) -> Any:
    """`dates`: whether the server adds a Date header; the engine's own application adds one itself."""
    config = importlib.import_module("hypercorn.config").Config()
    config.include_date_header = dates
    config.bind = [f"{HOST}:{port}"]
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 10**9
    config.graceful_timeout = 2
    config.errorlog = logging.getLogger("hypercorn.error")
    return config


def main() -> None:
    """`python -m local.engine --home FOLDER`, with the ports in the environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    home = Home(parser.parse_args().home)
    ports = Ports.from_environment(os.environ)
    exit_with_parent.watch()
    allow_open_files()
    set_environment(home, ports)
    home.logs.mkdir(parents=True, exist_ok=True)
    log = logging.handlers.RotatingFileHandler(home.logs / "engine.log", maxBytes=5_000_000, backupCount=2)
    logging.basicConfig(level=logging.INFO, handlers=[log], format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    engine = Engine(home, ports)
    engine.patch()
    # The loop is not closed: that would wait for every function that is still running.
    asyncio.new_event_loop().run_until_complete(engine.serve())
    engine.save()
    engine.end_workers()
    os._exit(0)


if __name__ == "__main__":
    main()
