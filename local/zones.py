"""The command `kindling zones`: binds DNS zones to tenants."""

import argparse
import uuid
from typing import Any

from local.operators import on_table


def add_to(topics: Any) -> None:
    """Add the command to a parser's subcommands."""
    zones = topics.add_parser("zones", help="the tenants that DNS zones are bound to")
    commands = zones.add_subparsers(required=True, metavar="COMMAND")
    bind = commands.add_parser("bind", help="allow a tenant's domains to have their records written into a zone")
    bind.add_argument("zone", type=_zone, metavar="ZONE", help="a zone of your Cloudflare account, such as example.com")
    bind.add_argument("--user", type=uuid.UUID, required=True, metavar="UUID", help="the tenant")
    bind.set_defaults(run=lambda parsed: on_table(lambda: _bind(parsed.zone, str(parsed.user))))
    unbind = commands.add_parser("unbind", help="remove a binding; refused while domains have records in the zone")
    unbind.add_argument("zone", type=_zone, metavar="ZONE")
    unbind.set_defaults(run=lambda parsed: on_table(lambda: _unbind(parsed.zone)))
    listing = commands.add_parser("list", help="list all bindings, newest first")
    listing.set_defaults(run=lambda _: on_table(_list))


def _bind(zone: str, user_id: str) -> int:
    from kindling.domains import zones

    zones.bind(zone, user_id)
    print(f"{zone} is bound to {user_id}: records of that tenant's domains are written into it.")
    return 0


def _unbind(zone: str) -> int:
    from kindling.domains import zones

    zones.unbind(zone)
    print(f"{zone} is not bound any more.")
    return 0


def _list() -> int:
    from kindling.domains import zones

    for binding in zones.list_bindings():
        domains = f"{len(binding.domains)} domain{'' if len(binding.domains) == 1 else 's'}"
        print(f"{binding.zone:40} {binding.user_id}  by {binding.bound_by:8} {binding.created_at}  {domains}")
    return 0


def _zone(text: str) -> str:
    from kindling.platform.names import normal_form

    try:
        return normal_form(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a zone's name: {error}") from error
