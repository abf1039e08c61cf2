"""The processes of functions: forked from a warm one, waited for, and few."""

import contextvars
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local import environments, packaging
from local.environments import Environments, Forked, WarmProcesses
from local.settings import ROOT, Home

pytestmark = pytest.mark.usefixtures("socket_enabled")

# Ends before it asks the Runtime API for anything.
PRINT = "import os, sys; from shared import MADE_BY; print(os.environ['NAME'], os.getcwd(), MADE_BY); sys.exit()"
SLEEP = "import time; print('on', flush=True); time.sleep(60)"


@pytest.fixture
def warm() -> Iterator[WarmProcesses]:
    processes = WarmProcesses(dict(os.environ))
    yield processes
    processes.end()


@pytest.fixture
def fork(tmp_path: Path, warm: WarmProcesses) -> Callable[..., Forked]:
    """Forks a process for a function with this code, which imports a layer of one module."""
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "shared.py").write_text("import os\nMADE_BY = os.getpid()\n")

    def run(code: str, layers: tuple[Path, ...] = (layer,), **environment: str) -> Forked:
        folder = tmp_path / f"function-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "app.py").write_text(code)
        bootstrap = folder / "bootstrap"
        bootstrap.write_text(packaging.bootstrap(list(layers), Home(tmp_path / "home")))
        bootstrap.chmod(0o755)
        variables = {"LAMBDA_TASK_ROOT": str(folder), "_HANDLER": "app.lambda_handler", **environment}
        return warm.Popen([str(bootstrap)], env={"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", **variables})

    return run


def printed(process: Forked) -> list[str]:
    with process.stdout:
        text = process.stdout.read().decode()
    process.wait(10)
    return text.split()


def test_functions_are_forked_from_one_process_into_environments_of_their_own(fork: Callable[..., Forked]) -> None:
    (first, one, maker), (second, two, same) = printed(fork(PRINT, NAME="a")), printed(fork(PRINT, NAME="b"))
    assert (first, second) == ("a", "b")
    assert Path(one).name.startswith("function-")
    assert one != two
    assert maker == same


def test_a_library_that_reads_its_level_when_imported_reads_the_functions(fork: Callable[..., Forked]) -> None:
    loud, quiet = (printed(fork(PRINT, NAME="a", POWERTOOLS_LOG_LEVEL=level)) for level in ("DEBUG", "ERROR"))
    assert loud[2] != quiet[2]


def test_a_warm_process_that_has_ended_is_replaced(fork: Callable[..., Forked], warm: WarmProcesses) -> None:
    maker = printed(fork(PRINT, NAME="a"))[2]
    (process,) = warm._warm.values()
    process._process.kill()
    process._process.wait()
    assert printed(fork(PRINT, NAME="a"))[2] != maker


def test_the_end_of_a_process_is_noticed(fork: Callable[..., Forked]) -> None:
    process = fork(SLEEP)
    assert process.stdout.readline() == b"on\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.terminate()
    process.wait(10)
    assert process.poll() is not None
    process.kill()
    process.stdout.close()


def test_what_cannot_be_imported_is_said_where_the_function_logs(fork: Callable[..., Forked]) -> None:
    assert "ImportModuleError:" in " ".join(printed(fork("import no_such_module")))


def test_a_broken_module_of_a_layer_harms_no_function_without_it(fork: Callable[..., Forked], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "broken.py").write_text("raise LookupError('nothing')")
    assert printed(fork("print('fine')", layers=(broken,)))[0] == "fine"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads and sockets are counted in /proc")
def test_importing_everything_starts_no_thread_and_opens_no_connection(fork: Callable[..., Forked]) -> None:
    count = """
import os, sys
warm = f"/proc/{os.getppid()}"
files = {os.readlink(f"{warm}/fd/{number}") for number in os.listdir(f"{warm}/fd")}
sockets = [file for file in files if file.startswith("socket:")]
print(len(os.listdir(f"{warm}/task")), len(sockets), "kindling" in sys.modules)
"""
    # The one socket is that on which it is asked for processes.
    assert printed(fork(count, layers=(ROOT / "layers" / "core",)))[:3] == ["1", "1", "True"]


class Pool:
    """The engine's pools of processes, as far as they are patched."""

    def __init__(self) -> None:
        self.ended: list[Any] = []
        self.runtime = SimpleNamespace(
            ProvidedWorker=SimpleNamespace(_spawn=lambda _worker, _timeout: None),
            _lock=threading.Lock(),
            _worker_key=lambda name, _config, _qualifier: name,
            _workers={},
            kill_workers=self.ended.extend,
            subprocess=subprocess,
        )
        self.functions = SimpleNamespace(acquire_worker=self.acquire, release_worker=self.release)
        self.environments = Environments(self.functions, self.runtime)
        self.environments.patch()

    def add(self, name: str, *workers: Any) -> None:
        self.runtime._workers.setdefault(name, []).extend(workers)

    def acquire(self, name: str, _config: Any, _code: bytes, qualifier: str) -> tuple[Any, str]:
        for worker in self.runtime._workers.get(name, []):
            if not worker.in_use:
                worker.in_use = True
                return worker, "reused"
        worker = make_worker(busy=True)
        self.add(name, worker)
        return worker, "spawn"

    @staticmethod
    def release(worker: Any) -> None:
        worker.in_use = False

    def call(self, name: str, context: contextvars.Context | None = None) -> threading.Thread:
        """Acquire a process in a thread, which ends once it has one."""
        run = (context or contextvars.copy_context()).run
        thread = threading.Thread(target=run, args=(self.functions.acquire_worker, name, {}, b""))
        thread.start()
        return thread

    def join(self) -> None:
        for thread in threading.enumerate():
            if thread.name.startswith("end-surplus"):
                thread.join()


def limit(monkeypatch: pytest.MonkeyPatch, processes: int, for_api: int) -> None:
    monkeypatch.setattr(environments, "MAX_PROCESSES", processes)
    monkeypatch.setattr(environments, "API_CONCURRENCY", for_api)
    monkeypatch.setattr(environments, "IDLE_WAIT_SECONDS", 0.01)


def of_the_api() -> contextvars.Context:
    """The context in which the API calls its functions."""
    request = contextvars.copy_context()
    request.run(environments.FOR_API.set, True)
    return request


def make_worker(*, busy: bool = False, last_used: float = 0.0) -> Any:
    return SimpleNamespace(in_use=busy, last_used=last_used)


def test_a_call_waits_for_a_process_that_is_soon_idle() -> None:
    pool, worker = Pool(), make_worker(busy=True)
    pool.add("a", worker)
    calling = pool.call("a")
    calling.join(0.02)
    assert calling.is_alive()
    pool.functions.release_worker(worker)
    calling.join(5)
    assert not calling.is_alive()
    assert pool.runtime._workers == {"a": [worker]}


def test_a_call_that_has_waited_long_enough_starts_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "IDLE_WAIT_SECONDS", 0.01)
    pool = Pool()
    pool.add("a", make_worker(busy=True), make_worker(busy=True))
    pool.call("a").join(5)
    assert len(pool.runtime._workers["a"]) == 3


def test_at_the_limit_a_call_waits_and_the_process_that_is_idle_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, processes=1, for_api=0)
    pool, worker = Pool(), make_worker(busy=True)
    pool.add("a", worker)
    calling = pool.call("b")
    calling.join(0.05)
    assert calling.is_alive()
    pool.functions.release_worker(worker)
    calling.join(5)
    pool.join()
    assert pool.ended == [worker]
    assert len(pool.runtime._workers["b"]) == 1


def test_sagas_leave_the_api_its_part_of_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, processes=2, for_api=1)
    pool, step = Pool(), make_worker(busy=True)
    pool.add("step", step)
    another_step = pool.call("other-step")
    another_step.join(0.05)
    assert another_step.is_alive()
    of_the_api().run(pool.functions.acquire_worker, "route", {}, b"")
    assert len(pool.runtime._workers["route"]) == 1
    pool.functions.release_worker(step)
    another_step.join(5)
    assert not another_step.is_alive()


def test_the_api_stays_within_the_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, processes=1, for_api=1)
    pool, step = Pool(), make_worker(busy=True)
    pool.add("step", step)
    calling = pool.call("route", of_the_api())
    calling.join(0.05)
    assert calling.is_alive()
    pool.functions.release_worker(step)
    calling.join(5)
    assert not calling.is_alive()
    pool.join()


def test_surplus_processes_that_have_been_idle_longest_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "MAX_PROCESSES", 3)
    pool, busy = Pool(), make_worker(busy=True, last_used=-1)
    idle = [make_worker(last_used=i) for i in range(4)]
    pool.add("a", busy, idle[3], idle[0])
    pool.add("b", idle[1], idle[2])
    pool.environments.end_surplus()
    pool.join()
    assert pool.ended == idle[:2]
    assert pool.runtime._workers == {"a": [busy, idle[3]], "b": [idle[2]]}
