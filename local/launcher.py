"""Starts, monitors and stops the local cloud: engine, sandbox, stack and tenants."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from local import checkpoint, deploy, packaging, processes, ticks
from local.processes import Child
from local.providers import SECRET_VARIABLES, check_keys
from local.settings import REGION, TEMPLATE, Home, Ports, Refused, port_variable, write_atomically
from local.tenants import ensure_tenants

HEALTH_SECONDS = 60
SANDBOX = "local.sandbox.server"
PROXY_VARIABLES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy")
# What a reset deletes. Other files stay, since KINDLING_HOME may name a folder of the user's by mistake.
RESET_NAMES = ("engine", "build", "logs", "sandbox.json", "tenants.json", "local.json", "clock")

Say = Callable[[str], None]


class LocalCloud:
    """One local cloud; `description` is the content of its `local.json`."""

    def __init__(self, home: Home, ports: Ports, template: Path = TEMPLATE, say: Say = print) -> None:
        self.home = home
        self.ports = ports
        self._template = template
        self._say = say
        self._children: list[Child] = []
        self.description: dict[str, Any] = {}

    def start(self) -> None:
        """Start everything and return when the stack is ready. Raises Refused."""
        began = time.monotonic()
        strays = processes.end_strays(self.home)
        if strays:
            self._say(f"Ended {strays} processes left by a crash.")
        self._require_ports()
        mended = checkpoint.mend(self.home.state)
        if mended:
            self._say(mended)
        if self.home.real:
            check_keys(os.environ)
        else:
            ticks.ahead(self.home)
        with self._phase("Starting the engine" if self.home.real else "Starting the engine and the sandbox"):
            self._start_children()
            package = packaging.package(self._template, self.home)
            self._await(self.ports.engine_url + "/_ministack/health", "engine")
            if not self.home.real:
                self._await(self.ports.sandbox_url + "/_admin/settings", "sandbox")
        with self._phase("Deploying the stack"):
            stack = deploy.Deployment(package, self.home, self.ports).run(os.environ)
        with self._phase("Writing the tenants' keys"):
            table_name = stack.outputs["TableName"]
            tenants = ensure_tenants(self.home, self.ports.engine_url, table_name)
        with self._phase("Calling the API"):
            self._await(f"{self.ports.api_url}/v1/domains", "API", {"Authorization": f"Bearer {tenants.api_key}"})
        self.description = {
            "api_url": self.ports.api_url,
            "api_key": tenants.api_key,
            "test_api_key": tenants.test_api_key,
            "user_id": tenants.user_id,
            "second_api_key": tenants.second_api_key,
            "engine_url": self.ports.engine_url,
            **({} if self.home.real else {"sandbox_url": self.ports.sandbox_url}),
            "console_url": f"{self.ports.api_url}/console",
            "table_name": table_name,
            "region": REGION,
        }
        write_atomically(self.home.description, json.dumps(self.description, indent=1), 0o600)
        self._say(f"Ready after {time.monotonic() - began:.1f} s.")

    def stop(self) -> None:
        """Stop everything; the engine saves its state."""
        self.home.description.unlink(missing_ok=True)
        if self._children:
            with self._phase("Stopping"):
                while self._children:
                    self._children.pop().end()
                # An engine that had to be killed has not ended its functions' processes.
                processes.end_strays(self.home)

    def check(self) -> None:
        """Raises Refused when the engine or the sandbox is not running any more."""
        for child in self._children:
            if not child.alive:
                log = self.home.logs / child.name
                raise Refused(f"The {child.name} has ended by itself; see {log}.out and {log}.log.")

    def _require_ports(self) -> None:
        """Raises Refused when something else listens on one of the ports."""
        processes.require_free(self.ports.engine, "the engine", port_variable("engine"))
        processes.require_free(self.ports.api, "the API", port_variable("api"))
        if not self.home.real:
            processes.require_free(self.ports.sandbox, "the sandbox", port_variable("sandbox"))
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                processes.require_free(self.ports.dns, "the sandbox's DNS", port_variable("dns"), kind)

    def _start_children(self) -> None:
        # Functions inherit this environment. What they call is on this machine, unless the providers are real.
        hidden = SECRET_VARIABLES if self.home.real else (*SECRET_VARIABLES, *PROXY_VARIABLES)
        environment = {name: text for name, text in os.environ.items() if name not in hidden} | {
            "KINDLING_ENGINE_PORT": str(self.ports.engine),
            "KINDLING_API_PORT": str(self.ports.api),
            "KINDLING_SANDBOX_PORT": str(self.ports.sandbox),
            "KINDLING_DNS_PORT": str(self.ports.dns),
            "KINDLING_CLOCK_FILE": str(self.home.clock),
        }
        mark = ["--home", str(self.home.path)]
        self._children.append(processes.start("engine", self.home, ["local.engine", *mark], environment))
        if not self.home.real:
            own = ["--port", str(self.ports.sandbox), "--dns-port", str(self.ports.dns)]
            own += ["--state", str(self.home.sandbox)]
            arguments = ["local.exit_with_parent", *mark, SANDBOX, *own]
            self._children.append(processes.start("sandbox", self.home, arguments, environment))

    def _await(self, url: str, name: str, headers: dict[str, str] | None = None) -> None:
        """Wait until `url` is answered with a success. Raises Refused."""
        request = urllib.request.Request(url, headers=headers or {})  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + HEALTH_SECONDS
        while time.monotonic() < end:
            self.check()
            with contextlib.suppress(OSError), opener.open(request, timeout=5):
                return
            time.sleep(0.05)
        raise Refused(f"The {name} did not answer within {HEALTH_SECONDS} s; see {self.home.logs}.")

    @contextlib.contextmanager
    def _phase(self, text: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._say(f"{text}: {time.monotonic() - began:.1f} s.")


@contextlib.contextmanager
def running(
    home: Path, ports: Ports | None = None, template: Path = TEMPLATE, say: Say = print
) -> Iterator[dict[str, Any]]:
    """Run a local cloud during the block; yields the content of its `local.json`."""
    with started(LocalCloud(Home(home.resolve()), ports or Ports(), template, say)) as cloud:
        yield cloud.description


@contextlib.contextmanager
def started(cloud: LocalCloud) -> Iterator[LocalCloud]:
    """Start a local cloud and stop it at the end of the block."""
    with locked(cloud.home):
        try:
            cloud.start()
            yield cloud
        finally:
            cloud.stop()


@contextlib.contextmanager
def locked(home: Home) -> Iterator[None]:
    """Lock the folder for this process. The lock is released when the process ends, also by a crash."""
    home.make()
    with home.lock.open("a+") as file:
        while not _try_lock(file, fcntl.LOCK_EX):
            require_idle(home)
        # Nothing is running yet, but a crash may have left the description of an earlier run.
        home.description.unlink(missing_ok=True)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def require_idle(home: Home) -> None:
    """Raises Refused when a launcher has locked the folder."""
    process = holder(home)
    if process is not None:
        raise Refused(f"The local cloud in {home.path} is running already (process {process}).")


def holder(home: Home) -> int | None:
    """The id of the process that has locked the folder; None when there is none."""
    if not home.lock.exists():
        return None
    with home.lock.open() as file:
        # A shared lock, so that two concurrent checks do not take each other for a launcher.
        if _try_lock(file, fcntl.LOCK_SH):
            return None
        return int(file.read() or 0)


def reset(home: Home) -> None:
    """Delete all state of a local cloud. Raises Refused while it is running."""
    with locked(home):
        processes.end_strays(home)
        for name in RESET_NAMES:
            path = home.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
