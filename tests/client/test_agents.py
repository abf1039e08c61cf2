"""An agent's calls over MCP, by the official client, against the handlers; docs/agents.md is one of its sessions."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent, Tool

from kindling import errors
from kindling.sending import service as sending
from kindling_cli import agents
from kindling_client import AsyncKindling, ServerError
from kindling_mcp import failures
from kindling_mcp.server import HINTS, make
from tests.client.conftest import URL, Shell, answer
from tests.conftest import Clock, Kindling
from tests.functions.api.test_send import sender
from tests.harness import console
from tests.harness.template import ROOT

DOCUMENT = ROOT / "docs/agents.md"
TABLE = re.compile(r"(?<=<!-- tools -->\n).*?(?=<!-- end of tools -->)", re.DOTALL)
READING = {"list_domains", "show_domain", "explain_sending", "list_accounts", "operation_status"}
WRITING = {
    "onboard_domain",
    "verify_domain",
    "provision_accounts",
    "retry_warmup",
    "pause_warming",
    "resume_warming",
    "send_email",
}

HELLO: dict[str, Any] = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


@dataclass
class Agent:
    """An agent with a session for each of its calls."""

    loop: asyncio.Runner
    key: str
    allow_writes: bool = True
    handler: Callable[[httpx.Request], httpx.Response] = answer
    requests: list[httpx.Request] = field(default_factory=list)
    progress: list[str | None] = field(default_factory=list)

    def __call__(self, tool: str, **arguments: Any) -> Any:
        """What a tool answers, which has to succeed."""
        result = self.call(tool, arguments)
        assert not result.is_error, text(result)
        return result.structured_content

    def refused(self, tool: str, **arguments: Any) -> str:
        """The text of an error."""
        result = self.call(tool, arguments)
        assert result.is_error, result
        return text(result)

    def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        async def told(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append(message)

        async def talk() -> CallToolResult:
            async with self._kindling() as kindling, Client(make(kindling, allow_writes=self.allow_writes)) as client:
                return await client.call_tool(tool, arguments, progress_callback=told)

        return self.loop.run(talk())

    def tools(self) -> list[Tool]:
        async def talk() -> list[Tool]:
            async with (
                self._kindling() as kindling,
                Client(make(kindling, allow_writes=self.allow_writes), mode="legacy") as client,
            ):
                return (await client.list_tools()).tools

        return self.loop.run(talk())

    def _kindling(self) -> AsyncKindling:
        return AsyncKindling(api_url=URL, api_key=self.key, transport=httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.handler(request)


@pytest.fixture
def agent(kindling: Kindling, loop: asyncio.Runner) -> Agent:
    return Agent(loop, kindling.api.key)


@pytest.fixture
def reader(kindling: Kindling, loop: asyncio.Runner) -> Agent:
    return Agent(loop, kindling.api.key, allow_writes=False)


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_an_agent_brings_a_domain_up_to_its_first_refusal(agent: Agent, kindling: Kindling) -> None:
    onboarding = agent("onboard_domain", domain="external-acme.example")
    domain = onboarding["domain"]
    assert (domain["status"], domain["dns_sync"]) == ("pending", "skipped")
    assert {"ownership", "dkim"} <= {one["purpose"] for one in domain["missing_records"]}
    assert f"Create the {len(domain['missing_records'])} missing_records" in domain["next_steps"][0]
    assert domain["next_steps"][1].startswith("Then call verify_domain")
    explained = agent("explain_sending", domain="external-acme.example")
    assert (explained["allowed"], explained["earliest_at"]) == (False, None)
    assert "Waiting alone does not help" in explained["next_steps"][0]

    agent("onboard_domain", domain="acme.example")
    kindling.clock.advance(seconds=10)
    shown = agent("verify_domain", domain="acme.example")
    assert (shown["status"], shown["warming"]["phase"], shown["missing_records"]) == ("verified", "phase_1", [])
    assert shown["warming"]["advancement_blockers"]
    rows = agent("provision_accounts", domain="acme.example", accounts=[{"username": "kim"}])["rows"]
    assert [(row["name"], row["state"]) for row in rows] == [("kim@acme.example", "succeeded")]
    (account,) = agent("list_accounts", domain="ACME.example")["accounts"]
    assert (account["status"], account["may_send"]) == ("warming", False)
    assert agent("list_accounts", domain="external-acme.example")["accounts"] == []
    sending._claims.clear()
    said = agent.refused("send_email", sender="kim@acme.example", to=["p@example.com"], subject="s", text_body="t")
    assert "it may send once its warmup is done" in said
    assert "code: account_not_active" in said
    assert "next: Send from an account that may_send" in said


def test_a_full_limit_is_explained_before_and_after_the_send(agent: Agent, kindling: Kindling) -> None:
    sender(kindling)
    message = {"sender": "kim@acme.example", "subject": "Hello", "text_body": "Hello Pat"}
    assert agent("send_email", to=["a@example.com"], **message)["status"] == "queued"
    explained = agent("explain_sending", domain="acme.example", recipients=11)
    assert explained["allowed"] is False
    assert "51 recipients" not in explained["reasons"][0]
    said = agent.refused("send_email", to=[f"p{n}@example.com" for n in range(11)], **message)
    assert "code: rate_limit_exceeded" in said
    assert re.search(r"^retry_after_seconds: \d+$", said, re.MULTILINE)
    assert '\nlimit_type: "hourly"\n' in said
    assert said.endswith("next: " + failures.NEXT["rate_limit_exceeded"])


def test_a_server_reads_unless_writes_are_allowed(agent: Agent, reader: Agent) -> None:
    assert {tool.name for tool in reader.tools()} == READING
    assert {tool.name for tool in agent.tools()} == READING | WRITING
    assert HINTS.keys() == WRITING
    assert reader("list_domains") == {"domains": [], "next_cursor": None}
    with pytest.raises(Exception, match="onboard_domain"):
        reader("onboard_domain", domain="acme.example")
    assert {request.method for request in reader.requests} == {"GET"}


def test_tools_say_what_they_do(agent: Agent) -> None:
    for tool in agent.tools():
        hints = tool.annotations
        assert hints is not None
        assert hints.read_only_hint is (tool.name in READING)
        assert str(tool.description).startswith("WRITES: ") is (tool.name in WRITING)
        assert ("request_id" in tool.input_schema["properties"]) is (tool.name in WRITING)
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema
    destructive = {tool.name for tool in agent.tools() if tool.annotations and tool.annotations.destructive_hint}
    assert destructive == {"pause_warming", "send_email"}


def test_an_argument_that_is_not_known_is_refused(agent: Agent) -> None:
    assert "recipient\n" in agent.refused("explain_sending", domain="acme.example", recipient=51)
    assert agent.requests == []


def test_a_request_id_acts_once(agent: Agent, kindling: Kindling) -> None:
    sender(kindling)
    message = {"sender": "kim@acme.example", "to": ["a@example.com"], "subject": "Hello", "text_body": "Hello"}
    first = agent("send_email", request_id="greeting", **message)
    assert agent("send_email", request_id="greeting", **message) == first
    assert agent("send_email", **message) != first
    assert agent("show_domain", domain="acme.example")["warming"]["remaining_today"] == 48
    said = agent.refused("send_email", request_id="greeting", **message | {"to": ["b@example.com"]})
    assert "code: idempotency_key_reused" in said
    # The same word at another tool is another request.
    agent("pause_warming", domain="acme.example", reason="holiday", request_id="greeting")


def test_a_registration_that_is_repeated_answers_the_same_domain(agent: Agent) -> None:
    first = agent("onboard_domain", domain="acme.example", request_id="acme")
    assert agent("onboard_domain", domain="acme.example", request_id="acme") == first
    said = agent.refused("onboard_domain", domain="acme.example")
    assert "code: domain_exists" in said
    assert "next: It is registered already: call show_domain." in said


def test_a_write_that_fails_names_the_request_id_to_repeat_it_with(agent: Agent, kindling: Kindling) -> None:
    sender(kindling)
    message = {"sender": "kim@acme.example", "to": ["a@example.com"], "subject": "Hello", "text_body": "Hello"}
    kindling.world.fault("agentmail", "POST", "/v0/inboxes/*", "timeout_after")
    said = agent.refused("send_email", **message)
    assert '\noutcome: "unknown"\n' in said
    assert failures.REPEAT in said
    kindling.world.heal()
    # Calls to a provider that was silent rest for a moment.
    kindling.clock.advance(minutes=2)
    (request_id,) = re.findall(r"^request_id: (.+)$", said, re.MULTILINE)
    assert agent("send_email", request_id=request_id, **message)["status"] == "queued"
    assert len(kindling.world.inventory()["agentmail"]["messages"]) == 1


def test_a_registration_that_fails_is_told_with_its_step(agent: Agent, kindling: Kindling) -> None:
    kindling.world.fault("agentmail", "POST", "/v0/domains", "refuse", status=422)
    said = agent.refused("onboard_domain", domain="acme.example")
    assert "code: provider_refused" in said
    assert '\nstep: "RegisterDomain"\n' in said


def test_a_registration_that_takes_long_is_followed_by_its_operation(agent: Agent, client_clock: Clock) -> None:
    said = {"id": "o", "kind": "onboard_domain", "name": "acme.example", "subject_id": "s", "execution_arn": "a"}
    state = {"state": "running", "current_step": "ClaimName", "error": None, "created_at": "c", "updated_at": "u"}
    agent.handler = lambda request: httpx.Response(
        202 if request.method == "POST" else 200, json={"operation": {**said, **state}}
    )
    onboarding = agent("onboard_domain", domain="acme.example")
    assert (onboarding["domain"], onboarding["operation"]["operation_id"]) == (None, "o")
    assert "call operation_status" in onboarding["operation"]["next_steps"][0]
    assert client_clock.monotonic() == pytest.approx(40)
    assert agent.progress == ["acme.example: ClaimName"]
    assert agent("operation_status", operation_id="o")["step"] == "ClaimName"


def test_rows_that_fail_say_why(agent: Agent, kindling: Kindling) -> None:
    kindling.verified_domain()
    kindling.world.fault("agentmail", "POST", "/v0/inboxes", "refuse", status=422, calls=[1])
    report = agent("provision_accounts", domain="acme.example", accounts=[{"username": "kim"}, {"username": "lee"}])
    states = {row["name"]: row["state"] for row in report["rows"]}
    assert sorted(states.values()) == ["failed", "succeeded"]
    (failed,) = [row for row in report["rows"] if row["state"] == "failed"]
    assert "step CreateInbox" in failed["error"]
    again = agent("operation_status", operation_id=report["operation_id"])
    assert again == report


def test_a_warmup_is_retried_by_the_address_of_its_account(agent: Agent, kindling: Kindling) -> None:
    kindling.world.fault("instantly", "POST", "/api/v2/accounts/warmup/enable", "refuse", status=402)
    account = kindling.account()
    (shown,) = agent("list_accounts")["accounts"]
    assert (shown["status"], shown["warmup_reason"]) == ("pending", account["warmup_reason"])
    assert "retry_warmup does so now" in shown["next_steps"][0]
    kindling.world.heal()
    assert agent("retry_warmup", account="Kim@acme.example")["status"] == "warming"
    assert "code: not_found" in agent.refused("retry_warmup", account="pat@acme.example")


def test_a_warming_that_does_not_climb_says_why_and_what_would_help(agent: Agent, kindling: Kindling) -> None:
    kindling.verified_domain()
    words = {
        "climbing_blockers": ["bounces are at 4.1%, above 3%"],
        "advice": ["Clean the list before the next mailing."],
    }

    def later(request: httpx.Request) -> httpx.Response:
        reply = answer(request)
        known = json.loads(reply.text)
        return httpx.Response(reply.status_code, json=known | words if request.url.path.endswith("/warming") else known)

    agent.handler = later
    warming = agent("show_domain", domain="acme.example")["warming"]
    assert {name: warming[name] for name in words} == words


def test_a_pause_is_shown_and_ended(agent: Agent, kindling: Kindling) -> None:
    kindling.verified_domain()
    paused = agent("pause_warming", domain="acme.example", reason="holiday")
    assert (paused["phase"], "resume_warming" in paused["next_steps"][0]) == ("paused", True)
    assert "code: not_warming" in agent.refused("pause_warming", domain="acme.example", reason="holiday")
    assert agent("resume_warming", domain="acme.example")["phase"] == "phase_1"


def test_neither_answers_nor_errors_have_the_key(agent: Agent, kindling: Kindling) -> None:
    secret = agent.key.rpartition("_")[2]
    stranger = Agent(agent.loop, agent.key[:-1] + ("a" if agent.key[-1] != "a" else "b"))
    said = stranger.refused("list_domains")
    assert "code: unauthorized" in said
    assert secret[:-1] not in said + json.dumps(agent("list_domains"))


def codes(kind: type[errors.KindlingError]) -> Iterator[str]:
    yield kind.code
    for each in kind.__subclasses__():
        yield from codes(each)


def test_next_steps_are_of_errors_and_tools_that_exist() -> None:
    assert failures.NEXT.keys() - {"timeout"} <= set(codes(errors.KindlingError))
    sentences = " ".join([*failures.NEXT.values(), *failures.BY_KIND.values()])
    named = set(re.findall(r"\b[a-z]+_[a-z]+\b", sentences))
    assert named - READING - WRITING <= {"request_id", "next_steps", "may_send", "phase_1", "phase_4"}
    assert failures.next_step(ServerError("unheard_of", "Something new.")) == failures.REPEAT


def test_the_document_shows_the_tools_and_a_session_as_they_are(
    agent: Agent, kindling: Kindling, request: pytest.FixtureRequest
) -> None:
    lines = ["| tool | | may write |", "| --- | --- | --- |"]
    for tool in agent.tools():
        sentence = str(tool.description).partition("\n")[0].removeprefix("WRITES: ")
        lines.append(
            f"| `{tool.name}` | {sentence[0].upper()}{sentence[1:]} | {'yes' if tool.name in WRITING else ''} |"
        )
    table = "\n".join(lines) + "\n"
    played = []
    for entry in console.entries(DOCUMENT):
        name, _, arguments = entry.line.partition(" ")
        sending._claims.clear()
        result = agent.call(name, json.loads(arguments or "{}"))
        printed = text(result) if result.is_error else json.dumps(result.structured_content, indent=2)
        played.append(console.Entry(entry.line, printed + "\n"))
        kindling.clock.advance(seconds=10)
    if request.config.getoption("--write"):
        console.mend(DOCUMENT, played)
        DOCUMENT.write_text(TABLE.sub(lambda _: table, DOCUMENT.read_text()))
    written = console.entries(DOCUMENT)
    assert len(written) > 5
    assert TABLE.findall(DOCUMENT.read_text()) == [table]
    assert [console.steady(entry) for entry in played] == [console.steady(entry) for entry in written]


def test_the_command_serves_on_stdin_and_stdout_alone() -> None:
    command = [
        sys.executable,
        "-m",
        "kindling_cli.main",
        "mcp",
        "--api-url",
        "http://127.0.0.1:9",
        "--api-key",
        "kd_live_k",
    ]
    asked: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        assert server.stdin is not None
        assert server.stdout is not None
        answers = []
        for message in asked:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            server.stdin.flush()
            if "id" in message:
                answers.append(json.loads(server.stdout.readline()))
        server.stdin.close()
        assert server.stdout.read() == ""
    assert server.returncode == 0
    assert answers[0]["result"]["serverInfo"]["name"] == "kindling"
    assert "only reads" in answers[0]["result"]["instructions"]
    assert {tool["name"] for tool in answers[1]["result"]["tools"]} == READING


def test_the_command_says_what_to_install(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    ran = shell("mcp")
    assert (ran.code, ran.out, ran.err) == (1, "", f"kindling: {agents.MISSING}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mcp", "No API is configured"),
        ("mcp --api-url http://prod.example.com --api-key k", "is not an https URL"),
    ],
)
def test_the_command_needs_an_api(shell: Shell, words: str, said: str) -> None:
    ran = shell(words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
