"""The command `kindling inventory`: every finding of the inventory, the operator's and all tenants'."""

from typing import Any

from local.operators import on_table


def add_to(topics: Any) -> None:
    """Add the command to a parser's subcommands."""
    inventory = topics.add_parser(
        "inventory", help="what the providers hold without a row, and rows whose resources are gone"
    )
    inventory.set_defaults(run=lambda _: _list())


def _list() -> int:
    """Read the table TABLE_NAME with the operator's own AWS credentials."""
    from kindling.inventory import findings, store

    found, checked_at = on_table(lambda: (findings.list_everything(), store.checked_at()))
    for finding in found:
        whose = finding.user_id or "operator"
        plan = f"removed from {finding.acts_at}" if finding.acts_at else "only reported"
        print(f"{finding.first_seen_at}  {finding.problem:6}  {finding.kind:14}  {finding.target}  ({whose}, {plan})")
        print(f"    {finding.message}")
    count = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
    print(f"{count}; the last complete round began {checked_at or 'never'}.")
    return 0
