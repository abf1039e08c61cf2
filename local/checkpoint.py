"""The engine's state on disk: one file, replaced atomically, so that a crash leaves the last complete checkpoint.

The file ends with a seal, a checksum of what is before it. A file without its seal, as a full disk or a power failure
may leave it, is torn; then the checkpoint before it is used, which is kept beside it.
"""

import json
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.settings import Refused, write_atomically

SEAL = "seal"


def mend(path: Path) -> str | None:
    """Put the checkpoint before in the place of a torn one. Returns a sentence that says so; None when all is well.

    Raises Refused when neither can be read.
    """
    before = _before(path)
    if _sealed(path) is not None or not (path.exists() or before.exists()):
        return None
    if _sealed(before) is None:
        raise Refused(f"The state in {path} is torn, and so is the one before it; 'make reset' starts anew.")
    before.replace(path)
    return "The last checkpoint is torn or missing, so the one before it is used: the last seconds are lost."


class Checkpoint:
    """A file with one line of JSON per service, and its seal. Unchanged states are not serialized again."""

    def __init__(self, path: Path, encode: Callable[[Any], Any], decode: Callable[[dict[str, Any]], Any]) -> None:
        """`encode` and `decode` are the `default` and `object_hook` arguments of the json module."""
        self._path = path
        self._encode = encode
        self._decode = decode
        self._writing = threading.Lock()
        self._lines: dict[str, str] = {}
        self._written: dict[str, str] = {}

    def read(self) -> dict[str, Any]:
        """The state of every service in the file; empty when there is no file. Raises Refused when it is torn."""
        for draft in self._path.parent.glob(f".{self._path.name}.*"):
            draft.unlink()
        if not self._path.exists():
            return {}
        lines = _sealed(self._path)
        if lines is None:
            raise Refused(f"The state in {self._path} is torn.")
        states = {}
        for line in lines:
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
            text = "".join(f"{line}\n" for line in lines.values())
            if self._path.exists():
                self._path.replace(_before(self._path))
            write_atomically(self._path, f"{text}{_seal(text)}\n", 0o600)
            self._written = lines
            return True


def _before(path: Path) -> Path:
    return path.with_name(f"{path.stem}-before{path.suffix}")


def _seal(text: str) -> str:
    return json.dumps({SEAL: zlib.crc32(text.encode())})


def _sealed(path: Path) -> list[str] | None:
    """The lines of a file before its seal; None when it is torn or missing."""
    try:
        text = path.read_text()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    content, _, seal = text.removesuffix("\n").rpartition("\n")
    content += "\n"
    return content.splitlines() if text.endswith("\n") and seal == _seal(content) else None
