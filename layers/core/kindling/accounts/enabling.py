"""Enabling the warmup of many accounts together.

Instantly runs one warmup job at a time for a whole workspace, and a job takes up to 100 addresses. A saga therefore
queues its address, and a worker enables what has gathered in one job for each workspace. Instantly's own lock orders
the workers: a second one waits until the first job has ended, as everybody else does who changes a warmup there.

The queue only makes it quick. An account that is saved without its warmup is due after a minute, and due again with
growing pauses, until it is warming or its owner must act.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice

from kindling import providers
from kindling.accounts import claims, commits, store, warmup
from kindling.accounts.claims import ClaimStatus
from kindling.accounts.model import (
    FORGOTTEN,
    PENDING,
    WARMUP_KIND,
    Account,
    account_key,
    parse_account_key,
    retry_pause,
)
from kindling.errors import (
    NotFound,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    StaleStatus,
    WarmupBusy,
    WarmupUnconfirmed,
)
from kindling.platform import clock, due, tenancy
from kindling.platform.due import Item
from kindling.platform.observability import WARMUPS_PENDING, logger
from kindling.platform.settings import settings
from kindling.providers import credentials
from kindling.providers.model import WarmupAccount

# How long a worker waits for its turn and then for its job, and the time that it keeps for settling the accounts.
JOB_SECONDS = 240.0
SETTLE_SECONDS = 45.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
RESUMED_WITHIN = timedelta(hours=1)
MOST_COUNTED = 10_000
SWITCHED_OFF = "The warmup is switched off (warmup_enabled)."

# Why an address is not enabled; addresses without an entry were in a job that ended.
Problems = dict[str, ProviderError]


def hand_over(user_id: str, account_id: str, address: str) -> None:
    """Queue the warmup of an account that is being made. Raises StoreUnavailable."""
    due.send(settings().warmups_queue_url, [{**account_key(user_id, account_id), "address": address}])


def dispatch() -> int:
    """Queue the warmup of every account that is due; the number queued.

    Measures how many wait for theirs, up to `MOST_COUNTED`, so that a backlog does not make every tick dearer.
    """
    queued = due.dispatch(WARMUP_KIND, settings().warmups_queue_url)
    WARMUPS_PENDING.add(sum(1 for _ in islice(due.every(WARMUP_KIND), MOST_COUNTED)))
    return queued


def resume(account: Account) -> bool:
    """Schedule the warmup of an account that version 0 left pending; whether it was one.

    The accounts of one tenant are spread over an hour, as Instantly runs one job at a time.
    """
    if account.warmup_reason != FORGOTTEN:
        return False
    return store.schedule_forgotten(account, clock.now() + due.spread(account.id, RESUMED_WITHIN))


def enable_together(messages: Iterable[Item]) -> None:
    """Enable the warmups of up to 100 accounts, given as messages of `hand_over` or `dispatch`. Idempotent.

    Accounts with a row are moved to warming, or put off. Those that are being made are left to their sagas, which see
    at the provider that the warmup is on, and in the address's claim why it was refused. Raises StoreUnavailable.

    Each workspace has an even share of the time that is left, so that one that hangs takes nothing from the others.
    """
    by_workspace: defaultdict[str, list[Item]] = defaultdict(list)
    for message in messages:
        by_workspace[credentials.workspace(credentials.INSTANTLY, tenancy.of(message))].append(message)
    for done, (owner, group) in enumerate(by_workspace.items()):
        share = clock.left(math.inf) / (len(by_workspace) - done)
        with clock.within(share), tenancy.working_for(owner):
            _enable(group)


def _enable(messages: list[Item]) -> None:
    """Enable the warmups of accounts of one workspace."""
    by_id = {parse_account_key(message): message for message in messages}
    saved = store.existing(by_id)
    making = _still_made([message for ids, message in by_id.items() if ids not in saved])
    waiting = [ready for account in saved.values() if account.state == PENDING and (ready := _begin(account))]
    problems = _run_jobs([*making, *(account.email_address for account in waiting)])
    for address, account_id in making.items():
        if isinstance(problem := problems.get(address), ProviderRefused):
            claims.note_refusal(address, account_id, str(problem))
    for account in waiting:
        _settle(account, problems.get(account.email_address))
    logger.info("warmups enabled", made=len(making), saved=len(waiting), failed=len(problems))


def _still_made(messages: list[Item]) -> dict[str, str]:
    """The addresses of accounts whose sagas still run, as their claims tell, with the accounts' ids."""
    accounts = {message["address"]: parse_account_key(message)[1] for message in messages if "address" in message}
    held = claims.by_address(accounts)
    return {
        address: claim.account_id
        for address, claim in held.items()
        if claim.account_id == accounts[address] and claim.status != ClaimStatus.BURNT
    }


def _begin(account: Account) -> Account | None:
    """The account if it has to be in a job, registered anew where it is gone. Any other is settled."""
    if not account.warmup_enabled:
        _put_off(account, SWITCHED_OFF)
        return None
    try:
        # Those who share a workspace here may have their own AgentMail, which makes the login to the inbox.
        with tenancy.working_for(account.user_id):
            live = warmup.register(account.email_address, account.first_name, account.last_name)
    except ProviderError as error:
        _fail(account, error)
        return None
    if live is None:
        return account.model_copy(update=warmup.try_tags(account))
    if live.warmup_status == warmup.PAUSED:
        return account
    _settle_by(account, live, None)
    return None


def _run_jobs(addresses: list[str]) -> Problems:
    """Run a job for the addresses and wait for its end. One that is refused is divided, to find what is wrong."""
    if not addresses:
        return {}
    left = clock.left(math.inf)
    ends_at = clock.monotonic() + min(JOB_SECONDS, max(left - SETTLE_SECONDS, left / 2))
    try:
        _wait_for_job(_start_job(addresses, ends_at), ends_at)
    except ProviderRefused as error:
        if len(addresses) == 1:
            return {addresses[0]: error}
        half = len(addresses) // 2
        return _run_jobs(addresses[:half]) | _run_jobs(addresses[half:])
    except ProviderError as error:
        return dict.fromkeys(addresses, error)
    return {}


def _start_job(addresses: list[str], ends_at: float) -> str:
    """The id of a job that was started as soon as the provider was neither busy nor away. Raises ProviderError."""
    problem = ProviderUnavailable("Instantly was not asked.")
    for _ in _turns(ends_at):
        try:
            return providers.warmup().enable_warmups(addresses)
        except ProviderUnavailable as error:
            problem = error
    raise problem


def _wait_for_job(job_id: str, ends_at: float) -> None:
    """Raises WarmupBusy when the job has not ended in time."""
    if not any(_has_ended(job_id) for _ in _turns(ends_at)):
        raise WarmupBusy("Instantly's job that enables the warmup still runs.")


def _turns(ends_at: float) -> Iterator[None]:
    """One turn now, and others after growing pauses until the time is over."""
    pause = FIRST_PAUSE_SECONDS
    yield
    while clock.monotonic() + pause <= ends_at:
        clock.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        yield


def _has_ended(job_id: str) -> bool:
    try:
        return providers.warmup().job_ended(job_id)
    except ProviderUnavailable:
        return False


def _settle(account: Account, problem: ProviderError | None) -> None:
    """Move the account to warming if the provider shows it, otherwise put it off."""
    try:
        live = providers.warmup().get_account(account.email_address)
    except ProviderError as error:
        _fail(account, problem or error)
        return
    _settle_by(account, live, problem)


def _settle_by(account: Account, live: WarmupAccount | None, problem: ProviderError | None) -> None:
    if live and live.warmup_status == warmup.ACTIVE:
        _save(account, lambda: store.warm(account, account.tags))
    elif live and live.warmup_status < warmup.PAUSED:
        _fail(account, ProviderRefused("Instantly has banned or suspended the account."))
    else:
        _fail(account, problem or WarmupUnconfirmed("Instantly's job ended, and the account is not warming."))


def _fail(account: Account, error: ProviderError) -> None:
    """Record why the warmup does not run, and when it is tried again: not after a refusal, which its owner mends."""
    logger.warning("warmup not enabled", account_id=account.id, reason=str(error))
    if isinstance(error, ProviderRefused):
        _save(account, lambda: store.give_up(account, str(error)))
    else:
        # A workspace that is busy says nothing about the account.
        _put_off(account, str(error), failed=not isinstance(error, WarmupBusy))


def _put_off(account: Account, reason: str, *, failed: bool = True) -> None:
    attempts = account.warmup_attempts + failed
    until = clock.now() + retry_pause(attempts)
    _save(account, lambda: store.put_off(account, reason, attempts, until))


def _save(account: Account, write: Callable[[], object]) -> None:
    """Do `write`, unless somebody else settled the account meanwhile."""
    try:
        write()
    except NotFound:
        # The account was deleted meanwhile: a warmup that was registered anew has to be removed.
        commits.schedule_warmup_removal(account)
    except StaleStatus:
        logger.info("account settled by somebody else", account_id=account.id)
