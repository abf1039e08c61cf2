"""The execution environments of functions, as the engine uses them: few, reused, and forked from a warm process.

The engine keeps every process of a function for ever, and starts any number at the same time, which is slowest under
load. Here there is a limit, at which calls wait and the processes that have been idle longest are ended; a few are
started at a time, and a call first waits shortly for an idle process. The engine's `subprocess` is replaced: where it
would start a `bootstrap`, a process that has imported what functions need (`local.worker`) forks one.
"""

import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO

from local.settings import API_CONCURRENCY, MAX_PROCESSES
from local.worker import LENGTH_BYTES

# How long a call waits for an idle process, for each that its function has, before it starts another: those that work
# are soon idle again, and many help only where they wait for something.
IDLE_WAIT_SECONDS = 0.25
# Libraries read variables with these prefixes when they are imported. Functions that differ in one have another warm
# process; all other variables are set after the fork.
IMPORTED_FROM = ("POWERTOOLS_", "AWS_LAMBDA_LOG_LEVEL", "LOG_LEVEL", "PYTHON")


# Whether a call is made for a request to the API; set by the engine.
FOR_API: ContextVar[bool] = ContextVar("for_api", default=False)


class WarmProcess:
    """A process that has imported what functions need, and forks one for each."""

    def __init__(self, bootstrap: str, environment: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen([bootstrap], stdin=theirs.fileno(), env=dict(environment))

    def fork(self, environment: Mapping[str, str]) -> "Forked":
        """Fork a process with this environment. Raises OSError when the warm process has ended."""
        request = json.dumps({"environment": dict(environment)}).encode()
        (output, theirs), (life, their_life) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self._control, [len(request).to_bytes(LENGTH_BYTES)], [theirs, their_life])
            self._control.sendall(request)
        except OSError:
            os.close(output)
            os.close(life)
            raise
        finally:
            os.close(theirs)
            os.close(their_life)
        return Forked(os.fdopen(output, "rb"), life)

    def end(self) -> None:
        """End the process; those that it has forked go on."""
        self._control.close()
        self._process.wait()


class Forked:
    """A forked process, with those parts of `subprocess.Popen` that the engine uses."""

    def __init__(self, output: BinaryIO, life: int) -> None:
        """`life` is a pipe from which the process's id is read. It ends when the process does, whatever ends it."""
        self.stdout = output
        self.returncode: int | None = None
        self._life = life
        self._said = b""
        self._reading = threading.Lock()

    def poll(self) -> int | None:
        """An exit code once the process has ended; the true one is not known."""
        with self._reading:
            while self.returncode is None and self._readable(0.0):
                said = os.read(self._life, 64)
                self._said += said
                if not said:
                    self.returncode = 1
                    os.close(self._life)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired("bootstrap", timeout or 0.0)
            self._readable(left)
        return 1

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        while self.poll() is None and not self._said.endswith(b"\n"):
            self._readable(None)
        if self.returncode is None:
            os.kill(int(self._said), number)

    def _readable(self, seconds: float | None) -> bool:
        # Not select.select, which refuses descriptors from 1024 on.
        waiting = select.poll()
        waiting.register(self._life, select.POLLIN)
        return bool(waiting.poll(None if seconds is None else seconds * 1000))


class WarmProcesses:
    """The engine's `subprocess`: its `Popen` forks from the warm process of a function's bootstrap."""

    PIPE, STDOUT, DEVNULL = subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL
    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` is the one in which everything is imported."""
        self._environment = environment
        self._warm: dict[tuple[Any, ...], WarmProcess] = {}

    def Popen(self, command: list[str], *, env: dict[str, str], **_options: Any) -> Forked:  # noqa: N802
        """Fork a process for the function with this bootstrap and environment. The engine calls it under a lock."""
        (bootstrap,) = command
        read = {name: text for name, text in env.items() if name.startswith(IMPORTED_FROM)}
        key = (Path(bootstrap).read_bytes(), *sorted(read.items()))
        if key in self._warm:
            try:
                return self._warm[key].fork(env)
            except OSError:
                self._warm.pop(key).end()
        self._warm[key] = WarmProcess(bootstrap, {**self._environment, **read})
        return self._warm[key].fork(env)

    def end(self) -> None:
        """End every warm process."""
        while self._warm:
            self._warm.popitem()[1].end()


class Environments:
    """Patches the engine's module of functions and its runtime, and ends what they have started."""

    def __init__(self, functions: Any, runtime: Any) -> None:
        self._functions = functions
        self._runtime = runtime
        self._warm = WarmProcesses(dict(os.environ))

    def patch(self) -> None:
        self._runtime.subprocess = self._warm
        self._patch_pool()

    def end(self) -> None:
        """End every process of a function, and the warm ones."""
        self._runtime.reset()
        self._warm.end()

    def _patch_pool(self) -> None:
        functions, runtime = self._functions, self._runtime
        acquire, release, spawn = functions.acquire_worker, functions.release_worker, runtime.ProvidedWorker._spawn
        max_starting = max(2, os.cpu_count() or 2)
        changed = threading.Condition()
        starting = 0

        def may_acquire(key: str, waited: float) -> bool:
            pool = runtime._workers.get(key, ())
            if any(not worker.in_use for worker in pool):
                return True
            busy = [worker for workers in runtime._workers.values() for worker in workers if worker.in_use]
            # Somebody waits for what the API does, for 30 s at most. Sagas and queues leave it its part.
            behind = len([worker for worker in busy if not getattr(worker, "for_api", False)])
            room = len(busy) < MAX_PROCESSES and (FOR_API.get() or behind < MAX_PROCESSES - API_CONCURRENCY)
            return room and (not pool or (waited >= IDLE_WAIT_SECONDS * len(pool) and starting < max_starting))

        def acquire_idle_first(name: str, config: Any, code: bytes, qualifier: str = "$LATEST") -> Any:
            """Use an idle process, or start another after a wait, as soon as one may start."""
            began = time.monotonic()
            key = runtime._worker_key(name, config, qualifier)
            with changed:
                while not may_acquire(key, time.monotonic() - began):
                    changed.wait(IDLE_WAIT_SECONDS)
                worker, how = acquire(name, config, code, qualifier=qualifier)
                worker.for_api = FOR_API.get()
            if how == "spawn":
                self.end_surplus()
            return worker, how

        def release_and_notify(worker: Any) -> None:
            release(worker)
            with changed:
                changed.notify_all()

        def spawn_limited(worker: Any, init_timeout: float | None = None) -> None:
            nonlocal starting
            with changed:
                changed.wait_for(lambda: starting < max_starting)
                starting += 1
            try:
                spawn(worker, init_timeout)
            finally:
                with changed:
                    starting -= 1
                    changed.notify_all()

        functions.acquire_worker, functions.release_worker = acquire_idle_first, release_and_notify
        runtime.ProvidedWorker._spawn = spawn_limited

    def end_surplus(self) -> None:
        """End idle processes above MAX_PROCESSES in all, those that have been idle longest first."""
        runtime = self._runtime
        with runtime._lock:
            pools = [(pool, worker) for pool in runtime._workers.values() for worker in pool]
            idle = sorted(
                ((pool, worker) for pool, worker in pools if not worker.in_use), key=lambda row: row[1].last_used
            )
            surplus = idle[: max(0, len(pools) - MAX_PROCESSES)]
            for pool, worker in surplus:
                pool.remove(worker)
        if surplus:
            ended = [worker for _, worker in surplus]
            threading.Thread(target=runtime.kill_workers, args=(ended,), name="end-surplus", daemon=True).start()
