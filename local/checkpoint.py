"""The engine's state on disk: one file, replaced atomically, so that a crash leaves the last complete checkpoint."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.settings import write_atomically


class Checkpoint:
    """A file with one line of JSON per service. Unchanged states are not serialized again."""

    def __init__(self, path: Path, encode: Callable[[Any], Any], decode: Callable[[dict[str, Any]], Any]) -> None:
        """`encode` and `decode` are the `default` and `object_hook` arguments of the json module."""
        self._path = path
        self._encode = encode
        self._decode = decode
        self._writing = threading.Lock()
        self._lines: dict[str, str] = {}
        self._written: dict[str, str] = {}

    def read(self) -> dict[str, Any]:
        """The state of every service in the file; empty when there is no file."""
        for draft in self._path.parent.glob(f".{self._path.name}.*"):
            draft.unlink()
        if not self._path.exists():
            return {}
        states = {}
        for line in self._path.read_text().splitlines():
            row = json.loads(line, object_hook=self._decode)
            states[row["service"]] = row["state"]
            # A service whose state cannot be read later keeps this one.
            self._lines[row["service"]] = line
        return states

    def put(self, service: str, state: Any) -> None:
        """Set a service's state for the next `write`."""
        # A state has no circular references, and not checking for them halves the time.
        self._lines[service] = json.dumps(
            {"service": service, "state": state}, default=self._encode, check_circular=False
        )

    def write(self) -> bool:
        """Replace the file if a state has changed since the last write; returns whether it did."""
        with self._writing:
            lines = dict(self._lines)
            if lines == self._written:
                return False
            write_atomically(self._path, "".join(f"{line}\n" for line in lines.values()), 0o600)
            self._written = lines
            return True
