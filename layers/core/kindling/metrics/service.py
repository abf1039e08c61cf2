"""A domain's figures as the API shows them."""

from datetime import timedelta
from typing import Any

from kindling.domains import service as domains
from kindling.domains.model import Domain
from kindling.keys.model import Caller
from kindling.metrics import store
from kindling.metrics.model import Counts, Period, dates, total
from kindling.platform import clock
from kindling.warming import service as warming


def summary(caller: Caller, id_or_name: str, *, days: int) -> dict[str, Any]:
    """Totals and rates of the last `days`, today included. Raises NotFound."""
    domain = domains.find(caller, id_or_name)
    today_sent, this_hour_sent = warming.sent_now(caller, domain.id)
    return {
        **_named(domain),
        "period_days": days,
        "metrics": {"period_days": days, **total(_days(domain, days)).wire()},
        "today_sent": today_sent,
        "this_hour_sent": this_hour_sent,
    }


def daily(caller: Caller, id_or_name: str, *, days: int) -> dict[str, Any]:
    """One entry a day, oldest first, days without mail included. Raises NotFound."""
    domain = domains.find(caller, id_or_name)
    entries = [_entry(domain, "date", period) for period in _days(domain, days)]
    return {**_named(domain), "days": days, "stats": entries}


def hourly(caller: Caller, id_or_name: str, *, hours: int) -> dict[str, Any]:
    """One entry an hour, oldest first, this hour included. Raises NotFound."""
    domain = domains.find(caller, id_or_name)
    now = clock.now()
    names = [f"{now - timedelta(hours=back):%Y-%m-%dT%H}" for back in reversed(range(hours))]
    periods = store.hours(domain.user_id, domain.id, names)
    entries = [
        _entry(domain, "hour", period.model_copy(update={"name": f"{period.name}:00:00Z"})) for period in periods
    ]
    return {**_named(domain), "hours": hours, "stats": entries}


def by_provider(caller: Caller, id_or_name: str, *, days: int) -> dict[str, Any]:
    """One entry a mailbox provider, as far as recipients' addresses tell. Raises NotFound."""
    domain = domains.find(caller, id_or_name)
    found: dict[str, Counts] = {}
    for period in _days(domain, days):
        for name, counts in period.providers.items():
            found[name] = found.get(name, Counts()) + counts
    entries = [_entry(domain, "isp", Period(name=name, total=counts)) for name, counts in sorted(found.items())]
    return {**_named(domain), "days": days, "stats": entries}


def _days(domain: Domain, days: int) -> list[Period]:
    return store.days(domain.user_id, domain.id, dates(clock.today(), days))


def _named(domain: Domain) -> dict[str, str]:
    return {"domain_id": domain.id, "domain": domain.domain}


def _entry(domain: Domain, kind: str, period: Period) -> dict[str, Any]:
    identity = f"{domain.id}:{period.name}"
    return {"id": identity, "domain_id": domain.id, kind: period.name, **period.total.wire()}
