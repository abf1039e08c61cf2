"""The entry point of `kindling`."""

import sys
from collections.abc import Sequence

import click

from kindling_cli import agents, elsewhere, profiles
from kindling_cli.exits import INTERRUPTED, Failed
from kindling_cli.topics import Topic, global_flags


def root() -> click.Group:
    """The command with all its topics."""
    group = Topic(
        (),
        name="kindling",
        help="Kindling, a control plane for email senders.",
        params=global_flags(),
        epilog="Exit codes, formats and configuration: docs/cli.md",
    )
    group = click.version_option(package_name="kindling-client", prog_name="kindling", message="%(prog)s %(version)s")(
        group
    )
    for each in (
        profiles.login,
        profiles.profile,
        profiles.completion,
        agents.mcp,
        *map(elsewhere.Elsewhere, elsewhere.TOPICS),
    ):
        group.add_command(each)
    return group


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # An operator makes the first key of a tenant in the table itself.
    of_operator = words[:2] == ["keys", "create"] and any(word.partition("=")[0] == "--user" for word in words)
    try:
        if of_operator:
            return elsewhere.run(words)
        return root().main(words, prog_name="kindling", standalone_mode=False) or 0
    except Failed as failed:
        failed.show()
        return failed.code
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
