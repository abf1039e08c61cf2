"""`kindling login`, `kindling profile` and `kindling completion`."""

import sys
from dataclasses import replace
from typing import Any

import click
from click.shell_completion import get_completion_class

from kindling_cli import config, output, session
from kindling_cli.exits import AUTH, USAGE, Failed

SHELLS = ("bash", "zsh", "fish")


@click.command
@click.option("--profile", metavar="NAME", help="The profile to write; else the default one.")
@click.option("--api-url", metavar="URL", help="Asked for when left out.")
@click.option("--api-key", metavar="KEY", help="Asked for when left out, which leaves no trace in a shell's history.")
def login(**values: Any) -> None:
    """Write a profile, once its key has been tried."""
    given = session.flags(values)
    profiles = config.read()
    name = config.check_name(given["profile"] or profiles.default)
    api_url = (given["api_url"] or _asked("URL of the API")).rstrip("/")
    api_key = given["api_key"] or _asked("API key", hidden=True)
    _try(config.Access(api_url, api_key, "the flags"))
    known = profiles.known | {name: {"api_url": api_url, "api_key": api_key}}
    default = profiles.default if profiles.default in known else name
    config.write(config.Profiles(default, known))
    output.tell(f"The profile '{name}' is in {config.file()}.")


def _asked(what: str, *, hidden: bool = False) -> str:
    """What somebody types, or the next line of a pipe. Raises Failed."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=hidden, err=True))
    line = sys.stdin.readline().strip()
    if not line:
        raise Failed(f"{what}: nothing was given.", USAGE)
    return line


def _try(access: config.Access) -> None:
    """Make a call that needs a key. A key that may not read is a key all the same. Raises Failed."""
    try:
        with session.connected(access) as kindling:
            kindling.list_cleanups(limit=1)
    except Failed as failed:
        if failed.code != AUTH or "code: unauthorized" in failed.details:
            raise


@click.group
def profile() -> None:
    """The profiles of the configuration file."""


@profile.command("list")
@click.option("--format", type=click.Choice([each.value for each in output.Format]), help="How to print.")
def list_profiles(**values: Any) -> None:
    """List them, without their keys."""
    known = config.read()
    rows = [
        {"name": name, "api_url": each["api_url"], "default": name == known.default}
        for name, each in sorted(known.known.items())
    ]
    form = output.chosen(session.flags(values)["format"])
    output.show([{"profiles": rows}], form, ("name", "api_url", "default"))


@profile.command
@click.argument("name")
def use(name: str) -> None:
    """Make one the default."""
    config.write(replace(_with(name), default=name))
    output.tell(f"The profile '{name}' is the default now.")


@profile.command
@click.argument("name")
def remove(name: str) -> None:
    """Remove one from the file; its key still works."""
    known = _with(name)
    config.write(replace(known, known={each: one for each, one in known.known.items() if each != name}))
    output.tell(f"The profile '{name}' is removed.")


def _with(name: str) -> config.Profiles:
    known = config.read()
    if name not in known.known:
        raise Failed(f"There is no profile '{name}' in {config.file()}.", USAGE)
    return known


@click.command
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which a shell completes words, as: eval "$(kindling completion bash)"."""
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - click has all of SHELLS
    click.echo(made(context.find_root().command, {}, "kindling", "_KINDLING_COMPLETE").source())
