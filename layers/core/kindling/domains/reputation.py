"""Reading what Gmail makes of the mail of each domain, once a day.

Gmail sends no reports of complaints. Its rate of them is known for a domain that is in Postmaster Tools and has enough
mail; for any other it stays unknown.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

from kindling import providers
from kindling.domains import lookup
from kindling.domains.model import Domain
from kindling.errors import ProviderError
from kindling.metrics import reputation
from kindling.metrics.model import PERIOD_DAYS
from kindling.platform import clock, tenancy
from kindling.platform.due import RESERVE_SECONDS
from kindling.platform.observability import logger
from kindling.platform.settings import settings
from kindling.providers import credentials
from kindling.warming import dispatch

# After so many failures in a row, the other domains of a service account are left to the next run.
MOST_FAILURES = 5


def read_all() -> dict[str, Any]:
    """Read the rates of every domain that may send; the numbers of domains by what came of it.

    `changed` have new rates and are judged by them, `unknown` are not in Postmaster Tools, `failed` are left to the
    next run. Nothing is read without a service account of the operator's. Raises StoreUnavailable.
    """
    outcomes = Counter({"changed": 0, "unchanged": 0, "unknown": 0, "failed": 0})
    failures: Counter[str] = Counter()
    for domain in lookup.all_verified() if settings().postmaster_secret else ():
        if domain.why_not_sending:
            continue
        if not clock.has(RESERVE_SECONDS):
            logger.warning("not all rates read in time")
            break
        account = credentials.workspace(credentials.POSTMASTER, domain.user_id)
        outcome = _read(domain) if failures[account] < MOST_FAILURES else "failed"
        failures[account] = failures[account] + 1 if outcome == "failed" else 0
        outcomes[outcome] += 1
    return dict(outcomes)


def _read(domain: Domain) -> str:
    """Read a domain's rates of the days behind it; what came of it."""
    today = clock.today()
    try:
        with tenancy.working_for(domain.user_id):
            days = providers.reputation().daily(domain.domain, today - timedelta(PERIOD_DAYS), today - timedelta(1))
    except ProviderError as error:
        logger.warning("rates not read", user_id=domain.user_id, domain_id=domain.id, reason=str(error))
        return "failed"
    if days is None:
        return "unknown"
    # Every day is written, whatever came of the one before.
    changed = [
        reputation.note(
            domain.user_id,
            domain.id,
            day.day,
            spam_rate=day.spam_rate,
            delivery_error_rate=day.delivery_error_rate,
        )
        for day in days
    ]
    if any(changed):
        dispatch.dispatch_domain(domain.user_id, domain.id)
    return "changed" if any(changed) else "unchanged"
