"""Accounts and domains that were undone or deleted, recorded for 90 days under their address or name.

The address or name may be claimed again. Only this record proves that a resource which a provider shows late belonged
to an account or domain that has ended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kindling.operations.model import ended_key
from kindling.platform import table
from kindling.platform.table import Key


@dataclass(frozen=True)
class Ended:
    """An account or domain that has ended, and its tenant."""

    name: str
    subject_id: str
    user_id: str
    ended_at: str


def _read(item: dict[str, Any]) -> Ended:
    return Ended(str(item["pk"]).removeprefix("ENDED#"), str(item["sk"]), str(item["user_id"]), str(item["ended_at"]))


def find(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Ended]:
    """The existing records for pairs of an address or name and the id of an account or domain, by pair."""
    records = map(_read, table.existing(ended_key(name, subject_id) for name, subject_id in pairs))
    return {(record.name, record.subject_id): record for record in records}


def all_of(name: str) -> list[Ended]:
    """The records of an address or name, the latest first."""
    items = table.pages({"KeyConditionExpression": Key("pk").eq(f"ENDED#{name}"), "ConsistentRead": True})
    return sorted(map(_read, items), key=lambda ended: ended.ended_at, reverse=True)
