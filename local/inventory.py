"""The command `kindling inventory`: every finding of the inventory, the operator's and all tenants'."""

import os
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.settings import Refused


def add_to(topics: Any) -> None:
    """Add the command to a parser's subcommands."""
    inventory = topics.add_parser(
        "inventory", help="what the providers hold without a row, and rows whose resources are gone"
    )
    inventory.set_defaults(run=lambda _: _list())


def _list() -> int:
    """Read the table TABLE_NAME with the operator's own AWS credentials."""
    from kindling.inventory import findings, store

    if not os.environ.get("TABLE_NAME"):
        raise Refused("Set TABLE_NAME to the stack's output of that name.")
    try:
        found, checked_at = findings.list_everything(), store.checked_at()
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"The table refused the call: {error}") from None
    for finding in found:
        whose = finding.user_id or "operator"
        plan = f"removed from {finding.acts_at}" if finding.acts_at else "only reported"
        print(f"{finding.first_seen_at}  {finding.problem:6}  {finding.kind:14}  {finding.target}  ({whose}, {plan})")
        print(f"    {finding.message}")
    count = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
    print(f"{count}; the last complete round began {checked_at or 'never'}.")
    return 0
