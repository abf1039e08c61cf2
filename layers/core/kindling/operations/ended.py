"""Accounts and domains that have ended, undone or deleted, remembered for a while under their address or name.

An address may be claimed anew from then on, and a name at once: nothing else tells that a provider's resource which
turns up late was theirs, and that nobody needs it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kindling.platform import clock, table
from kindling.platform.table import Key

KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Ended:
    """An account or domain that has ended, and whose it was."""

    name: str
    subject_id: str
    user_id: str
    ended_at: str


def note(name: str, subject_id: str, user_id: str) -> dict[str, Any]:
    """The part of a transaction that remembers the end of the account or domain `subject_id` called `name`."""
    now = clock.now()
    item = {"user_id": user_id, "ended_at": clock.timestamp(now), "expires_at": int((now + KEPT).timestamp())}
    return {"Put": {"Item": {**at(name, subject_id), **item}}}


def at(name: str, subject_id: str) -> dict[str, str]:
    return {"pk": f"ENDED#{name}", "sk": subject_id}


def read(item: dict[str, Any]) -> Ended:
    return Ended(str(item["pk"]).removeprefix("ENDED#"), str(item["sk"]), str(item["user_id"]), str(item["ended_at"]))


def known(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Ended]:
    """Those of the pairs of a name and a subject's id that have ended."""
    found = map(read, table.standing(at(name, subject_id) for name, subject_id in pairs))
    return {(ended.name, ended.subject_id): ended for ended in found}


def all_of(name: str) -> list[Ended]:
    """All that had the address or name and have ended, the last one first."""
    items = table.pages({"KeyConditionExpression": Key("pk").eq(f"ENDED#{name}"), "ConsistentRead": True})
    return sorted(map(read, items), key=lambda ended: ended.ended_at, reverse=True)
