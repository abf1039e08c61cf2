"""The checkpoint file with the engine's state."""

from pathlib import Path
from typing import Any

import pytest

from local.checkpoint import Checkpoint, mend
from local.settings import Refused


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


@pytest.fixture
def two(path: Path) -> bytes:
    """Two checkpoints, of which the content of the second is returned."""
    first = checkpoint(path)
    for number in (1, 2):
        first.put("sqs", {"a": number})
        first.put("iam", {"b": number})
        first.write()
    return path.read_bytes()


@pytest.mark.usefixtures("two")
def test_a_file_that_is_whole_is_left_alone(path: Path) -> None:
    assert mend(path) is None
    assert checkpoint(path).read() == {"sqs": {"a": 2}, "iam": {"b": 2}}


def test_a_first_start_has_nothing_to_mend(path: Path) -> None:
    assert mend(path) is None


def test_the_checkpoint_before_one_that_is_cut_anywhere_is_used(path: Path, two: bytes) -> None:
    before = path.with_name("state-before.json").read_bytes()
    for length in range(len(two)):
        path.write_bytes(two[:length])
        path.with_name("state-before.json").write_bytes(before)
        said = mend(path)
        assert said is not None
        assert "the one before it is used" in said
    assert checkpoint(path).read() == {"sqs": {"a": 1}, "iam": {"b": 1}}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("content", [b"\0" * 100, b"\xff\xfe", b"\n"])
def test_a_file_of_something_else_is_torn(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert mend(path)


def test_a_changed_byte_is_noticed(path: Path, two: bytes) -> None:
    path.write_bytes(two.replace(b'"a": 2', b'"a": 3'))
    assert mend(path)


@pytest.mark.usefixtures("two")
def test_a_stop_between_two_files_loses_nothing_but_the_last(path: Path) -> None:
    path.unlink()
    assert mend(path)
    assert checkpoint(path).read() == {"sqs": {"a": 1}, "iam": {"b": 1}}


def test_without_a_whole_checkpoint_nothing_is_forgotten_silently(path: Path, two: bytes) -> None:
    path.write_bytes(two[:-1])
    path.with_name("state-before.json").write_bytes(b"")
    with pytest.raises(Refused, match="'make reset' starts anew"):
        mend(path)
    with pytest.raises(Refused):
        checkpoint(path).read()
