"""The folder and the loopback ports of a local cloud."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template.yaml"
HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"
STACK = "kindling"
REAL = "real-providers"
# How many processes of functions there may be. Each has about 20 MB of its own; more at once would not be faster on the
# processors of a laptop. The API may use a part of them, so that sagas always find some.
MAX_PROCESSES = 32
API_CONCURRENCY = 20


class Refused(Exception):
    """An error that the user can fix. The message is shown without a traceback."""


@dataclass(frozen=True)
class Ports:
    """The ports of one local cloud, all on loopback."""

    engine: int = 8792
    api: int = 8790
    sandbox: int = 8791
    dns: int = 8793

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """Read `KINDLING_ENGINE_PORT`, `_API_PORT`, `_SANDBOX_PORT` and `_DNS_PORT`. Raises Refused."""
        numbers = {
            field.name: _port(environment, port_variable(field.name), getattr(cls, field.name)) for field in fields(cls)
        }
        taken: dict[int, str] = {}
        for name, number in numbers.items():
            if number in taken:
                raise Refused(f"{port_variable(taken[number])} and {port_variable(name)} are both {number}.")
            taken[number] = name
        return cls(**numbers)

    @property
    def engine_url(self) -> str:
        return f"http://{HOST}:{self.engine}"

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.api}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{HOST}:{self.sandbox}"


@dataclass(frozen=True)
class Home:
    """The folder of one local cloud, with its state, logs and build results."""

    path: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Home":
        """The folder that `KINDLING_HOME` names, by default `.kindling` next to the template."""
        return cls(Path(environment.get("KINDLING_HOME") or ROOT / ".kindling").resolve())

    def make(self) -> None:
        """Make the folder, unless it exists. Raises Refused."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock.touch()
        except OSError as error:
            raise Refused(f"{self.path} cannot be the folder of the local cloud: {error.strerror}.") from None

    @property
    def with_real_providers(self) -> "Home":
        """The folder of the local cloud that uses the real providers, which has nothing of the sandbox's."""
        return Home(self.path / REAL)

    @property
    def real(self) -> bool:
        """Whether this local cloud uses the real providers: without sandbox, and with the system's clock."""
        return self.path.name == REAL

    @property
    def engine(self) -> Path:
        return self.path / "engine"

    @property
    def state(self) -> Path:
        return self.engine / "state.json"

    @property
    def routes(self) -> Path:
        return self.engine / "routes.json"

    @property
    def build(self) -> Path:
        return self.path / "build"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def sandbox(self) -> Path:
        return self.path / "sandbox.json"

    @property
    def tenants(self) -> Path:
        return self.path / "tenants.json"

    @property
    def clock(self) -> Path:
        return self.path / "clock"

    @property
    def description(self) -> Path:
        return self.path / "local.json"

    @property
    def lock(self) -> Path:
        return self.path / "lock"


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file atomically: readers see the old or the new content, never a part, even after a power failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    draft.replace(path)


def port_variable(name: str) -> str:
    """The environment's name for a field of Ports."""
    return f"KINDLING_{name.upper()}_PORT"


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise Refused(f"{name} is '{text}', which is not a port number from 1 to 65535.")
    return int(text)
