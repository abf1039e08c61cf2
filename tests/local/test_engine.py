"""The patches of the engine, and the private names that they use: the pinned version must have them."""

import asyncio
import importlib
import socketserver
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local import engine as engine_module
from local.engine import CopyModule, Engine
from local.settings import ROOT, Home, Ports

NAMES = [
    ("app", "SERVICE_HANDLERS"),
    ("app", "_build_persistence_save_dict"),
    ("app", "_load_persisted_state"),
    ("app", "app"),
    ("app", "load_state"),
    ("app", "save_all"),
    ("core.lambda_runtime", "ProvidedWorker._drain_stderr_bounded"),
    ("core.lambda_runtime", "ProvidedWorker._spawn"),
    ("core.lambda_runtime", "_lock"),
    ("core.lambda_runtime", "_worker_key"),
    ("core.lambda_runtime", "_workers"),
    ("core.lambda_runtime", "kill_workers"),
    ("core.lambda_runtime", "reset"),
    ("core.lambda_runtime", "subprocess.Popen"),
    ("core.persistence", "_json_default"),
    ("core.persistence", "_json_object_hook"),
    ("services.cloudformation", "copy"),
    ("services.cloudwatch", "TWO_WEEKS_SECONDS"),
    ("services.cloudwatch", "_evict_old_metrics"),
    ("services.cloudwatch", "copy"),
    ("services.cloudwatch_logs", "_log_groups._data"),
    ("services.cloudwatch_logs", "copy"),
    ("services.dynamodb", "_tables._data"),
    ("services.dynamodb", "copy"),
    ("services.iam", "copy"),
    ("services.lambda_svc", "_throttle_response"),
    ("services.lambda_svc", "acquire_worker"),
    ("services.lambda_svc", "executions_in_flight"),
    ("services.lambda_svc", "release_worker"),
    ("services.sqs", "copy"),
    ("services.stepfunctions", "_executions._data"),
    ("services.stepfunctions", "copy"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A mended engine that serves nothing."""
    handler = socketserver.StreamRequestHandler
    before = handler.disable_nagle_algorithm, handler.wbufsize
    made = Engine(Home(tmp_path_factory.mktemp("home")), Ports())
    made.patch()
    yield made
    handler.disable_nagle_algorithm, handler.wbufsize = before


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_the_engine_has_the_name(engine: Any, module: str, name: str) -> None:
    found: Any = importlib.import_module(f"ministack.{module}")
    for part in name.split("."):
        found = getattr(found, part)


def test_the_engine_is_the_pinned_one() -> None:
    pinned = (ROOT / "requirements" / "local.in").read_text().splitlines()
    assert f"ministack=={version('ministack')}" in pinned


def test_the_runtime_api_answers_at_once(engine: Any) -> None:
    assert socketserver.StreamRequestHandler.disable_nagle_algorithm
    assert socketserver.StreamRequestHandler.wbufsize == -1


def test_objects_are_copied_except_for_a_checkpoint() -> None:
    copies, original = CopyModule(), {"a": [1]}
    assert copies.deepcopy(original) == original
    assert copies.deepcopy(original) is not original
    elsewhere: list[bool] = []
    with copies.sharing():
        assert copies.deepcopy(original) is original
        thread = threading.Thread(target=lambda: elsewhere.append(copies.deepcopy(original) is original))
        thread.start()
        thread.join()
    assert elsewhere == [False]
    assert copies.deepcopy(original) is not original


def test_a_throttled_call_has_the_name_that_aws_gives_it(engine: Any) -> None:
    functions = importlib.import_module("ministack.services.lambda_svc")
    answer = functions._throttle_response(reason_code="x", msg="Rate exceeded")
    assert answer["body"]["errorType"] == "Lambda.TooManyRequestsException"
    assert answer["body"]["errorMessage"] == "Rate exceeded"


def test_old_executions_and_log_streams_are_evicted(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "KEPT_EXECUTIONS", 2)
    monkeypatch.setattr(engine_module, "KEPT_LOG_STREAMS", 2)
    sagas = importlib.import_module("ministack.services.stepfunctions")
    logs = importlib.import_module("ministack.services.cloudwatch_logs")
    executions = {f"e{i}": {"status": "RUNNING" if i == 1 else "FAILED"} for i in range(5)}
    groups: dict[str, Any] = {"group": {"streams": {f"s{i}": {} for i in range(5)}}}
    monkeypatch.setattr(sagas, "_executions", SimpleNamespace(_data=executions))
    monkeypatch.setattr(logs, "_log_groups", SimpleNamespace(_data=groups))
    engine._evict_old()
    assert list(executions) == ["e1", "e3", "e4"]
    assert list(groups["group"]["streams"]) == ["s3", "s4"]


def test_a_checkpoint_has_log_groups_without_their_lines(engine: Any) -> None:
    logs = importlib.import_module("ministack.services.cloudwatch_logs")
    logs._log_groups["group"] = {"arn": "a", "streams": {"s": {"events": [{"message": "secret"}]}}}
    state = engine._persistent("cloudwatch_logs", logs.get_state())
    assert list(state["log_groups"]._data.values()) == [{"arn": "a", "streams": {}}]
    assert logs._log_groups["group"]["streams"]
    del logs._log_groups["group"]


def test_an_unchanged_table_is_not_written_again(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = importlib.import_module("ministack.services.dynamodb")
    table: dict[str, Any] = {"items": {"pk": {}}}
    monkeypatch.setattr(tables, "_tables", SimpleNamespace(_data={"t": table}))
    assert engine._tables_changed()
    assert not engine._tables_changed()
    table["items"]["pk2"] = {}
    assert engine._tables_changed()
    engine._table_writes += 1
    assert engine._tables_changed()


@pytest.mark.parametrize(
    ("soft", "hard", "then"), [(256, -1, 2048), (256, 1024, 1024), (4096, 4096, 4096), (-1, -1, -1)]
)
def test_many_files_may_be_open_where_the_system_allows_it(
    soft: int, hard: int, then: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [(soft, hard)]
    fake = SimpleNamespace(
        RLIMIT_NOFILE=7,
        RLIM_INFINITY=-1,
        getrlimit=lambda _: limits[-1],
        setrlimit=lambda _, limit: limits.append(limit),
    )
    monkeypatch.setattr(engine_module, "resource", fake)
    engine_module.allow_open_files()
    assert limits[-1] == (then, hard)


@pytest.mark.usefixtures("socket_enabled")
def test_a_write_is_counted_when_it_is_completed(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    async def application(*_: Any) -> None:
        seen.append((engine._requests, engine._table_writes))

    def ask(path: str, target: str) -> None:
        scope = {"type": "http", "path": path, "headers": [(b"x-amz-target", target.encode())]}
        asyncio.run(engine._count_requests(scope, None, None))
        seen.append((engine._requests, engine._table_writes))

    monkeypatch.setattr(engine._app, "app", application)
    monkeypatch.setattr(engine, "_requests", 0)
    monkeypatch.setattr(engine, "_table_writes", 0)
    ask("/", "DynamoDB_20120810.PutItem")
    ask("/", "DynamoDB_20120810.Query")
    ask("/", "AmazonSQS.SendMessage")
    ask("/_ministack/health", "")
    assert seen == [(0, 0), (1, 1), (1, 1), (2, 1), (2, 1), (3, 1), (3, 1), (3, 1)]


def test_the_functions_inherit_nothing_of_the_users_aws_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = {"AWS_PROFILE": "mine", "AWS_ENDPOINT_URL_SQS": "https://x", "PATH": "/bin"}
    monkeypatch.setattr(engine_module, "os", SimpleNamespace(environ=environment, devnull="/dev/null"))
    monkeypatch.setattr(engine_module, "tempfile", SimpleNamespace())
    engine_module.set_environment(Home(tmp_path), Ports(engine=1))
    assert environment["PATH"] == "/bin"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["BIND_HOST"] == "127.0.0.1"
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_SQS"} & set(environment)
