"""The commands as click has them, made of the table in `commands` when somebody asks for them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import click

from kindling_cli import config, output, session
from kindling_cli.commands import COMMANDS, DEFAULTS, TOPICS, Command

TYPES: dict[str, click.ParamType[Any]] = {"str": click.STRING, "int": click.INT, "float": click.FLOAT}


@cache
def operations() -> dict[str, Any]:
    """The operations of the OpenAPI document and their fields."""
    known: dict[str, Any] = json.loads(files("kindling_cli").joinpath("operations.json").read_text())
    return known


class Json(click.ParamType[Any]):
    """A JSON value, or the file with one as `@file`."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value. A text that is no JSON is refused."""
        if not isinstance(value, str):
            return value
        try:
            if value.startswith("@"):
                with open(value[1:], encoding="utf-8") as file:  # noqa: PTH123 - as it was typed
                    return json.load(file)
            return json.loads(value)
        except (OSError, ValueError) as error:
            self.fail(f"{value!r} is no JSON: {error}", param, ctx)


class Topic(click.Group):
    """The commands that begin with `words`. A topic with a usual command runs it when none is named."""

    def __init__(self, words: tuple[str, ...], **settings: Any) -> None:
        super().__init__(**settings)
        self._words = words
        self._usual = DEFAULTS.get(" ".join(words))
        self.no_args_is_help = self._usual is None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The words that go on from here, in the order of the table."""
        depth = len(self._words)
        lines = [tuple(line.split()) for line in COMMANDS]
        found = [line[depth] for line in lines if line[:depth] == self._words]
        return list(dict.fromkeys([*found, *super().list_commands(ctx)]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The topic or command of a word."""
        line = " ".join((*self._words, cmd_name))
        if line in TOPICS:
            return Topic((*self._words, cmd_name), name=cmd_name, help=TOPICS[line])
        if line in COMMANDS:
            return command(cmd_name, COMMANDS[line])
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add the usual command where flags or nothing follow."""
        asked = set(args) & {"--help", "-h"}
        if self._usual and not asked and not ctx.resilient_parsing and (not args or args[0].startswith("-")):
            args = [self._usual, *args]
        return super().parse_args(ctx, args)


def command(name: str, over: Command) -> click.Command:
    """The command over an operation, with a flag for each of its fields."""
    about = operations()[over.operation]
    # A file is read here, whatever it has.
    fields = [field for field in about["fields"] if not (over.file and field["name"] == "csv")]
    flags: list[click.Parameter] = [_flag(field, over) for field in fields]
    if about["waits"] or (over.follows and over.file):
        flags.append(_switch("wait", "Wait for the operation, and tell its steps on stderr."))
    if about["repeats"]:
        flags.append(click.Option(["--idempotency-key"], help="The first answer is repeated for 24 hours."))
    # The mark keeps the last line as it is.
    help_text = f"{about['summary']}.\n\n{about['description']}\n\n\b\n{about['route']}"

    def run(**values: Any) -> None:
        chosen = session.flags(values)
        form = output.chosen(chosen.pop("format"))
        with session.connected(config.access(**chosen)) as kindling:
            # The client and its models are loaded by what needs them only.
            from kindling_cli import calls

            calls.run(kindling, over, about, values, form)

    return click.Command(
        name,
        params=[*flags, *global_flags()],
        callback=run,
        help=help_text,
        short_help=about["summary"],
        hidden=over.hidden,
    )


def global_flags() -> list[click.Parameter]:
    """The flags of every command."""
    return [
        click.Option(["--format"], type=click.Choice([each.value for each in output.Format]), help="How to print."),
        click.Option(["--api-url"], metavar="URL", help=f"The API; else {config.URL_VARIABLE}, or the profile's."),
        click.Option(["--api-key"], metavar="KEY", help=f"The key; else {config.KEY_VARIABLE}, or the profile's."),
        click.Option(["--profile"], metavar="NAME", help="A profile of the configuration file."),
    ]


def _flag(field: dict[str, Any], over: Command) -> click.Option:
    name, described = field["name"], field.get("description", "")
    shown = "id" if name == over.id else name.replace("_", "-")
    if name == over.file:
        return click.Option(["--file", name], required=True, help="Rows as JSON or CSV; - is stdin.")
    if field["type"] == "bool":
        return _switch(shown, described, argument=name)
    kind = click.Choice(field["values"]) if "values" in field else TYPES.get(field["type"]) or Json()
    names = [f"--{shown}", name]
    said = f"{described} May be repeated.".strip() if field["repeated"] else described
    return click.Option(names, type=kind, required=field["required"], multiple=field["repeated"], help=said)


def _switch(shown: str, described: str, argument: str = "") -> click.Option:
    names = [f"--{shown}/--no-{shown}" if argument else f"--{shown}", argument or shown]
    return click.Option(names, is_flag=True, default=None if argument else False, help=described)
