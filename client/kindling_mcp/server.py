"""The server: which tools there are, what they say of themselves, and how their errors are told."""

import asyncio
import inspect
import uuid
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations

from kindling_client import AsyncKindling, KindlingError, __version__
from kindling_mcp import failures
from kindling_mcp.reading import Reading
from kindling_mcp.writing import Writing

Call = Callable[..., Awaitable[Any]]

# Seconds for a call of the API with all that is waited out of it; longer waits are told to the agent.
DEADLINE = 40.0
INSTRUCTIONS = """\
Kindling verifies email sending domains, makes accounts (inboxes), and lets a domain send more from day to day while its
reputation grows (warming). The way is onboard_domain, DNS records, verify_domain, provision_accounts, weeks of warmup,
send_email. Answers have next_steps, and errors `next`: follow them. Do not wait in a loop for what takes minutes or
days: tell the user when to come back. Give each write a request_id, and repeat a call that failed with the same one.
"""
READ_ONLY = "This server only reads. What writes needs a server that was started with --allow-writes: tell the user."

# Of the tools that write: whether they may undo or harm something, and whether a second call changes nothing more.
HINTS = {
    "onboard_domain": (False, True),
    "verify_domain": (False, True),
    "provision_accounts": (False, True),
    "retry_warmup": (False, True),
    "pause_warming": (True, True),
    "resume_warming": (False, True),
    "send_email": (True, False),
}


def make(kindling: AsyncKindling, *, allow_writes: bool) -> MCPServer[Any]:
    """The server over a client; without `allow_writes` it has only tools that read."""
    reading = Reading(kindling)
    tools = [
        _tool(_explained(call), ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False))
        for call in (
            reading.list_domains,
            reading.show_domain,
            reading.explain_sending,
            reading.list_accounts,
            reading.operation_status,
        )
    ]
    if allow_writes:
        writing = Writing(kindling, reading)
        tools += [
            _tool(
                _repeatable(getattr(writing, name)),
                ToolAnnotations(
                    read_only_hint=False,
                    destructive_hint=destructive,
                    idempotent_hint=idempotent,
                    open_world_hint=name == "send_email",
                ),
            )
            for name, (destructive, idempotent) in HINTS.items()
        ]
    return MCPServer(
        "kindling",
        title="Kindling",
        version=__version__,
        instructions=INSTRUCTIONS + ("" if allow_writes else READ_ONLY),
        tools=tools,
        log_level="WARNING",
    )


def serve(*, api_url: str, api_key: str, allow_writes: bool) -> None:
    """Serve on stdin and stdout until stdin ends. Raises ValueError for a URL over which a key must not go."""
    asyncio.run(_serve(AsyncKindling(api_url=api_url, api_key=api_key, deadline=DEADLINE), allow_writes=allow_writes))


async def _serve(kindling: AsyncKindling, *, allow_writes: bool) -> None:
    async with kindling:
        await make(kindling, allow_writes=allow_writes).run_stdio_async()


def _explained(call: Call) -> Call:
    """The call, with errors that say what to do next."""

    @wraps(call)
    async def explained(**arguments: Any) -> Any:
        try:
            return await call(**arguments)
        except KindlingError as error:
            raise ToolError(failures.told(error)) from error

    return explained


def _repeatable(call: Call) -> Call:
    """The call, with a request_id under which it can be repeated when it fails, also if the agent gave none."""

    @wraps(call)
    async def repeatable(**arguments: Any) -> Any:
        request_id = arguments.pop("request_id", None) or str(uuid.uuid4())
        try:
            return await call(**arguments, request_id=request_id)
        except KindlingError as error:
            raise ToolError(failures.told(error, request_id)) from error

    return repeatable


def _tool(call: Call, annotations: ToolAnnotations) -> Tool:
    """The tool of a call, which refuses arguments that it does not know instead of ignoring them."""
    tool = Tool.from_function(call, description=inspect.getdoc(call), annotations=annotations)
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    tool.parameters = arguments.model_json_schema(by_alias=True)
    return tool
