"""Use cases of suppressions: create, list, check, delete."""

from typing import Any

from kindling.errors import NotFound
from kindling.keys.model import Caller
from kindling.platform.addresses import address
from kindling.platform.paging import Page
from kindling.suppressions import store
from kindling.suppressions.model import CreateSuppression, ListSuppressions, Source, Suppression, suppression


def create(caller: Caller, command: CreateSuppression) -> Suppression:
    """Suppress an address. An existing entry keeps its reason. Raises LiveKeyRequired."""
    caller.require_live()
    entry = suppression(caller.user_id, command.email, command.reason, Source.API)
    store.put(entry)
    return store.get(caller.user_id, command.email) or entry


def list_suppressions(caller: Caller, query: ListSuppressions) -> tuple[Page[Suppression], int | None]:
    """A page of the tenant's entries that match the query, newest first, and how many match in all.

    With a cursor they are not counted, because that reads all of them.
    """
    total = None if query.cursor else store.count(caller.user_id, query)
    return store.page_of(caller.user_id, query), total


def page_of(caller: Caller, query: ListSuppressions) -> Page[Suppression]:
    """A page of the tenant's entries that match the query, newest first, without counting them."""
    return store.page_of(caller.user_id, query)


def check(caller: Caller, email: str) -> dict[str, Any]:
    """Whether an address is suppressed, and its entry."""
    entry = store.get(caller.user_id, email)
    return {"suppressed": entry is not None, "entry": entry.wire() if entry else None}


def delete(caller: Caller, email: str) -> None:
    """Allow an address again. Raises NotFound, LiveKeyRequired."""
    caller.require_live()
    try:
        known = store.delete(caller.user_id, address(email))
    except ValueError:
        known = False
    if not known:
        raise NotFound("There is no such suppression.")
