"""Warmup analytics of accounts, and the status changes that follow from them: graduation and bans."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kindling import providers
from kindling.accounts import store
from kindling.accounts.model import Account, WarmupStatus
from kindling.accounts.policy import measured, next_state, reputation
from kindling.accounts.reputation import DailyReputation
from kindling.errors import NotFound, ProviderError, StaleStatus
from kindling.platform import clock, due
from kindling.platform.observability import logger
from kindling.platform.paging import Paging
from kindling.platform.settings import settings
from kindling.providers.model import WarmupAccount, WarmupFigures, WarmupTotals

if TYPE_CHECKING:
    from kindling.keys.model import Caller

# Addresses in one call: Instantly, POST /api/v2/accounts/warmup-analytics
BATCH = 100
POLLED = (WarmupStatus.WARMING, WarmupStatus.ACTIVE)
# Stored rows of one page, to each of which the answer adds the figures of up to some weeks of days.
FIGURES_PAGE_BYTES = 500_000
# Time limits for reading figures. API Gateway ends a request after 30 s.
CALLER_SECONDS = 20.0
WORKER_SECONDS = 240.0
# No reputation is kept when less is left: enough for a write that is throttled for as long as one may be.
RESERVE_SECONDS = 10.0
# A page shows everything else of an account without them.
PAGE_SECONDS = 4.0

# An hour or slightly more, with the time until the poller's next run.
INTERVAL = timedelta(minutes=55)
IDLE_INTERVAL = timedelta(hours=24)

NO_FIGURES = WarmupFigures(totals=WarmupTotals(), days={})
# An account with its state and figures at the provider.
Reading = tuple[Account, WarmupAccount, WarmupFigures]


def analytics(caller: "Caller", paging: Paging) -> dict[str, Any]:
    """Warmup figures by account id, newest account first, and the status changes that this call made.

    Accounts whose figures could not be read in time are omitted. Both are empty for a test key.
    """
    if not caller.live:
        return {"analytics": {}, "transitions": {}}
    page = store.page_of(caller.user_id, paging, page_bytes=FIGURES_PAGE_BYTES)
    with clock.within(CALLER_SECONDS):
        readings = list(_read(page.rows, CALLER_SECONDS))
    return {
        "next_cursor": page.next_cursor,
        "analytics": {account.id: _figures(account, live, figures) for account, live, figures in readings},
        "transitions": _change_statuses(readings),
    }


def figures_of(caller: "Caller", account: Account) -> dict[str, Any] | None:
    """Warmup figures of one account, as `analytics` has them; None where there are none, or none in time."""
    if not caller.live or account.warmup_status not in POLLED:
        return None
    warmup = providers.warmup()
    try:
        with clock.within(PAGE_SECONDS):
            live = warmup.get_account(account.email_address)
            figures = warmup.read_figures([account.email_address]) if live else {}
    except ProviderError as error:
        logger.warning("figures not read", accounts=1, reason=str(error))
        return None
    return _figures(account, live, figures.get(account.email_address, NO_FIGURES)) if live else None


def dispatch() -> int:
    """Queue the review of every tenant that is due; the number queued."""
    return due.dispatch(store.REVIEW_KIND, settings().reviews_queue_url)


def review(key: dict[str, str]) -> dict[str, Any]:
    """Graduate or ban a tenant's accounts, schedule the next review, and keep reputations; the status changes.

    Raises ProviderError.
    """
    user_id = key["pk"].removeprefix("TENANT#")
    accounts = store.all_of(user_id)
    polled = [account for account in accounts if account.warmup_status in POLLED]
    readings = list(_read(polled, WORKER_SECONDS))
    transitions = _change_statuses(readings)
    store.set_review(user_id, clock.now() + (INTERVAL if polled else IDLE_INTERVAL))
    _keep_reputations(readings)
    return transitions


def _read(accounts: list[Account], seconds: float) -> Iterator[Reading]:
    """Read warming and active accounts, `BATCH` per call. Those not read within `seconds` are omitted."""
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
        for account in batch:
            address = account.email_address
            yield account, live[address], figures.get(address, NO_FIGURES)


def _states(accounts: list[Account]) -> dict[str, WarmupAccount]:
    """The provider's accounts by address, listed by tag, 100 per call. Accounts without their tag need a call each."""
    states: dict[str, WarmupAccount] = {}
    warmup = providers.warmup()
    try:
        for tag_id in {account.instantly_tag_id for account in accounts if account.instantly_tag_id}:
            states |= {live.email: live for live in warmup.tagged_accounts(tag_id)}
        for account in accounts:
            if account.email_address not in states and (live := warmup.get_account(account.email_address)):
                states[account.email_address] = live
    except ProviderError as error:
        logger.warning("states not read", accounts=len(accounts), reason=str(error))
    return states


def _change_statuses(readings: list[Reading]) -> dict[str, dict[str, str]]:
    """Change statuses by compare-and-swap; the changes that this call has made, and not a concurrent one."""
    transitions = {}
    for account, live, figures in readings:
        to = next_state(account.state, live, figures)
        if to is None or to == account.state:
            continue
        try:
            changed = store.swap(account, to)
        except (NotFound, StaleStatus):
            continue
        if changed:
            logger.info("account moved", account_id=account.id, status=to[0], warmup_status=to[1])
            transitions[account.id] = {"warmup_status": str(to[1]), "status": str(to[0])}
    return transitions


def _keep_reputations(readings: list[Reading]) -> None:
    """Keep the reputation of today for each account that has none of today yet, one after the other.

    The rows of a tenant are in one partition, which takes 1,000 writes a second and its sends as well. What is left
    when time is over, the next review keeps.
    """
    today = clock.today()
    for account, live, figures in readings:
        kept, value = account.daily_reputation, measured(live, figures)
        if value is None or (kept and kept.last_day >= today):
            continue
        if not clock.has(RESERVE_SECONDS):
            logger.info("the next review keeps the other reputations", account_id=account.id)
            return
        store.keep_reputation(account, DailyReputation.with_day(kept, today, value))


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
