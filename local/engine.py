"""The AWS engine, MiniStack, started and mended from outside. It promises none of the private names used here.

What is mended, and why:

- The engine's Runtime API answers in two small writes with Nagle's algorithm on, which costs 40 ms a call, and it waits
  50 ms for a first log line. Both waits go.
- State is written at a clean stop only. Here a checkpoint of every service follows two to four seconds after whatever
  changed it, in one file (`local.checkpoint`).
- Every function keeps a warm process for ever, and any number start at once, which takes longest when there is most to
  do. Here the oldest idle ones make room, one per processor is being started, and a call takes what becomes idle first.
- A throttled invocation reaches a state machine as `Lambda.Unknown`; AWS calls it `Lambda.TooManyRequestsException`.
- Logs, metrics and finished executions are kept for ever, and every checkpoint would copy them. The newest are kept.
"""

import argparse
import asyncio
import contextlib
import copy
import importlib
import logging.handlers
import os
import signal
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import tether
from local.checkpoint import Checkpoint
from local.front import Front, Invoked, Receive, Routes, Scope, Send
from local.settings import ACCOUNT, HOST, REGION, Home, Ports

CHECKPOINT_SECONDS = 2.0
# A large state is written less often, so that the engine has a twentieth of its time for it, but no later than this.
LATEST_CHECKPOINT_SECONDS = 4.0
# A table may also change without a request, when an item's time to live ends.
FULL_CHECKPOINT_SECONDS = 60.0
STOP_SECONDS = 5.0
# A call in progress has a process of about 50 MB to itself. The API waits rather than take them all from its sagas.
CONCURRENT_CALLS = 100
CONCURRENT_REQUESTS = 40
WARM_PROCESSES = 32
# A call waits so long for a process of its function to become idle before it starts another.
PATIENCE_SECONDS = 0.1
KEPT_EXECUTIONS = 500
KEPT_LOG_STREAMS = 1000
KEPT_METRIC_SECONDS = 900
TABLE_READS = ("BatchGetItem", "Describe", "GetItem", "List", "Query", "Scan", "TransactGetItems")
# Their state is large, and written out at once, so that the checkpoint needs no copy of it.
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
    """The engine's settings, and what its functions inherit: nothing of the user's AWS configuration."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    scratch = home.engine / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "AUTH": "false",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(ports.engine),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(CONCURRENT_CALLS),
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


class Copies:
    """Stands for the module `copy` in a service: the checkpoint gets the live objects, everybody else a copy."""

    copy = staticmethod(copy.copy)

    def __init__(self) -> None:
        self._sharing = threading.local()

    @contextlib.contextmanager
    def sharing(self) -> Iterator[None]:
        """In this thread and this block, nothing is copied."""
        self._sharing.on = True
        try:
            yield
        finally:
            self._sharing.on = False

    def deepcopy(self, value: Any, memo: dict[int, Any] | None = None) -> Any:
        return value if getattr(self._sharing, "on", False) else copy.deepcopy(value, memo)


class Engine:
    """MiniStack in this process, mended, with the API's front beside it."""

    def __init__(self, home: Home, ports: Ports) -> None:
        self._ports = ports
        self._app: Any = importlib.import_module("ministack.app")
        self._runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
        persistence = importlib.import_module("ministack.core.persistence")
        self._services = {name: service(name) for name in (*SHARED_WITH_CHECKPOINT, "lambda_svc")}
        self._copies = Copies()
        self._checkpoint = Checkpoint(home.state, persistence._json_default, persistence._json_object_hook)
        self._front = Front(Routes(home.routes), self._invoke)
        self._turns = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._requests = 0
        self._table_writes = 0
        self._seen: tuple[int, ...] = ()
        self._full_at = 0.0

    def mend(self) -> None:
        """Everything that the engine does otherwise from here on."""
        self._mend_waits()
        self._mend_processes()
        self._mend_throttling()
        self._mend_state()

    def _mend_waits(self) -> None:
        socketserver.StreamRequestHandler.disable_nagle_algorithm = True
        socketserver.StreamRequestHandler.wbufsize = -1
        worker = self._runtime.ProvidedWorker
        drain = worker._drain_stderr_bounded

        def drain_soon(
            of: Any, first_line_wait: float = 0.002, idle_confirm: float = 0.001, hard_cap: float = 0.25
        ) -> Any:
            return drain(of, first_line_wait, idle_confirm, hard_cap)

        worker._drain_stderr_bounded = drain_soon

    def _mend_processes(self) -> None:
        functions, runtime = self._services["lambda_svc"], self._runtime
        acquire, release, spawn = functions.acquire_worker, functions.release_worker, runtime.ProvidedWorker._spawn
        at_once = max(2, os.cpu_count() or 2)
        turns = threading.Condition()
        starting = 0

        def acquire_in_turn(name: str, config: Any, code: bytes, qualifier: str = "$LATEST") -> Any:
            """Take a process that is idle or soon will be, or else start another."""
            nonlocal starting
            patient_until = time.monotonic() + PATIENCE_SECONDS
            key = runtime._worker_key(name, config, qualifier)
            with turns:
                while pool := runtime._workers.get(key):
                    waited = time.monotonic() >= patient_until
                    if any(not worker.in_use for worker in pool) or (waited and starting < at_once):
                        break
                    turns.wait(PATIENCE_SECONDS)
                worker, how = acquire(name, config, code, qualifier=qualifier)
            if how == "spawn":
                self._make_room()
            return worker, how

        def release_and_tell(worker: Any) -> None:
            release(worker)
            with turns:
                turns.notify_all()

        def spawn_in_turn(worker: Any, init_timeout: float | None = None) -> None:
            nonlocal starting
            with turns:
                turns.wait_for(lambda: starting < at_once)
                starting += 1
            try:
                spawn(worker, init_timeout)
            finally:
                with turns:
                    starting -= 1
                    turns.notify_all()

        functions.acquire_worker, functions.release_worker = acquire_in_turn, release_and_tell
        runtime.ProvidedWorker._spawn = spawn_in_turn

    def _make_room(self) -> None:
        """End the processes that have been idle longest, as far as there are more than may stay warm."""
        runtime = self._runtime
        with runtime._lock:
            pools = [(pool, worker) for pool in runtime._workers.values() for worker in pool]
            idle = sorted(
                ((pool, worker) for pool, worker in pools if not worker.in_use), key=lambda row: row[1].last_used
            )
            surplus = idle[: max(0, len(pools) - WARM_PROCESSES)]
            for pool, worker in surplus:
                pool.remove(worker)
        if surplus:
            ended = [worker for _, worker in surplus]
            threading.Thread(target=runtime.kill_workers, args=(ended,), name="make-room", daemon=True).start()

    def _mend_throttling(self) -> None:
        functions = self._services["lambda_svc"]
        throttle = functions._throttle_response

        def throttle_by_name(*arguments: Any, **options: Any) -> Any:
            answer = throttle(*arguments, **options)
            answer["body"]["errorType"] = "Lambda.TooManyRequestsException"
            answer["body"]["errorMessage"] = answer["body"]["message"]
            return answer

        functions._throttle_response = throttle_by_name

    def _mend_state(self) -> None:
        for name in SHARED_WITH_CHECKPOINT:
            self._services[name].copy = self._copies
        self._services["cloudwatch"].TWO_WEEKS_SECONDS = KEPT_METRIC_SECONDS
        states = self._checkpoint.read()
        self._app.load_state = lambda name: states.pop(name, None)
        self._app.save_all = lambda _services: None

    def gather(self) -> None:
        """Note for the next checkpoint everything that may have changed."""
        full = time.monotonic() >= self._full_at
        if full:
            self._full_at = time.monotonic() + FULL_CHECKPOINT_SECONDS
            self._forget_old()
        for name, get_state in self._app._build_persistence_save_dict().items():
            if name == "dynamodb" and not self._tables_changed() and not full:
                continue
            try:
                with self._copies.sharing():
                    state = get_state()
                    if state is not None:
                        self._checkpoint.put(name, self._lasting(name, state))
            except (RuntimeError, TypeError, ValueError) as error:
                # It may have changed meanwhile, in a thread of its own: then the next checkpoint has it.
                logger.warning("The checkpoint keeps what it had of %s: %s", name, error)

    def save(self) -> None:
        """Write a checkpoint now."""
        self.gather()
        self._checkpoint.write()

    def _tables_changed(self) -> bool:
        tables = self._services["dynamodb"]._tables._data.values()
        seen = (self._table_writes, *(len(table["items"]) for table in tables))
        changed, self._seen = seen != self._seen, seen
        return changed

    def _lasting(self, name: str, state: Any) -> Any:
        """What of a service's state outlives the process: no log lines and no metrics."""
        if name == "cloudwatch":
            return state | {"metrics": type(state["metrics"])()}
        if name == "cloudwatch_logs":
            groups = type(state["log_groups"])()
            for key, group in state["log_groups"]._data.items():
                groups._data[key] = group | {"streams": {}}
            return state | {"log_groups": groups}
        return state

    def _forget_old(self) -> None:
        """Drop all but the newest log streams, metrics and finished executions."""
        self._services["cloudwatch"]._evict_old_metrics()
        for group in list(self._services["cloudwatch_logs"]._log_groups._data.values()):
            for stream in list(group["streams"])[:-KEPT_LOG_STREAMS]:
                group["streams"].pop(stream, None)
        executions = self._services["stepfunctions"]._executions._data
        finished = [key for key, execution in list(executions.items()) if execution["status"] != "RUNNING"]
        for key in finished[:-KEPT_EXECUTIONS]:
            executions.pop(key, None)

    async def _invoke(self, function: str, payload: bytes) -> Invoked:
        async with self._turns:
            status, headers, answer = await self._app.SERVICE_HANDLERS["lambda"](
                "POST", f"/2015-03-31/functions/{function}/invocations", {}, payload, {}
            )
        self._requests += 1
        failed = status != 200 or "X-Amz-Function-Error" in headers
        return Invoked(answer, failed=failed, throttled=status == 429)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The engine's own ASGI application; counts the requests after which there may be something to save."""
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
        """Serve until SIGTERM, then finish what is being answered."""
        asyncio_hypercorn = importlib.import_module("hypercorn.asyncio")
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        servers = [
            asyncio_hypercorn.serve(self._counted, _config(self._ports.engine), shutdown_trigger=stop.wait),
            asyncio_hypercorn.serve(self._front, _config(self._ports.api, dates=True), shutdown_trigger=stop.wait),
        ]
        running: asyncio.Future[Any] = asyncio.gather(*servers)
        stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        saving = asyncio.ensure_future(self._save_often())
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        saving.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running, STOP_SECONDS)

    async def _save_often(self) -> None:
        saved, unfinished = -1, False
        pause = CHECKPOINT_SECONDS
        while True:
            await asyncio.sleep(pause)
            if saved != self._requests or unfinished or time.monotonic() >= self._full_at:
                saved, unfinished = self._requests, self._busy()
                began = time.thread_time()
                self.gather()
                taken = time.thread_time() - began
                pause = min(max(CHECKPOINT_SECONDS, 20 * taken), LATEST_CHECKPOINT_SECONDS)
                try:
                    await asyncio.to_thread(self._checkpoint.write)
                except OSError:
                    logger.exception("The checkpoint could not be written.")

    def _busy(self) -> bool:
        """Whether a function or a saga is at work: either changes state once more without a request."""
        running, _ = self._services["lambda_svc"].executions_in_flight()
        executions = list(self._services["stepfunctions"]._executions._data.values())
        return bool(running) or any(execution["status"] == "RUNNING" for execution in executions)

    def end_workers(self) -> None:
        """End every process of a function."""
        self._runtime.reset()


def service(name: str) -> Any:
    """One of the engine's services, loaded."""
    return importlib.import_module(f"ministack.services.{name}")


def _config(port: int, *, dates: bool = False) -> Any:
    """`dates`: whether the server dates an answer; the engine's own application does that itself."""
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
    tether.watch()
    set_environment(home, ports)
    home.logs.mkdir(parents=True, exist_ok=True)
    log = logging.handlers.RotatingFileHandler(home.logs / "engine.log", maxBytes=5_000_000, backupCount=2)
    logging.basicConfig(level=logging.INFO, handlers=[log], format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    engine = Engine(home, ports)
    engine.mend()
    # The loop is left as it is: closing it would wait for every function that is still running.
    asyncio.new_event_loop().run_until_complete(engine.serve())
    engine.save()
    engine.end_workers()
    os._exit(0)


if __name__ == "__main__":
    main()
