"""Carrying out cleanups, with retries, until the provider has removed the resource.

How a resource is removed is known to the topic that created it: the caller passes `removals`, one function per kind.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from kindling.cleanups import store
from kindling.cleanups.model import DUE_KIND, STUCK_ATTEMPTS, Cleanup, CleanupKind, back_off
from kindling.errors import ProviderError
from kindling.platform import clock, due
from kindling.platform.observability import logger
from kindling.platform.paging import Page, Paging
from kindling.platform.settings import settings

if TYPE_CHECKING:
    from kindling.keys.model import Caller

# A dispatched attempt that dies is dispatched again after this.
LEASE = timedelta(minutes=5)

Removals = Mapping[CleanupKind, Callable[[Cleanup], None]]


def run(removals: Removals, user_id: str, kind: CleanupKind, subject_id: str) -> None:
    """Carry out one cleanup now. Idempotent: a cleanup that is done is a no-op. Raises ProviderError."""
    cleanup = store.get(user_id, kind, subject_id)
    if cleanup:
        _carry_out(removals, cleanup)


def dispatch() -> int:
    """Queue every cleanup that is due; the number queued."""
    return due.dispatch(DUE_KIND, settings().cleanups_queue_url, LEASE)


def attempt(removals: Removals, key: dict[str, str]) -> None:
    """Carry out a cleanup that is due. When the provider refuses, reschedule it; it is never given up."""
    cleanup = store.read(key)
    if cleanup is None:
        return
    try:
        _carry_out(removals, cleanup)
    except ProviderError as error:
        attempts = cleanup.attempts + 1
        store.reschedule(cleanup, str(error), clock.now() + back_off(attempts))
        log = logger.error if attempts >= STUCK_ATTEMPTS else logger.warning
        log("cleanup put off", kind=cleanup.kind, target=cleanup.target, attempts=attempts, reason=str(error))


def list_cleanups(caller: "Caller", paging: Paging) -> Page[Cleanup]:
    """The tenant's cleanups that are not done, newest first."""
    return store.page_of(caller.user_id, paging)


def _carry_out(removals: Removals, cleanup: Cleanup) -> None:
    removals[cleanup.kind](cleanup)
    store.delete(cleanup)
