"""The retry of a warmup that did not start. One retry per account runs at a time, by a lease on its row."""

from datetime import timedelta

from kindling.accounts import commits, store, warmup
from kindling.accounts.lookup import joined, load
from kindling.accounts.model import PENDING, Account, JoinedAccount
from kindling.errors import (
    NotFound,
    StaleStatus,
    StatusNotSaved,
    StoreUnavailable,
    WarmupNotRetryable,
    WarmupRetryRunning,
)
from kindling.keys.model import Caller
from kindling.platform import clock
from kindling.platform.observability import logger

# Longer than the function's timeout, so that the lease of a retry that dies expires.
LEASE = timedelta(seconds=35)
# How long another job at the provider, and then this one, is waited for.
CONFIRM_SECONDS = 12.0
NOT_SAVED = "Warmup was enabled but failed to update account status"


def retry_warmup(caller: Caller, account_id: str) -> JoinedAccount:
    """Enable a warmup that did not start, restore the account's tags, and move the row to warming by compare-and-swap.

    Raises NotFound; LiveKeyRequired; WarmupNotRetryable unless the account is pending/not_started; WarmupRetryRunning
    while another retry runs; ProviderError when the provider refuses, with the row unchanged; StatusNotSaved when the
    provider accepted and the row could not be written.
    """
    account = load(caller, account_id)
    caller.require_live()
    _require_pending(account)
    now = clock.now()
    until = clock.timestamp(now + LEASE)
    if not store.start_retry(account, clock.timestamp(now), until):
        _require_pending(load(caller, account_id))
        raise WarmupRetryRunning("Another retry of this account's warmup is running.")
    ends_at = clock.monotonic() + CONFIRM_SECONDS
    try:
        warmup.register(account.email_address, account.first_name, account.last_name)
        warmup.enable(account.email_address, within_seconds=ends_at - clock.monotonic())
        warmup.confirm(account.email_address, within_seconds=ends_at - clock.monotonic())
        account = _save_warming(account, warmup.try_tags(account))
    except NotFound:
        # The account was deleted during the retry: the warmup that was enabled has to be removed.
        commits.schedule_warmup_removal(account)
        raise
    except Exception:
        _give_back(account, until)
        raise
    return joined(caller, account)


def _save_warming(account: Account, tags: dict[str, str]) -> Account:
    try:
        return store.warm(account, tags)
    except StaleStatus as error:
        raise WarmupNotRetryable("The account changed meanwhile; read it again.") from error
    except StoreUnavailable as error:
        raise StatusNotSaved(NOT_SAVED) from error


def _give_back(account: Account, until: str) -> None:
    try:
        store.end_retry(account, until)
    except StoreUnavailable:
        # The lease expires; the caller gets the error that came first.
        logger.warning("retry lease not given back", account_id=account.id)


def _require_pending(account: Account) -> None:
    if account.state != PENDING:
        state = f"{account.status}/{account.warmup_status}"
        raise WarmupNotRetryable(
            f"Warmup can be retried only from pending/not_started; this account is {state}.",
            status=account.status,
            warmup_status=account.warmup_status,
        )
