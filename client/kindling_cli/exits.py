"""Exit codes; `docs/cli.md` has the table."""

import sys
from typing import Any

import click

OTHER, USAGE, AUTH, NOT_FOUND, REFUSED, RATE_LIMITED, SERVER, NETWORK, FAILED, RUNNING = range(1, 11)
INTERRUPTED = 130


class Failed(click.ClickException):
    """A command that failed with `code`, and a sentence for stderr."""

    def __init__(self, message: str, code: int = OTHER, details: list[str] | None = None) -> None:
        super().__init__(message)
        self.code, self.details = code, details or []

    def show(self, file: Any = None) -> None:
        """Print the sentence and what belongs to it."""
        for line in (f"kindling: {self.message}", *(f"  {detail}" for detail in self.details)):
            click.echo(line, file=file or sys.stderr)
