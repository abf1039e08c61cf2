"""Where the API's URL and the key come from, and how a profile is written."""

import json
import os
import stat
from pathlib import Path

import httpx
import pytest

from kindling_cli import config
from kindling_cli.exits import USAGE, Failed
from tests.client.conftest import URL, Ran, Shell
from tests.conftest import Kindling, issue

PROD, DEV = "https://prod.example.com", "https://dev.example.com"


@pytest.fixture
def echo(shell: Shell) -> Shell:
    """A shell whose API says that all is well."""
    shell.handler = lambda _request: httpx.Response(200, json={"status": "ok"})
    return shell


def used(shell: Shell, line: str = "health") -> tuple[str, str]:
    """The URL and the key that a command uses."""
    shell.ok(line)
    request = shell.requests[-1]
    return f"{request.url.scheme}://{request.url.netloc.decode()}", request.headers["authorization"].split()[1]


def profile(name: str, url: str, key: str, default: str = "default") -> None:
    known = config.read().known | {name: {"api_url": url, "api_key": key}}
    config.write(config.Profiles(default, known))


def describe(folder: Path, **told: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "local.json").write_text(json.dumps(told))


def test_flags_stand_above_the_environment_and_that_above_a_profile(
    echo: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile("default", PROD, "of-profile")
    assert used(echo) == (PROD, "of-profile")
    monkeypatch.setenv("KINDLING_API_KEY", "of-environment")
    assert used(echo) == (PROD, "of-environment")
    monkeypatch.setenv("KINDLING_API_URL", DEV)
    assert used(echo) == (DEV, "of-environment")
    assert used(echo, "health --api-key of-flag") == (DEV, "of-flag")
    assert used(echo, f"health --api-key of-flag --api-url {URL}") == (URL, "of-flag")
    assert used(echo, "--api-key before health") == (DEV, "before")


def test_a_named_profile_stands_above_the_environment(echo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    profile("prod", PROD, "of-prod")
    profile("dev", DEV, "of-dev", default="dev")
    assert used(echo) == (DEV, "of-dev")
    assert used(echo, "health --profile prod") == (PROD, "of-prod")
    monkeypatch.setenv("KINDLING_PROFILE", "prod")
    assert used(echo) == (PROD, "of-prod")
    monkeypatch.setenv("KINDLING_API_URL", URL)
    monkeypatch.setenv("KINDLING_API_KEY", "of-environment")
    assert used(echo) == (URL, "of-environment")
    assert used(echo, "--profile dev health") == (DEV, "of-dev")


def test_a_key_does_not_go_to_a_url_that_was_told_more_expressly(echo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    profile("default", PROD, "of-profile")
    ran = echo(f"health --api-url {DEV}")
    assert (ran.code, echo.requests) == (USAGE, [])
    assert "the key of the profile 'default' is not for it" in ran.err
    monkeypatch.setenv("KINDLING_API_URL", DEV)
    assert echo("health").code == USAGE


def test_half_a_configuration_says_what_is_missing(echo: Shell) -> None:
    assert "an API key missing" in echo(f"health --api-url {DEV}").err
    assert "the URL of an API missing" in echo("health --api-key k").err
    ran = echo("health")
    assert (ran.code, "'kindling login' writes a profile" in ran.err) == (USAGE, True)


def test_the_local_cloud_is_used_when_nothing_else_is_configured(echo: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(Path.cwd() / ".kindling", api_url=URL, api_key="local")
    inner = Path.cwd() / "a/b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert used(echo) == (URL, "local")
    assert echo("health").err == ""
    assert f"Using the local cloud in {inner.parents[1]}/.kindling." in echo("health", terminal=True).err
    profile("default", PROD, "of-profile")
    assert used(echo) == (PROD, "of-profile")


def test_the_local_cloud_of_another_folder_is_named_by_the_environment(
    echo: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    describe(tmp_path / "elsewhere", api_url=URL, api_key="elsewhere")
    monkeypatch.setenv("KINDLING_HOME", str(tmp_path / "elsewhere"))
    assert used(echo) == (URL, "elsewhere")


@pytest.mark.parametrize("told", [{"api_url": DEV, "api_key": "k"}, {"api_url": URL}, {}])
def test_a_description_that_is_not_of_this_machine_is_not_heeded(echo: Shell, told: dict[str, str]) -> None:
    describe(Path.cwd() / ".kindling", **told)
    assert echo("health").code == USAGE


def test_a_key_in_the_clear_is_refused(echo: Shell) -> None:
    ran = echo("health --api-url http://prod.example.com --api-key k")
    assert (ran.code, "is not an https URL" in ran.err) == (USAGE, True)


def test_login_writes_a_profile_that_only_its_owner_reads(shell: Shell, kindling: Kindling) -> None:
    ran = shell.ok("login --api-url", URL, "--api-key", kindling.api.key)
    path = config.file()
    assert ran.err == f"The profile 'default' is in {path}.\n"
    assert kindling.api.key not in ran.out + ran.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert shell.ok("suppressions list").code == 0


def test_login_asks_for_what_it_is_not_told(shell: Shell, kindling: Kindling) -> None:
    ran = shell.ok("login --profile work", typed=f"{URL}/\n{kindling.api.key}\n")
    assert config.read() == config.Profiles("work", {"work": {"api_url": URL, "api_key": kindling.api.key}})
    assert kindling.api.key not in ran.out


def test_login_tries_the_key(shell: Shell, kindling: Kindling) -> None:
    assert shell("login --api-url", URL, "--api-key", "kd_live_no_key").code == 3
    assert not config.file().exists()
    # A key that may only send cannot read anything, and is a key all the same.
    assert shell.ok("login --api-url", URL, "--api-key", issue(kindling.user_id, ["send"])).code == 0


def test_a_profile_of_any_text_is_read_as_it_was_written(shell: Shell) -> None:
    key = 'a"b\\c\nd[é]😀'
    profile("a-1_B", PROD, key)
    assert config.read().known["a-1_B"]["api_key"] == key
    with pytest.raises(Failed):
        config.check_name("a.b")
    assert shell("login --profile a.b --api-url", URL, "--api-key", "k").code == USAGE


def profiles(shell: Shell) -> Ran:
    return shell.ok("profile list --format lines")


def test_profiles_are_listed_without_their_keys_chosen_and_removed(shell: Shell) -> None:
    profile("prod", PROD, "kd_live_secret")
    profile("dev", DEV, "kd_live_other", default="dev")
    assert profiles(shell).lines == [
        {"name": "dev", "api_url": DEV, "default": True},
        {"name": "prod", "api_url": PROD, "default": False},
    ]
    assert "kd_live" not in profiles(shell).out
    shell.ok("profile use prod")
    assert [one["name"] for one in profiles(shell).lines if one["default"]] == ["prod"]
    shell.ok("profile remove dev")
    assert [one["name"] for one in profiles(shell).lines] == ["prod"]
    for line in ("profile use dev", "profile remove dev", "health --profile dev"):
        ran = shell(line)
        assert (ran.code, "no profile 'dev'" in ran.err) == (USAGE, True)


def test_the_file_follows_xdg(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert config.file() == Path(os.environ["HOME"]) / ".config/kindling/config.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert config.file() == tmp_path / "xdg/kindling/config.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert config.file().parent.name == "kindling"
    assert config.file().parents[1].name == ".config"


@pytest.mark.parametrize("text", ["nonsense", "profiles = 1", "[profiles.a]\napi_url = 'x'\n"])
def test_a_file_that_is_none_is_told(echo: Shell, text: str) -> None:
    config.file().parent.mkdir(parents=True)
    config.file().write_text(text)
    ran = echo("health")
    assert (ran.code, "is not a file of profiles" in ran.err) == (USAGE, True)


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: Shell, shell_name: str) -> None:
    assert "_KINDLING_COMPLETE" in shell.ok(f"completion {shell_name}").out


def test_words_and_values_are_completed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for typed, expected in {
        "kindling email domain d": ["delete", "dns-records"],
        "kindling suppressions create --reason h": ["hard_bounce"],
        "kindling warming status --f": ["--format"],
    }.items():
        monkeypatch.setenv("_KINDLING_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", typed)
        monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
        assert [line.split(",")[1] for line in shell("").out.splitlines()] == expected


def test_the_version_is_told(shell: Shell) -> None:
    assert shell.ok("--version").out == "kindling 0.1.0\n"
