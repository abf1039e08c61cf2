"""The client that a command calls the API with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from kindling_cli import config
from kindling_cli.exits import USAGE, Failed
from kindling_cli.output import tell

if TYPE_CHECKING:
    import httpx

    from kindling_client import Kindling

# Flags that every command has, which may stand before it too.
GLOBALS = ("format", "api_url", "api_key", "profile")


def transport() -> "httpx.BaseTransport | None":
    """How httpx reaches the API."""
    return None


@contextmanager
def connected(access: config.Access) -> "Iterator[Kindling]":
    """A client for these; an error of the API's ends the command. Raises Failed."""
    from kindling_cli.failures import failed
    from kindling_client import Kindling, KindlingError

    if access.source.startswith("the local cloud") and sys.stderr.isatty():
        tell(f"Using {access.source}.")
    try:
        with Kindling(api_url=access.api_url, api_key=access.api_key, transport=transport()) as kindling:
            yield kindling
    except KindlingError as error:
        raise failed(error) from error
    except ValueError as error:
        raise Failed(f"{error}.", USAGE) from error


def flags(values: dict[str, Any]) -> dict[str, Any]:
    """The global flags: those of the command, else those before it. Takes them out of `values`."""
    before = click.get_current_context().find_root().params
    return {name: values.pop(name, None) or before.get(name) for name in GLOBALS}
