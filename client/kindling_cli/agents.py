"""`kindling mcp`, a server of the Model Context Protocol on stdin and stdout."""

import importlib.util
from typing import Any

import click

from kindling_cli import config, session
from kindling_cli.exits import USAGE, Failed

MISSING = "'kindling mcp' needs the Python SDK of MCP: pipx install './client[mcp]', or pip install 'mcp>=2.3,<3'."


@click.command
@click.option("--allow-writes", is_flag=True, help="Have the tools that change something, too.")
@click.option("--api-url", metavar="URL", help=f"The API; else {config.URL_VARIABLE}, or the profile's.")
@click.option("--api-key", metavar="KEY", help=f"The key; else {config.KEY_VARIABLE}, or the profile's.")
@click.option("--profile", metavar="NAME", help="A profile of the configuration file.")
def mcp(*, allow_writes: bool, **values: Any) -> None:
    """Serve agents on stdin and stdout by the Model Context Protocol; read-only, unless writes are allowed."""
    if importlib.util.find_spec("mcp") is None:
        raise Failed(MISSING)
    given = session.flags(values)
    access = config.access(api_url=given["api_url"], api_key=given["api_key"], profile=given["profile"])
    from kindling_mcp.server import serve

    try:
        serve(api_url=access.api_url, api_key=access.api_key, allow_writes=allow_writes)
    except ValueError as error:
        raise Failed(f"{error}.", USAGE) from error
