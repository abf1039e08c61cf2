"""The command `kindling tenants credentials`: gives tenants workspaces of their own at the providers."""

import argparse
import os
import sys
import uuid
from getpass import getpass
from typing import Any

from kindling.providers import credentials
from local.operators import on_table
from local.settings import Refused


def add_to(topics: Any) -> None:
    """Add the command to a parser's subcommands."""
    tenants = topics.add_parser("tenants", help="tenants").add_subparsers(required=True, metavar="TOPIC")
    own = tenants.add_parser("credentials", help="a tenant's own keys to the providers")
    commands = own.add_subparsers(required=True, metavar="COMMAND")
    setting = commands.add_parser("set", help="store a key, read from standard input; rotates the one that is there")
    _add_names(setting)
    setting.set_defaults(run=lambda parsed: on_table(lambda: _set(str(parsed.user), parsed.kind)))
    showing = commands.add_parser("show", help="show which keys are the tenant's own")
    showing.add_argument("user", type=uuid.UUID, metavar="USER_ID")
    showing.set_defaults(run=lambda parsed: on_table(lambda: _show(str(parsed.user))))
    removing = commands.add_parser("remove", help="delete a key; the tenant then uses the shared one")
    _add_names(removing)
    removing.set_defaults(run=lambda parsed: on_table(lambda: _remove(str(parsed.user), parsed.kind)))


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user", type=uuid.UUID, metavar="USER_ID")
    parser.add_argument("kind", choices=credentials.KINDS, metavar="KEY", help=", ".join(credentials.KINDS))


def _set(user_id: str, kind: str) -> int:
    from kindling.accounts import workspaces
    from kindling.platform import aws

    name = _secret_name(user_id, kind)
    workspaces.require_changeable(user_id, kind, own=True)
    arn = aws.keep_secret(name, _read_value())
    workspaces.record(user_id, kind, arn)
    print(f"{name} is stored. A new workspace is used after {credentials.CACHE_SECONDS:.0f} s: until then the tenant")
    print(f"must create nothing. A rotated key is used after {aws.SECRET_SECONDS} s at the latest.")
    return 0


def _show(user_id: str) -> int:
    for kind, arn in credentials.secrets_of(user_id).items():
        print(f"{kind:18} {arn}")
    return 0


def _remove(user_id: str, kind: str) -> int:
    from kindling.accounts import workspaces
    from kindling.platform import aws

    name = _secret_name(user_id, kind)
    workspaces.forget(user_id, kind)
    aws.drop_secret(name)
    print(f"{name} is deleted. For {credentials.CACHE_SECONDS:.0f} s the tenant must create nothing.")
    return 0


def _secret_name(user_id: str, kind: str) -> str:
    """The name under which the functions of the stack may read the secret. Raises Refused."""
    stack = os.environ.get("STACK_NAME")
    if not stack:
        raise Refused("Set STACK_NAME to the name of the stack.")
    return f"{stack}/tenants/{user_id}/{kind}"


def _read_value() -> str:
    """The key on standard input. Raises Refused."""
    value = (getpass("Key: ") if sys.stdin.isatty() else sys.stdin.read()).strip()
    if not (value and value.isascii() and value.isprintable()):
        raise Refused("Standard input has no key.")
    return value
