"""The command `kindling inventory`: lists the findings of the inventory of all tenants and of the operator."""

from typing import Any

from local.operators import on_table


def add_to(topics: Any) -> None:
    """Add the command to a parser's subcommands."""
    inventory = topics.add_parser(
        "inventory", help="list provider resources without a row, and rows whose resources are missing"
    )
    inventory.set_defaults(run=lambda _: _list())


def _list() -> int:
    from kindling.inventory import findings, store

    rows, checked_at = on_table(lambda: (findings.list_everything(), store.checked_at()))
    for row in rows:
        owner = row.user_id or "operator"
        plan = f"removed from {row.acts_at}" if row.acts_at else "only reported"
        print(f"{row.first_seen_at}  {row.problem:6}  {row.kind:14}  {row.target}  ({owner}, {plan})")
        print(f"    {row.message}")
    count = f"{len(rows)} finding{'' if len(rows) == 1 else 's'}"
    print(f"{count}; the last complete round began {checked_at or 'never'}.")
    return 0
