"""Carrying out cleanups, with retries, until the provider has removed the resource.

How a resource is removed is known to the topic that created it: the caller passes `removals`, one function per kind.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kindling.cleanups import store
from kindling.cleanups.model import BACK_OFF, DUE_KIND, STUCK_ATTEMPTS, Cleanup, CleanupKind, back_off
from kindling.errors import ProviderError
from kindling.platform import clock, due
from kindling.platform.observability import logger
from kindling.platform.paging import Page, Paging
from kindling.platform.settings import settings
from kindling.platform.tenancy import SHARED
from kindling.providers import credentials

if TYPE_CHECKING:
    from kindling.keys.model import Caller

# A failed attempt that took so long was one at a provider that hangs. Cleanups of its kind then rest, so that those of
# other providers and of other workspaces are not kept waiting.
HUNG_SECONDS = 8.0
REST_SECONDS = 60.0

Removals = Mapping[CleanupKind, Callable[[Cleanup], None]]

# By kind and, for a tenant with workspaces of its own, the tenant.
_resting: dict[tuple[CleanupKind, str], float] = {}


def run(removals: Removals, user_id: str, kind: CleanupKind, subject_id: str) -> None:
    """Carry out one cleanup now. Idempotent: a cleanup that is done is a no-op. Raises ProviderError."""
    cleanup = store.get(user_id, kind, subject_id)
    if cleanup:
        _carry_out(removals, cleanup)


def dispatch() -> int:
    """Queue every cleanup that is due; the number queued."""
    return due.dispatch(DUE_KIND, settings().cleanups_queue_url)


def attempt(removals: Removals, key: dict[str, str]) -> None:
    """Carry out a cleanup that is due. When the provider refuses, reschedule it; it is never given up.

    After one at which the provider hung, those of its kind in the same workspaces are put off for `REST_SECONDS`, which
    is no attempt.
    """
    cleanup = store.read(key)
    if cleanup is None:
        return
    began = clock.monotonic()
    place = (cleanup.kind, cleanup.user_id if credentials.secrets_of(cleanup.user_id) else SHARED)
    if began < _resting.get(place, 0.0):
        due.put_off(key, BACK_OFF)
        return
    try:
        _carry_out(removals, cleanup)
    except ProviderError as error:
        if clock.monotonic() - began >= HUNG_SECONDS:
            _resting[place] = clock.monotonic() + REST_SECONDS
        attempts = cleanup.attempts + 1
        store.reschedule(cleanup, str(error), clock.now() + back_off(attempts))
        log = logger.error if attempts >= STUCK_ATTEMPTS else logger.warning
        log("cleanup put off", kind=cleanup.kind, target=cleanup.target, attempts=attempts, reason=str(error))


def any_left(user_id: str) -> bool:
    """Whether the tenant has a cleanup that is not done, consistently read."""
    return store.any_of(user_id)


def list_cleanups(caller: "Caller", paging: Paging) -> Page[Cleanup]:
    """The tenant's cleanups that are not done, newest first."""
    return store.page_of(caller.user_id, paging)


def _carry_out(removals: Removals, cleanup: Cleanup) -> None:
    removals[cleanup.kind](cleanup)
    store.delete(cleanup)
