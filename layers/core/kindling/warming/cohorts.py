"""Reading the evidence about a domain, and keeping what the gate's item has no room for."""

from typing import NamedTuple

from kindling.metrics import service as metrics
from kindling.metrics.model import Counts, Period
from kindling.platform import clock
from kindling.warming import store
from kindling.warming.evidence import DAYS, LATEST, Evidence, Tally, evidence
from kindling.warming.model import Warming

# How many domains that had the name before are looked at.
FORMER = 3


class Former(NamedTuple):
    """A domain that had the name before, until a day."""

    user_id: str
    domain_id: str
    until: str


def read(warming: Warming) -> Evidence:
    """The evidence about a domain today."""
    return of(warming, days_of(warming))


def days_of(warming: Warming) -> list[Period]:
    """The metrics of the days that evidence is about, today included, oldest first."""
    return metrics.last_days(warming.user_id, warming.domain_id, DAYS + 1)


def of(warming: Warming, days: list[Period]) -> Evidence:
    """The evidence from a domain's days; that about the domains that had its name in the last weeks is part of it."""
    return _of(warming, days, _former(warming, days[0].name))


def shown(warming: Warming, days: list[Period], whole: Evidence) -> Evidence:
    """What a tenant may see of the `whole` evidence: nothing about the mail that another tenant sent under the name."""
    former = _former(warming, days[0].name)
    others = next((i for i, one in enumerate(former) if one.user_id != warming.user_id), None)
    if others is None:
        return whole
    since = max(warming.judged_from, former[others].until)
    return _of(warming.model_copy(update={"judged_from": since}), days, former[:others])


def _of(warming: Warming, days: list[Period], former: list[Former]) -> Evidence:
    for one in former:
        before = metrics.last_days(one.user_id, one.domain_id, DAYS + 1)
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
            metrics.keep_admitted(warming.user_id, warming.domain_id, day, admitted, _limit(warming, day))


def _limit(warming: Warming, day: str) -> int | None:
    """The daily limit that applied at the end of a day, None when it is not known any more, or there was none."""
    return warming.limits.daily_limit if warming.limits and warming.limits_on <= day else None


def of_tenant(warming: Warming, week: Tally) -> list[Tally]:
    """The last week of each of the tenant's domains that sends; keeps that of this one for the others."""
    store.put_evidence(warming, week)
    return store.evidence_of(warming.user_id)


def _former(warming: Warming, since: str) -> list[Former]:
    found: list[Former] = []
    one: Warming | None = warming
    while one and one.former and (until := one.former_until or "") >= since and len(found) < FORMER:
        user_id, _, domain_id = one.former.partition("/")
        found.append(Former(user_id, domain_id, until))
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
