"""How a command ends that does not succeed: its exit code, and what stderr says."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kindling_cli import exits
from tests.client.conftest import Shell
from tests.conftest import Kindling, issue
from tests.functions.api.test_send import sender
from tests.harness.template import ROOT

ABSENT = "7d4f1b7c-0000-4000-8000-000000000000"


def told(code: str, status: int, **extras: object) -> Callable[[httpx.Request], httpx.Response]:
    body = {"error": code, "message": "A sentence.", "request_id": "request-9", **extras}
    return lambda _request: httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("email domain create", 2, "Missing option '--domain'"),
        ("email domain nonsense", 2, "No such command"),
        ("email domain list --format yaml", 2, "is not one of"),
        ("email domain create --domain nonsense", 2, "domain: nonsense has only one part"),
        (f"email domain get --id {ABSENT}", 4, "There is no such domain."),
        ("email account get --id nobody@acme.example", 4, "no account with the address nobody@acme.example"),
        (f"email account retry-warmup --id {ABSENT}", 4, "code: not_found"),
    ],
)
def test_what_is_wrong_is_said_on_stderr(tenant: Shell, line: str, code: int, said: str) -> None:
    ran = tenant(line)
    assert (ran.code, ran.out) == (code, ""), ran
    assert said in ran.err


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("unauthorized", 401, exits.AUTH),
        ("forbidden", 403, exits.AUTH),
        ("live_key_required", 403, exits.AUTH),
        ("key_exceeds_maker", 403, exits.AUTH),
        ("warming_paused", 403, exits.REFUSED),
        ("account_not_active", 403, exits.REFUSED),
        ("not_found", 404, exits.NOT_FOUND),
        ("domain_exists", 409, exits.REFUSED),
        ("domain_not_verified", 400, exits.REFUSED),
        ("recipients_suppressed", 422, exits.REFUSED),
        ("invalid_request", 400, exits.USAGE),
        ("payload_too_large", 413, exits.USAGE),
        ("quota_exceeded", 429, exits.RATE_LIMITED),
        ("provider_refused", 502, exits.SERVER),
        ("internal_error", 500, exits.SERVER),
    ],
)
def test_an_error_of_the_api_has_an_exit_code(tenant: Shell, code: str, status: int, exit_code: int) -> None:
    tenant.handler = told(code, status, retry_after_seconds=3600)
    ran = tenant("health")
    assert (ran.code, ran.out) == (exit_code, "")
    assert ran.err.startswith(f"kindling: A sentence.\n  code: {code}\n  request: request-9\n")


def test_no_answer_has_an_exit_code(tenant: Shell) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    tenant.handler = refuse
    ran = tenant("health")
    assert (ran.code, ran.err.splitlines()[0]) == (
        exits.NETWORK,
        "kindling: http://127.0.0.1:8790 cannot be reached: Connection refused.",
    )


def test_an_answer_that_is_not_the_apis_has_an_exit_code(tenant: Shell) -> None:
    tenant.handler = lambda _request: httpx.Response(200, text="<html>")
    assert tenant("health").code == exits.SERVER


def test_a_key_without_the_scope_is_told_which(tenant: Shell, kindling: Kindling) -> None:
    ran = tenant("email domain create --domain acme.example --api-key", issue(kindling.user_id, ["read"]))
    assert (ran.code, "required_scope: provision" in ran.err) == (exits.AUTH, True)


def test_an_operation_that_fails_is_told_with_its_step(tenant: Shell, kindling: Kindling) -> None:
    kindling.world.fault("agentmail", "POST", "/v0/domains", "refuse", status=422)
    ran = tenant("email domain create --domain acme.example --wait")
    assert (ran.code, ran.out) == (exits.FAILED, "")
    assert "code: provider_refused" in ran.err
    assert "step: RegisterDomain" in ran.err


def test_an_operation_that_does_not_end_has_an_exit_code(tenant: Shell) -> None:
    said = {"id": "o", "kind": "onboard_domain", "name": "acme.example", "subject_id": "s", "execution_arn": "a"}
    state = {"state": "running", "current_step": "ClaimName", "error": None, "created_at": "c", "updated_at": "u"}
    tenant.handler = lambda _request: httpx.Response(200, json={"operation": {**said, **state}})
    ran = tenant("operations wait --id o")
    assert (ran.code, "it goes on by itself" in ran.err) == (exits.RUNNING, True)


def test_a_limit_of_the_gate_says_when_to_come_again(tenant: Shell, kindling: Kindling) -> None:
    sender(kindling)
    many = [part for number in range(11) for part in ("--to", f"p{number}@example.com")]
    ran = tenant("send --from kim@acme.example --text-body Hello", *many)
    assert ran.code == exits.RATE_LIMITED
    assert re.search(r"try again in \d+ s", ran.err)
    assert "limit_type: hourly" in ran.err


def test_every_exit_code_stands_in_the_documentation() -> None:
    table = (ROOT / "docs/cli.md").read_text()
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert listed == {0, *range(exits.OTHER, exits.RUNNING + 1), exits.INTERRUPTED}


def test_help_of_every_command_names_its_route(shell: Shell) -> None:
    ran = shell.ok("email account retry-warmup --help")
    assert "PATCH /api/email/accounts/{account_id}/retry-warmup" in ran.out
    assert "--id TEXT" in ran.out


def test_the_clones_commands_say_what_they_need(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    for line in ("local up", "aws doctor --profile prod", "keys create --user 1 --name first"):
        ran = shell(line)
        assert ran.code == exits.OTHER
        assert f"'kindling {line.split()[0]}' needs a clone of Kindling" in ran.err


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("local status", 1, "is not running"),
        ("local advance nonsense", 2, "is not a span of time"),
        ("aws doctor --profile nonsense", 1, "nonsense"),
        ("keys create --user nonsense --name first", 2, "invalid UUID value"),
        ("zones list", 1, "Set TABLE_NAME"),
        ("inventory", 1, "Set TABLE_NAME"),
    ],
)
def test_the_clones_commands_are_run_with_its_own(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, code: int, said: str
) -> None:
    monkeypatch.setenv("KINDLING_HOME", str(tmp_path))
    monkeypatch.delenv("TABLE_NAME", raising=False)
    ran = shell(line)
    assert (ran.code, said in ran.out + ran.err) == (code, True), ran
