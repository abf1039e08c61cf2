"""What a tenant's domains have sent in a period, and what the tenant may ask for."""

from typing import TYPE_CHECKING, Any

from kindling.domains import lookup
from kindling.metrics import service as metrics
from kindling.metrics.model import Counts, UsageQuery, dates, total
from kindling.platform import clock
from kindling.platform.settings import settings

if TYPE_CHECKING:
    from kindling.keys.model import Caller

QUOTAS = ("tenant_requests_per_second", "key_requests_per_second", "tenant_creates_per_hour", "key_creates_per_hour")


def summary(caller: "Caller", query: UsageQuery) -> dict[str, Any]:
    """Totals and rates of the last `days`, today included, of each domain of a page, and of all if there are no more.

    A read for the page, and one for each domain.
    """
    page = lookup.page_of(caller, query)
    days = [metrics.last_days(caller.user_id, domain.id, query.days) for domain in page.rows]
    counts = [total(periods) for periods in days]
    period = dates(clock.today(), query.days)
    return {
        "period_days": query.days,
        "period_start": period[0],
        "period_end": period[-1],
        "usage": None if query.cursor or page.next_cursor else sum(counts, Counts()).wire(),
        "domains": [
            {"domain_id": domain.id, "domain": domain.domain, **count.wire()}
            for domain, count in zip(page.rows, counts, strict=True)
        ],
        "quotas": {name: getattr(settings(), name) for name in QUOTAS},
        "next_cursor": page.next_cursor,
    }
