"""What a command over an operation does: call it, follow it when asked to, and show the answer."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from kindling_cli import output, rows
from kindling_cli.commands import Command
from kindling_cli.output import Body, Format, tell
from kindling_client import Kindling, KindlingError, models
from kindling_client.base import Model, wire


def run(kindling: Kindling, command: Command, about: dict[str, Any], values: dict[str, Any], form: Format) -> None:
    """Run a command with the values of its flags. Raises KindlingError, Failed."""
    waits = values.pop("wait", command.operation == "get_operation" and command.follows)
    needed = {field["name"] for field in about["fields"] if field["required"]}
    given = {name: value for name, value in values.items() if value not in (None, ()) or name in needed}
    if command.file:
        given[command.file] = rows.read(given[command.file])
    if about["route"].partition(" ")[2].startswith("/api"):
        given = {name: _resolved(kindling, name, value) for name, value in given.items()}
    operation: Callable[..., Any] = getattr(kindling, command.operation)
    if waits:
        output.show(_followed(kindling, command, about, given), form)
    elif command.view and form is Format.PRETTY:
        from kindling_cli import views

        views.BY_NAME[command.view](kindling, operation(**_arguments(given)))
    elif _is_list(about) and not {"limit", "cursor"} & given.keys():
        output.show(map(wire, kindling.pages(operation, **_arguments(given))), form, command.columns)
    else:
        output.show([wire(operation(**_arguments(given)))], form, command.columns)


def _is_list(about: dict[str, Any]) -> bool:
    return any(field["name"] == "cursor" for field in about["fields"])


def _arguments(values: dict[str, Any]) -> dict[str, Any]:
    """Values by the names that arguments have: `from` is a word of Python's."""
    return {"from_" if name == "from" else name: value for name, value in values.items()}


def _followed(kindling: Kindling, command: Command, about: dict[str, Any], given: dict[str, Any]) -> Iterator[Body]:
    """Make the call, tell the steps of its operation on stderr, and read what it has made."""
    if command.operation == "get_operation":
        operation_id = str(given["operation_id"])
    else:
        answer = getattr(kindling, command.operation)(**given, **({"respond_async": True} if about["waits"] else {}))
        if not isinstance(answer, models.Accepted):
            yield wire(answer)
            return
        operation_id = answer.operation.id
    last = _told(kindling, operation_id)
    if command.made:
        made: Model = getattr(kindling, command.made)(last.subject_id)
        yield wire(made)
    elif command.follows:
        yield from map(wire, kindling.pages(kindling.get_operation, operation_id))
    else:
        yield {"success": True}


def _told(kindling: Kindling, operation_id: str) -> models.ShownOperation:
    """The operation once it has succeeded; each of its steps is told."""
    last = None
    for last in kindling.wait(operation_id):
        progress = last.progress
        done = f" {progress.total - progress.waiting - progress.running} of {progress.total}" if progress else ""
        undoing = "undoing " if last.state == "undoing" else ""
        tell(f"{last.kind} {last.name}: {undoing}{last.current_step or last.state}{done}")
    assert last is not None  # noqa: S101 - the first look is always news
    return last


def _resolved(kindling: Kindling, name: str, value: Any) -> Any:
    """The id of a domain that is given by its name, or of an account that is given by its address."""
    if name == "domain_id" and "." in value:
        return kindling.get_sending_domain(value).id
    if name == "account_id" and "@" in value:
        pages = kindling.pages(kindling.list_accounts)
        accounts = chain.from_iterable(page.accounts for page in pages)
        found = next((one.id for one in accounts if one.email_address == value.lower()), None)
        if found is None:
            raise _no_account(value)
        return found
    return value


def _no_account(address: str) -> KindlingError:
    from kindling_client import NotFound

    return NotFound("not_found", f"You have no account with the address {address}.")
