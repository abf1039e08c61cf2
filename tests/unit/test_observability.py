"""Log lines without addresses, and metrics that are written once per invocation."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kindling.platform import observability
from kindling.platform.observability import (
    PROVIDER_ERRORS,
    PROVIDER_LATENCY,
    SENDS_ADMITTED,
    TRANSITIONS,
    hashed,
    invocation,
    logger,
)

HASH = f"sha256:{hashlib.sha256(b'kim@acme.example').hexdigest()[:12]}"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the logger writes."""
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    observability._noted.clear()
    yield written
    observability._noted.clear()


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_address_is_known_by_its_hash_in_any_letter_case() -> None:
    assert hashed("Kim@Acme.example") == hashed("kim@acme.example") == HASH


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("kim@acme.example", HASH),
        ("No inbox kim@acme.example.", f"No inbox {HASH}."),
        ("Kim <KIM@acme.example>, kim@acme.example", f"Kim <{HASH}>, {HASH}"),
        ("ADDRESS#kim@acme.example", f"ADDRESS#{HASH}"),
        ("/v0/inboxes/kim%40acme.example/messages", f"/v0/inboxes/{HASH}/messages"),
        ("line\nkim@acme.example\n", f"line\n{HASH}\n"),
        (f"{'a' * 64}@acme.example", hashed(f"{'a' * 64}@acme.example")),
        ("acme.example", "acme.example"),
        ("@dataclass and 5 @ 3", "@dataclass and 5 @ 3"),
    ],
)
def test_a_line_has_the_hash_of_an_address_and_all_else_as_it_is(lines: io.StringIO, text: str, shown: str) -> None:
    logger.warning("failed", reason=text, nested={"all": [text, 1, None, True]})
    (line,) = documents(lines.getvalue())
    assert (line["reason"], line["nested"]) == (shown, {"all": [shown, 1, None, True]})


def test_an_address_in_a_traceback_or_in_an_object_is_hashed_too(lines: io.StringIO) -> None:
    try:
        int("kim@acme.example")
    except ValueError as error:
        logger.exception("failed", reason=error)
    assert "kim@" not in lines.getvalue()
    assert HASH in documents(lines.getvalue())[0]["reason"]


def test_an_invocations_keys_and_its_caller_are_not_in_the_lines_of_the_next(lines: io.StringIO) -> None:
    with invocation(route="GET /a", request_id="1"):
        logger.append_keys(user_id="u", key_id="k")
        logger.info("first")
    with pytest.raises(ZeroDivisionError), invocation(route="GET /b"):
        raise ZeroDivisionError
    logger.info("second")
    first, second = documents(lines.getvalue())
    assert {"route": "GET /a", "request_id": "1", "user_id": "u", "key_id": "k"}.items() <= first.items()
    assert not {"route", "request_id", "user_id", "key_id"} & second.keys()


@pytest.mark.usefixtures("lines")
def test_what_was_measured_is_written_once_at_the_end_with_a_line_for_each_value_of_its_dimensions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with invocation():
        SENDS_ADMITTED.add(2)
        SENDS_ADMITTED.add(3)
        PROVIDER_LATENCY.add(12.5, "AgentMail")
        PROVIDER_ERRORS.add(0, "AgentMail")
        TRANSITIONS.add(1, "domain", "verified")
        assert capsys.readouterr().out == ""
    sends, provider, moved = documents(capsys.readouterr().out)
    assert sends["SendsAdmitted"] == [2, 3]
    assert sends["_aws"]["CloudWatchMetrics"] == [
        {"Namespace": "Kindling", "Dimensions": [[]], "Metrics": [{"Name": "SendsAdmitted", "Unit": "Count"}]}
    ]
    assert (provider["Provider"], provider["ProviderLatency"], provider["ProviderErrors"]) == ("AgentMail", [12.5], [0])
    assert provider["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Provider"]]
    assert (moved["Of"], moved["To"], moved["Transitions"]) == ("domain", "verified", [1])
    with invocation():
        pass
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize(("values", "of_lines"), [(99, [99]), (100, [99, 1]), (199, [99, 99, 1])])
def test_many_values_are_written_in_lines_of_at_most_a_hundred(
    capsys: pytest.CaptureFixture[str], values: int, of_lines: list[int]
) -> None:
    with invocation():
        for number in range(values):
            PROVIDER_LATENCY.add(number, "AgentMail")
    written = [document["ProviderLatency"] for document in documents(capsys.readouterr().out)]
    assert [len(line) for line in written] == of_lines
    assert [value for line in written for value in line] == list(range(values))


@pytest.mark.usefixtures("lines")
def test_what_was_measured_before_a_failure_is_written_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:

    @contextmanager
    def failing() -> Iterator[None]:
        with invocation():
            yield
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), failing():
        SENDS_ADMITTED.add(1)
    assert [document["SendsAdmitted"] for document in documents(capsys.readouterr().out)] == [[1]]
