"""The checkpoint file with the engine's state."""

from pathlib import Path
from typing import Any

import pytest

from local.checkpoint import Checkpoint


def encode(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    raise TypeError(value)


def decode(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["bytes"]) if set(value) == {"bytes"} else value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def checkpoint(path: Path) -> Checkpoint:
    return Checkpoint(path, encode, decode)


def test_what_was_written_is_read(path: Path) -> None:
    first = checkpoint(path)
    first.put("sqs", {"queues": {"a": b"\x00\xff"}})
    first.put("iam", {"roles": {"with\nline": 1}})
    assert first.write()
    assert checkpoint(path).read() == {"sqs": {"queues": {"a": b"\x00\xff"}}, "iam": {"roles": {"with\nline": 1}}}


def test_without_a_file_there_is_no_state(path: Path) -> None:
    assert checkpoint(path).read() == {}


def test_nothing_is_written_when_nothing_changed(path: Path) -> None:
    first = checkpoint(path)
    first.put("sqs", {"a": 1})
    assert first.write()
    first.put("sqs", {"a": 1})
    assert not first.write()
    first.put("sqs", {"a": 2})
    assert first.write()


def test_a_service_whose_state_is_not_set_keeps_it(path: Path) -> None:
    first = checkpoint(path)
    first.put("sqs", {"a": 1})
    first.put("iam", {"b": 1})
    first.write()
    second = checkpoint(path)
    second.read()
    second.put("iam", {"b": 2})
    second.write()
    assert checkpoint(path).read() == {"sqs": {"a": 1}, "iam": {"b": 2}}


def test_a_partial_file_left_by_a_crash_is_deleted(path: Path) -> None:
    (path.parent / ".state.json.4711").write_text("{")
    assert checkpoint(path).read() == {}
    assert list(path.parent.iterdir()) == []


def test_a_state_that_cannot_be_written_leaves_the_file_as_it_was(path: Path) -> None:
    first = checkpoint(path)
    first.put("sqs", {"a": 1})
    first.write()
    with pytest.raises(TypeError):
        first.put("sqs", {"a": object()})
    assert checkpoint(path).read() == {"sqs": {"a": 1}}
