"""The engine's state on disk: one file, replaced whole, so that a crash leaves the last checkpoint and never a part."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.settings import write_whole


class Checkpoint:
    """One line of JSON per service. What has not changed is kept as text and costs nothing to write again."""

    def __init__(self, path: Path, encode: Callable[[Any], Any], decode: Callable[[dict[str, Any]], Any]) -> None:
        """`encode` and `decode` are JSON's `default` and `object_hook` for what JSON does not know."""
        self._path = path
        self._encode = encode
        self._decode = decode
        self._writing = threading.Lock()
        self._lines: dict[str, str] = {}
        self._written: dict[str, str] = {}

    def read(self) -> dict[str, Any]:
        """The state of every service in the file; nothing when there is no file."""
        for draft in self._path.parent.glob(f".{self._path.name}.*"):
            draft.unlink()
        if not self._path.exists():
            return {}
        states = {}
        for line in self._path.read_text().splitlines():
            row = json.loads(line, object_hook=self._decode)
            states[row["service"]] = row["state"]
            # A service that cannot be asked this time keeps what it had.
            self._lines[row["service"]] = line
        return states

    def put(self, service: str, state: Any) -> None:
        """Note a service's state for the next `write`."""
        # A state is a tree; not looking for circles in it halves the time.
        self._lines[service] = json.dumps(
            {"service": service, "state": state}, default=self._encode, check_circular=False
        )

    def write(self) -> bool:
        """Replace the file if anything differs from what stands there; tells whether it did."""
        with self._writing:
            lines = dict(self._lines)
            if lines == self._written:
                return False
            write_whole(self._path, "".join(f"{line}\n" for line in lines.values()), 0o600)
            self._written = lines
            return True
