"""A domain's sending statistics, as the API returns them."""

from typing import Any

from kindling.domains.model import Domain
from kindling.metrics import service as metrics
from kindling.metrics.model import Counts, Period, total
from kindling.warming import service as warming


def summary(domain: Domain, *, days: int) -> dict[str, Any]:
    """Totals and rates of the last `days`, today included."""
    today_sent, this_hour_sent = warming.sent_now(domain.user_id, domain.id)
    whole = total(metrics.last_days(domain.user_id, domain.id, days))
    return {
        "domain_id": domain.id,
        "domain": domain.domain,
        "period_days": days,
        "metrics": {"period_days": days, **whole.wire()},
        "today_sent": today_sent,
        "this_hour_sent": this_hour_sent,
    }


def daily(domain: Domain, *, days: int) -> dict[str, Any]:
    """One entry per day, oldest first, days without mail included."""
    entries = [
        {
            **_entry(domain, "date", day),
            "gmail_spam_rate": day.spam_rate,
            "gmail_delivery_error_rate": day.delivery_error_rate,
            "refused_recipients": day.refused,
            "refused_messages": day.refused_messages,
        }
        for day in metrics.last_days(domain.user_id, domain.id, days)
    ]
    return {"domain_id": domain.id, "domain": domain.domain, "days": days, "stats": entries}


def hourly(domain: Domain, *, hours: int) -> dict[str, Any]:
    """One entry per hour, oldest first, this hour included."""
    entries = [
        _entry(domain, "hour", hour.model_copy(update={"name": f"{hour.name}:00:00Z"}))
        for hour in metrics.last_hours(domain.user_id, domain.id, hours)
    ]
    return {"domain_id": domain.id, "domain": domain.domain, "hours": hours, "stats": entries}


def by_provider(domain: Domain, *, days: int) -> dict[str, Any]:
    """One entry per class of recipients: mailbox providers, the tenant's own domains, and mail without the gate."""
    counts: dict[str, Counts] = {}
    for period in metrics.last_days(domain.user_id, domain.id, days):
        for name, part in period.providers.items():
            counts[name] = counts.get(name, Counts()) + part
    entries = [_entry(domain, "isp", Period(name=name, total=part)) for name, part in sorted(counts.items())]
    return {"domain_id": domain.id, "domain": domain.domain, "days": days, "stats": entries}


def _entry(domain: Domain, kind: str, period: Period) -> dict[str, Any]:
    entry_id = f"{domain.id}:{period.name}"
    return {"id": entry_id, "domain_id": domain.id, kind: period.name, **period.total.wire()}
