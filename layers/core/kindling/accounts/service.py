"""Use cases of accounts: create, read, update, delete, and the retry of a warmup that did not start."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

from kindling import providers
from kindling.accounts import claims, store, warmup
from kindling.accounts.model import (
    PENDING,
    WARMING,
    Account,
    CreateAccount,
    DomainOfAccount,
    JoinedAccount,
    UpdateAccount,
)
from kindling.domains import service as domains
from kindling.domains.model import Domain, DomainStatus
from kindling.errors import (
    DomainNotVerified,
    NotFound,
    StaleStatus,
    StatusNotSaved,
    StoreUnavailable,
    WarmupNotRetryable,
    WarmupRetryRunning,
)
from kindling.keys.model import Caller
from kindling.operations import service as operations
from kindling.operations.model import Operation
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.platform.settings import settings

# Longer than the function's timeout: a retry that dies gives its lease back.
RETRY_LEASE = timedelta(seconds=35)
RETRY_CONFIRM_SECONDS = 12.0
DEPROVISION = "deprovision_account"
ABSENT = "There is no such account."
# The providers ignore an empty text, so a cleared field is sent as a blank.
BLANK = " "
NOT_SAVED = "Warmup was enabled but failed to update account status"


def create(caller: Caller, command: CreateAccount, *, wait_seconds: float) -> JoinedAccount | Operation:
    """Start provisioning; the account when it is ready in time, otherwise the running operation.

    Raises NotFound and DomainNotVerified for the domain, AddressTaken, AddressBurnt, LiveKeyRequired, or the
    error that made the saga fail.
    """
    caller.require_live()
    domain = domains.get(caller, command.domain_id)
    if domain.status != DomainStatus.VERIFIED:
        raise DomainNotVerified(f"{domain.domain} is {domain.status}: an account needs a verified domain.")
    claims.refuse_taken(f"{command.username}@{domain.domain}")
    account_id = str(uuid.uuid4())
    operation = operations.start(
        settings().provision_account_arn,
        kind="provision_account",
        user_id=caller.user_id,
        subject_id=account_id,
        name=f"{command.username}@{domain.domain}",
        request=_request(account_id, domain.domain, command),
    )
    operation = operations.wait(operation, wait_seconds)
    operations.raise_failure(operation)
    return get(caller, account_id) if operation.finished else operation


def get(caller: Caller, account_id: str) -> JoinedAccount:
    """The tenant's account. Raises NotFound, with the same message for another tenant's account."""
    return _joined(caller, _load(caller, account_id))


def list_accounts(caller: Caller) -> list[JoinedAccount]:
    """The tenant's accounts, newest first, each with its domain."""
    accounts = store.list_of(caller.user_id)
    rows = domains.list_domains(caller, skip_sync=True) if accounts else []
    by_id = {row.id: row for row in rows}
    return [_with(account, by_id.get(account.domain_id)) for account in accounts]


def update(caller: Caller, account_id: str, command: UpdateAccount) -> JoinedAccount:
    """Change the signature, the names or whether warmup is enabled, at the providers first.

    Raises NotFound, and ProviderError with the row untouched.
    """
    account = _load(caller, account_id)
    caller.require_live()
    sent = command.model_fields_set
    at_warmup: dict[str, str] = {name: getattr(command, name) or BLANK for name in sent & {"first_name", "last_name"}}
    if "signature" in sent:
        at_warmup["signature"] = (command.signature or BLANK).replace("\r\n", "\n").replace("\n", "<br>")
    if at_warmup:
        providers.warmup().update_account(account.email_address, at_warmup)
    if "display_name" in sent:
        providers.mail().rename_inbox(account.email_address, command.display_name or BLANK)
    if command.warmup_enabled is not None:
        _switch_warmup(account.email_address, on=command.warmup_enabled)
    return _joined(caller, store.update(account, command.changes))


def delete(caller: Caller, account_id: str, *, wait_seconds: float) -> Operation | None:
    """Delete the account; its address is burnt. None once its row is gone. Idempotent.

    What a provider does not remove in time is left to cleanups. Raises NotFound, LiveKeyRequired, and RowNotDeleted
    when the row still exists after `wait_seconds`.
    """
    caller.require_live()
    account = store.get(caller.user_id, account_id)
    operation = start_deletion(account) if account else operations.previous(caller.user_id, account_id, DEPROVISION)
    if operation is None:
        raise NotFound(ABSENT)
    return operations.wait_until_gone(operation, wait_seconds, lambda: store.get(caller.user_id, account_id) is None)


def start_deletion(account: Account) -> Operation:
    """Start the account's deprovisioning, or join the one that runs."""
    return operations.start(
        settings().deprovision_account_arn,
        kind=DEPROVISION,
        user_id=account.user_id,
        subject_id=account.id,
        name=account.email_address,
        request={"account_id": account.id, "address": account.email_address},
        operation_id=operations.about(account.id, DEPROVISION),
    )


def all_accounts() -> Iterator[Account]:
    """Every account of all tenants, consistently read."""
    for user_id in store.tenants():
        yield from store.all_of(user_id)


def has_accounts(user_id: str) -> bool:
    """Whether the tenant has any account, consistently read."""
    return bool(store.all_of(user_id))


def retry_warmup(caller: Caller, account_id: str) -> JoinedAccount:
    """Enable a warmup that did not start, and move the row to warming by compare-and-swap.

    Raises NotFound; LiveKeyRequired; WarmupNotRetryable unless the account is pending/not_started; WarmupRetryRunning
    while another retry runs; ProviderError when the provider refuses, with the row unchanged; StatusNotSaved when the
    provider accepted and the row could not be written.
    """
    account = _load(caller, account_id)
    caller.require_live()
    _require_pending(account)
    now = clock.now()
    until = clock.timestamp(now + RETRY_LEASE)
    if not store.start_retry(account, clock.timestamp(now), until):
        _require_pending(_load(caller, account_id))
        raise WarmupRetryRunning("Another retry of this account's warmup is running.")
    try:
        warmup.register(account.email_address, account.first_name, account.last_name)
        warmup.enable(account.email_address)
        warmup.confirm(account.email_address, within_seconds=RETRY_CONFIRM_SECONDS)
        account = _save_warming(account)
    except NotFound:
        # The account was deleted during the retry: the warmup that was enabled has to be removed.
        store.schedule_warmup_removal(account)
        raise
    except Exception:
        _give_back(account, until)
        raise
    return _joined(caller, account)


def _request(account_id: str, domain: str, command: CreateAccount) -> dict[str, str]:
    """The saga's input; without the names that were not given."""
    names = {
        "display_name": command.shown_name,
        "first_name": command.first_name,
        "last_name": command.last_name,
    }
    ids = {
        "account_id": account_id,
        "domain_id": command.domain_id,
        "domain": domain,
        "username": command.username,
    }
    return ids | {name: value for name, value in names.items() if value}


def _switch_warmup(address: str, *, on: bool) -> None:
    # Not skipped when the provider shows the wanted state already: a job that changes it may be queued there.
    if on:
        providers.warmup().enable_warmup(address)
    else:
        providers.warmup().disable_warmup(address)


def _save_warming(account: Account) -> Account:
    try:
        return store.move(account, WARMING)
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


def _load(caller: Caller, account_id: str) -> Account:
    account = store.get(caller.user_id, account_id)
    if account is None:
        raise NotFound(ABSENT)
    return account


def _joined(caller: Caller, account: Account) -> JoinedAccount:
    try:
        return _with(account, domains.get(caller, account.domain_id))
    except NotFound:
        return _with(account, None)


def _with(account: Account, domain: Domain | None) -> JoinedAccount:
    joined = domain and DomainOfAccount(id=domain.id, domain=domain.domain, status=domain.status)
    return JoinedAccount(**account.model_dump(), email_domains=joined)
