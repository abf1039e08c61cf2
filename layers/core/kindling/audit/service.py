"""Use cases of the audit log: begin an entry before an effect, complete it after, list."""

from typing import Any

from kindling.audit import store
from kindling.audit.model import Answered, Entry, ListEntries, known_ids
from kindling.errors import StoreUnavailable
from kindling.keys.model import Caller
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.platform.paging import Page


def begin(caller: Caller, method: str, route: str, ids: dict[str, str]) -> Entry:
    """Write down that a request is about to be carried out. Raises StoreUnavailable: then it must not be."""
    entry = Entry(
        id=caller.request_id,
        user_id=caller.user_id,
        created_at=clock.timestamp(),
        key_id=caller.key_id,
        key_name=caller.name,
        live=caller.live,
        method=method,
        route=route,
        ids=known_ids(ids),
    )
    store.put(entry)
    return entry


def complete(entry: Entry, status: int, body: dict[str, Any], *, replayed: bool) -> None:
    """Write down what was answered. When that fails the outcome stays unknown, and the answer is given nevertheless."""
    try:
        store.answer(entry, Answered.of(status, body, replayed=replayed))
    except StoreUnavailable as error:
        logger.warning("audit entry not completed", reason=str(error))


def list_entries(caller: Caller, query: ListEntries) -> Page[Entry]:
    """A page of the tenant's entries, newest first."""
    return store.page_of(caller.user_id, query)
