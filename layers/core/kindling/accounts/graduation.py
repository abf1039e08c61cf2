"""The warmup figures of accounts, and the status changes that follow from them: graduation and bans."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kindling import providers
from kindling.accounts import store
from kindling.accounts.model import Account, WarmupStatus
from kindling.accounts.policy import next_state, reputation
from kindling.errors import NotFound, ProviderError, StaleStatus
from kindling.platform import clock, due
from kindling.platform.observability import logger
from kindling.platform.settings import settings
from kindling.providers.model import WarmupAccount, WarmupFigures, WarmupTotals

if TYPE_CHECKING:
    from kindling.keys.model import Caller

# Addresses in one call: Instantly, POST /api/v2/accounts/warmup-analytics
BATCH = 100
POLLED = (WarmupStatus.WARMING, WarmupStatus.ACTIVE)
# The gateway ends a request after 30 s.
CALLER_SECONDS = 20.0
WORKER_SECONDS = 240.0

# Slightly less than the hour between two ticks, so that a tick is not missed by seconds.
INTERVAL = timedelta(minutes=55)
IDLE_INTERVAL = timedelta(hours=24)
LEASE = timedelta(minutes=15)

Seen = tuple[Account, WarmupAccount, WarmupFigures]


def analytics(caller: "Caller") -> dict[str, Any]:
    """Warmup figures by account id, and the status changes that this call made.

    An account whose figures could not be read in time is left out. With a test key both are empty.
    """
    if not caller.live:
        return {"analytics": {}, "transitions": {}}
    accounts = store.list_of(caller.user_id)
    seen = list(_read(accounts, CALLER_SECONDS))
    return {
        "analytics": {account.id: _figures(account, live, figures) for account, live, figures in seen},
        "transitions": _decide(seen),
    }


def dispatch() -> int:
    """Queue the review of every tenant that is due; the number queued."""
    return due.dispatch(store.REVIEW_KIND, settings().reviews_queue_url, LEASE)


def review(key: dict[str, str]) -> dict[str, Any]:
    """Graduate or ban a tenant's accounts, and schedule the next review; the status changes. Raises ProviderError."""
    user_id = key["pk"].removeprefix("TENANT#")
    accounts = store.all_of(user_id)
    polled = [account for account in accounts if account.warmup_status in POLLED]
    transitions = _decide(list(_read(polled, WORKER_SECONDS)))
    store.set_review(user_id, clock.now() + (INTERVAL if polled else IDLE_INTERVAL))
    return transitions


def _read(accounts: list[Account], seconds: float) -> Iterator[Seen]:
    """Each polled account with its state and figures at the provider, up to `BATCH` addresses per call."""
    deadline = clock.monotonic() + seconds
    polled = [account for account in accounts if account.warmup_status in POLLED and account.email_address]
    live = _states(polled)
    for start in range(0, len(polled), BATCH):
        batch = [account for account in polled[start : start + BATCH] if account.email_address in live]
        if not batch or clock.monotonic() >= deadline:
            continue
        try:
            figures = providers.warmup().read_figures([account.email_address for account in batch])
        except ProviderError as error:
            logger.warning("figures not read", accounts=len(batch), reason=str(error))
            continue
        nothing = WarmupFigures(totals=WarmupTotals(), days={})
        for account in batch:
            address = account.email_address
            yield account, live[address], figures.get(address, nothing)


def _states(accounts: list[Account]) -> dict[str, WarmupAccount]:
    """The provider's accounts by address, 100 per call by tag; one without its tag takes a call of its own."""
    found: dict[str, WarmupAccount] = {}
    warmup = providers.warmup()
    try:
        for tag_id in {account.instantly_tag_id for account in accounts if account.instantly_tag_id}:
            found |= {live.email: live for live in warmup.tagged_accounts(tag_id)}
        for account in accounts:
            if account.email_address not in found and (live := warmup.get_account(account.email_address)):
                found[account.email_address] = live
    except ProviderError as error:
        logger.warning("states not read", accounts=len(accounts), reason=str(error))
    return found


def _decide(seen: list[Seen]) -> dict[str, dict[str, str]]:
    """Change statuses by compare-and-swap; the changes that this call itself made."""
    transitions = {}
    for account, live, figures in seen:
        to = next_state(account.state, live, figures)
        if to is None or to == account.state:
            continue
        try:
            ours = store.swap(account, to)
        except (NotFound, StaleStatus):
            continue
        if ours:
            logger.info("account moved", account_id=account.id, status=to[0], warmup_status=to[1])
            transitions[account.id] = {"warmup_status": str(to[1]), "status": str(to[0])}
    return transitions


def _figures(account: Account, live: WarmupAccount, figures: WarmupFigures) -> dict[str, Any]:
    days = sorted(figures.days.items())
    return {
        "email": account.email_address,
        "total_sent": figures.totals.sent,
        "total_received": figures.totals.received,
        "health_score": round(figures.totals.health_score),
        "health_score_label": figures.totals.health_score_label,
        "warmup_reputation": reputation(live, figures),
        "instantly_warmup_status": live.warmup_status,
        "daily_data": [{"date": date, "sent": day.sent, "received": day.received} for date, day in days],
    }
