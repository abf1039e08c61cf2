"""The commands that need no engine."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kindling.keys import store
from kindling.keys.model import read_token
from local import cli, launcher
from local.providers import KEY_VARIABLES
from local.settings import Home, Refused


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("KINDLING_HOME", str(tmp_path))
    return Home(tmp_path)


def test_advancing_adds_to_the_offset_of_the_clock(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    for span in ("3d", "12h", "10m", "30s", "1.5h"):
        assert cli.main(["local", "advance", span]) == 0
    ahead = timedelta(days=3, hours=13.5, minutes=10, seconds=30)
    assert float(home.clock.read_text()) == ahead.total_seconds()
    said = capsys.readouterr().out.splitlines()[-1]
    shown = datetime.strptime(said, "The local cloud's clock says %Y-%m-%d %H:%M:%S UTC.").replace(tzinfo=UTC)
    assert abs(shown - datetime.now(UTC) - ahead) < timedelta(seconds=5)


@pytest.mark.parametrize("span", ["3", "d", "-3d", "3w", "3d12h", "1e3s"])
def test_an_invalid_span_of_time_is_refused(span: str, home: Home) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["local", "advance", span])
    assert refused.value.code == 2
    assert not home.clock.exists()


def test_the_status_when_nothing_is_running(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["local", "status"]) == 1
    assert "is not running" in capsys.readouterr().out


def test_the_status_shows_urls_but_no_keys(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with launcher.locked(home):
        home.description.write_text(
            json.dumps({"api_url": "http://a", "api_key": "kd_live_x", "second_api_key": "kd_y"})
        )
        assert cli.main(["local", "status"]) == 0
    said = capsys.readouterr().out
    assert "http://a" in said
    assert "kd_" not in said


def test_the_inventory_needs_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    assert cli.main(["inventory"]) == 1
    assert "Set TABLE_NAME" in capsys.readouterr().err


def test_down_without_anything_running_is_no_failure() -> None:
    assert cli.main(["local", "down"]) == 0


def test_a_tick_needs_a_poller_of_the_template(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.description.write_text(json.dumps({"engine_url": "http://127.0.0.1:1"}))
    assert cli.main(["local", "tick", "create-domain"]) == 1
    assert "There is no poller 'create-domain'; there are " in capsys.readouterr().err


def test_a_tick_needs_a_running_cloud(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["local", "tick", "verify-domains"]) == 1
    assert "is not running" in capsys.readouterr().err


def test_an_invalid_port_is_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KINDLING_API_PORT", "eighty")
    assert cli.main(["local", "up"]) == 1
    assert capsys.readouterr().err == (
        "kindling: KINDLING_API_PORT is 'eighty', which is not a port number from 1 to 65535.\n"
    )


def test_two_services_on_one_port_are_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KINDLING_API_PORT", "8792")
    assert cli.main(["local", "up"]) == 1
    assert capsys.readouterr().err == "kindling: KINDLING_ENGINE_PORT and KINDLING_API_PORT are both 8792.\n"


@pytest.mark.parametrize("command", [["up"], ["up", "--detach"], ["demo"], ["reset"]])
def test_a_folder_that_is_a_file_is_reported_in_one_sentence(
    command: list[str], home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.path / "file"
    file.touch()
    monkeypatch.setenv("KINDLING_HOME", str(file))
    assert cli.main(["local", *command]) == 1
    assert capsys.readouterr().err == f"kindling: {file} cannot be the folder of the local cloud: File exists.\n"


def test_a_demo_with_real_providers_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KEY_VARIABLES:
        monkeypatch.setenv(name, "x")
    assert cli.main(["local", "demo"]) == 1
    assert capsys.readouterr().err.startswith("kindling: The demo needs the sandbox: unset AGENTMAIL_API_KEY, ")


def test_commands_find_the_cloud_with_real_providers_when_that_is_running(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    real = home.with_real_providers
    with launcher.locked(real):
        real.description.write_text(json.dumps({"api_url": "http://a"}))
        assert cli.main(["local", "status"]) == 0
        assert cli.main(["local", "advance", "1d"]) == 1
    said = capsys.readouterr()
    assert str(real.path) in said.out
    assert "cannot be moved" in said.err


def test_a_folder_is_locked_by_one_launcher_at_a_time(home: Home) -> None:
    with launcher.locked(home):
        assert launcher.holder(home) is not None
        with pytest.raises(Refused, match="is running already"), launcher.locked(home):
            pass
    assert launcher.holder(home) is None


def test_a_description_left_by_a_crash_is_deleted_at_the_next_start(home: Home) -> None:
    home.description.write_text("{}")
    with launcher.locked(home):
        assert not home.description.exists()


def test_a_reset_deletes_the_state_and_nothing_else(home: Home) -> None:
    (home.engine / "deep").mkdir(parents=True)
    for path in (home.clock, home.tenants, home.sandbox, home.path / "mine.txt"):
        path.write_text("1")
    assert cli.main(["local", "reset"]) == 0
    assert {path.name for path in home.path.iterdir()} == {"mine.txt", "lock"}


def test_a_reset_of_a_running_cloud_is_refused_by_the_launcher(home: Home) -> None:
    home.clock.write_text("1")
    with launcher.locked(home), pytest.raises(Refused):
        launcher.reset(home)
    assert home.clock.exists()


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_key_created_by_an_operator_is_marked_and_expires_when_requested(capsys: pytest.CaptureFixture[str]) -> None:
    user = "7d3a4c1e-6b52-4f0a-9c8e-2f1b5d907a36"
    arguments = ["keys", "create", "--user", user, "--name", "first", "--scope", "admin"]
    assert cli.main([*arguments, "--expires-in-days", "30"]) == 0
    token = read_token(capsys.readouterr().out.strip())
    assert token is not None
    key = store.get(token.key_id)
    assert key is not None
    assert (key.user_id, key.created_by, key.live) == (user, "operator", True)
    assert key.expires_at == "2026-03-31T09:00:00.000Z"
    for days in ("0", "3651", "-1", "x"):
        with pytest.raises(SystemExit):
            cli.main([*arguments, "--expires-in-days", days])
