"""Reading the evidence about a domain, and keeping what the gate's item has no room for."""

from kindling.metrics import service as metrics
from kindling.metrics.model import Counts, Period
from kindling.platform import clock
from kindling.warming import store
from kindling.warming.evidence import DAYS, LATEST, Evidence, Tally, evidence
from kindling.warming.model import Warming

# How many domains that had the name before are looked at.
FORMER = 3


def read(warming: Warming) -> Evidence:
    """The evidence about a domain today."""
    return of(warming, days_of(warming))


def days_of(warming: Warming) -> list[Period]:
    """The metrics of the days that evidence is about, today included, oldest first."""
    return metrics.last_days(warming.user_id, warming.domain_id, DAYS + 1)


def of(warming: Warming, days: list[Period]) -> Evidence:
    """The evidence from a domain's days; that about the domains that had its name in the last weeks is part of it."""
    for user_id, domain_id in _former(warming, days[0].name):
        before = metrics.last_days(user_id, domain_id, DAYS + 1)
        days = [_joined(*both) for both in zip(days, before, strict=True)]
    today = clock.today()
    return evidence(warming, days, _hours(warming, today.isoformat()), today)


def _hours(warming: Warming, today: str) -> list[Period]:
    """The metrics of today's hours, of a day that has enough mail for its last hours to be judged."""
    if warming.days.get(today, 0) < 2 * LATEST:
        return []
    names = sorted(hour for hour in warming.hours if hour.startswith(today))
    return metrics.hours(warming.user_id, warming.domain_id, names)


def keep(warming: Warming) -> None:
    """Keep the counts of ended days by mailbox provider with the metrics: the gate drops them. Idempotent."""
    today = clock.today().isoformat()
    for day in warming.days:
        admitted = warming.by_provider(day)
        if admitted and day < today:
            metrics.keep_admitted(warming.user_id, warming.domain_id, day, admitted)


def of_tenant(warming: Warming, week: Tally) -> list[Tally]:
    """The last week of each of the tenant's domains that sends; keeps that of this one for the others."""
    store.put_evidence(warming, week)
    return store.evidence_of(warming.user_id)


def _former(warming: Warming, since: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    one: Warming | None = warming
    while one and one.former and (one.former_until or "") >= since and len(found) < FORMER:
        user_id, _, domain_id = one.former.partition("/")
        found.append((user_id, domain_id))
        one = store.kept(user_id, domain_id)
    return found


def _joined(period: Period, before: Period) -> Period:
    """The reports of both; what was admitted was counted in one gate, which the later domain went on with."""
    providers = {
        name: _both(period.providers.get(name, Counts()), before.providers.get(name, Counts()))
        for name in period.providers | before.providers
    }
    spam_rate = before.spam_rate if period.spam_rate is None else period.spam_rate
    total = _both(period.total, before.total)
    return Period(name=period.name, total=total, providers=providers, spam_rate=spam_rate)


def _both(one: Counts, other: Counts) -> Counts:
    return (one + other).model_copy(update={"admitted": max(one.admitted, other.admitted)})
