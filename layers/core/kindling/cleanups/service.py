"""Carrying cleanups out until nothing is left of them."""

from collections.abc import Callable
from datetime import timedelta

from kindling import providers
from kindling.accounts import store as accounts
from kindling.accounts import warmup
from kindling.accounts.model import mark
from kindling.cleanups import store
from kindling.cleanups.model import STUCK_ATTEMPTS, Cleanup, CleanupKind, back_off
from kindling.domains import removal
from kindling.errors import ProviderError
from kindling.keys.model import Caller
from kindling.platform import clock, due
from kindling.platform.observability import logger
from kindling.platform.settings import settings

LEASE = timedelta(minutes=5)


def run(user_id: str, kind: CleanupKind, subject_id: str) -> None:
    """Carry out one cleanup now; one that is done already is nothing to do. Raises ProviderError."""
    cleanup = store.get(user_id, kind, subject_id)
    if cleanup:
        _REMOVALS[cleanup.kind](cleanup)
        store.done(cleanup)


def dispatch() -> int:
    """Queue every cleanup that is due; the number queued."""
    return due.dispatch(store.DUE_KIND, settings().cleanups_queue_url, LEASE)


def attempt(key: dict[str, str]) -> None:
    """Carry out a cleanup that fell due, or put it off with the reason; it is never given up."""
    cleanup = store.read(key)
    if cleanup is None:
        return
    try:
        run(cleanup.user_id, cleanup.kind, cleanup.subject_id)
    except ProviderError as error:
        attempts = cleanup.attempts + 1
        store.put_off(cleanup, str(error), clock.now() + back_off(attempts))
        log = logger.error if attempts >= STUCK_ATTEMPTS else logger.warning
        log("cleanup put off", kind=cleanup.kind, target=cleanup.target, attempts=attempts, reason=str(error))


def list_cleanups(caller: Caller) -> list[Cleanup]:
    """What still has to be removed for the tenant, newest first."""
    return store.list_of(caller.user_id)


def _remove_warmup_account(cleanup: Cleanup) -> None:
    warmup.disable(cleanup.target)
    warmup.unregister(cleanup.target)
    warmup.remove_tags(cleanup.target, cleanup.user_id)
    # Where no inbox ever had the address, it was only kept from others until now.
    accounts.release(cleanup.target, cleanup.subject_id)


def _remove_inbox(cleanup: Cleanup) -> None:
    mail = providers.mail()
    inbox = mail.get_inbox(cleanup.target)
    # Only the inbox that this account had: its address is burnt, so another can only be somebody else's work.
    if inbox and inbox.client_id == mark(cleanup.subject_id):
        mail.delete_inbox(cleanup.target)


def _remove_dns_records(cleanup: Cleanup) -> None:
    removal.unpublish(cleanup.target, cleanup.user_id, cleanup.subject_id)


def _remove_mail_domain(cleanup: Cleanup) -> None:
    removal.deregister(cleanup.target, cleanup.user_id, cleanup.subject_id)


_REMOVALS: dict[CleanupKind, Callable[[Cleanup], None]] = {
    CleanupKind.WARMUP_ACCOUNT: _remove_warmup_account,
    CleanupKind.INBOX: _remove_inbox,
    CleanupKind.DNS_RECORDS: _remove_dns_records,
    CleanupKind.MAIL_DOMAIN: _remove_mail_domain,
}
