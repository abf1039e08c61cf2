"""Commands of a clone of Kindling: the local cloud, deployments, and what an operator does with AWS credentials."""

import importlib
import importlib.util

import click

from kindling_cli.exits import Failed

TOPICS = {
    "local": "The local cloud, for development.",
    "aws": "Deployments to AWS.",
    "tenants": "Tenants' own accounts at providers, as an operator.",
    "zones": "DNS zones and their tenants, as an operator.",
    "inventory": "What providers hold and no row names, as an operator.",
}
MISSING = "'kindling {}' needs a clone of Kindling: 'make up' there installs .venv/bin/kindling, which has it."


class Elsewhere(click.Command):
    """A topic whose words the clone's own command reads."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            topic,
            callback=lambda words: click.get_current_context().exit(run([topic, *words])),
            params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
            help=TOPICS[topic],
            add_help_option=False,
            context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
        )


def run(arguments: list[str]) -> int:
    """Run a command of the clone's and return its exit code. Raises Failed when there is no clone."""
    if importlib.util.find_spec("local") is None or importlib.util.find_spec("local.cli") is None:
        raise Failed(MISSING.format(arguments[0]))
    code: int = importlib.import_module("local.cli").main(arguments)
    return code
