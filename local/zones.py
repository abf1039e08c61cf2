"""The command `kindling zones`: which tenant a DNS zone is bound to, said by the operator."""

import argparse
import os
import re
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.settings import Refused

ZONE = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def add_to(topics: Any) -> None:
    """Add the command and its parts to a parser's subcommands."""
    zones = topics.add_parser("zones", help="which tenant a DNS zone is bound to")
    commands = zones.add_subparsers(required=True, metavar="COMMAND")
    bind = commands.add_parser("bind", help="let a tenant's domains have their records written into a zone")
    bind.add_argument("zone", type=_zone, metavar="ZONE", help="a zone of your Cloudflare account, such as example.com")
    bind.add_argument("--user", type=uuid.UUID, required=True, metavar="UUID", help="the tenant")
    bind.set_defaults(run=lambda parsed: _with_table(lambda: _bind(parsed.zone, str(parsed.user))))
    unbind = commands.add_parser("unbind", help="take a zone back; refused while records of ours stand in it")
    unbind.add_argument("zone", type=_zone, metavar="ZONE")
    unbind.set_defaults(run=lambda parsed: _with_table(lambda: _unbind(parsed.zone)))
    listing = commands.add_parser("list", help="every zone that is bound, newest first")
    listing.set_defaults(run=lambda _: _with_table(_list))


def _with_table(act: Callable[[], None]) -> int:
    """Work on the table TABLE_NAME with the operator's own AWS credentials."""
    from kindling.errors import Conflict

    if not os.environ.get("TABLE_NAME"):
        raise Refused("Set TABLE_NAME to the stack's output of that name.")
    try:
        act()
    except Conflict as conflict:
        raise Refused(str(conflict)) from None
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"The table refused the call: {error}") from None
    return 0


def _bind(zone: str, user_id: str) -> None:
    from kindling.domains import zones

    zones.bind(zone, user_id)
    print(f"{zone} is bound to {user_id}: records of that tenant's domains are written into it.")


def _unbind(zone: str) -> None:
    from kindling.domains import zones

    zones.unbind(zone)
    print(f"{zone} is bound to nobody.")


def _list() -> None:
    from kindling.domains import zones

    for binding in zones.list_bindings():
        domains = f"{len(binding.domains)} domain{'' if len(binding.domains) == 1 else 's'}"
        print(f"{binding.zone:40} {binding.user_id}  by {binding.bound_by:8} {binding.created_at}  {domains}")


def _zone(text: str) -> str:
    name = text.strip().lower().removesuffix(".")
    if not ZONE.fullmatch(name):
        raise argparse.ArgumentTypeError(f"'{text}' is not the name of a zone such as example.com")
    return name
