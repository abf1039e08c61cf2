"""What the pages for operators show of warming beside `service.show`: many domains at a glance, and one day by day."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from kindling.keys.model import Caller
from kindling.metrics import service as metrics
from kindling.platform import clock
from kindling.warming import gate, store, words
from kindling.warming.evidence import Tally, cohort
from kindling.warming.model import RAMPED, Phase, SendingDomain, Warming
from kindling.warming.schedules import Schedule


@dataclass(frozen=True)
class Glance:
    """A domain's phase, today's limit and what is used of it, and a sentence on where it stands."""

    phase: Phase
    limit: int
    used: int
    verdict: str


@dataclass(frozen=True)
class Day:
    """A UTC day: the daily limit at its end as far as it is known, and the recipients with what became of them.

    The gate refused `refused` recipients at least.
    """

    date: str
    limit: int | None
    tally: Tally
    refused: int


def glances(caller: Caller, domains: Iterable[SendingDomain]) -> dict[str, Glance]:
    """The domains at a glance, by their ids, read together."""
    asked = {domain.id: domain for domain in domains}
    now, schedule = clock.now(), store.schedule_of(caller.user_id)
    found = {}
    for warming in store.some(caller.user_id, asked):
        day, _, _ = gate.bounds(warming, now)
        verdict = _verdict(warming, asked[warming.domain_id], schedule)
        found[warming.domain_id] = Glance(warming.phase, warming.limit.daily_limit, day.used, verdict)
    return found


def course(caller: Caller, domain: SendingDomain, *, days: int, since: str) -> list[Day]:
    """The domain's last `days`, oldest first, of which those before the instant `since` are left out.

    `since` is when the tenant registered the domain: what the gate counted before was another's mail.
    """
    warming = store.get(caller.user_id, domain.id)
    if warming is None:
        return []
    periods = metrics.last_days(caller.user_id, domain.id, days)
    found = [
        Day(one.name, one.limit, cohort(warming, one).whole, one.refused) for one in periods if one.name >= since[:10]
    ]
    if found and warming.limits:
        found[-1] = replace(found[-1], limit=warming.limits.daily_limit)
    return found


def cap_of(caller: Caller, domain: SendingDomain) -> int | None:
    """The daily limit that an admin has set for when the domain is warmed."""
    warming = store.get(caller.user_id, domain.id)
    return warming.cap if warming else None


def schedule_of(caller: Caller) -> Schedule:
    """The tenant's current schedule."""
    return store.schedule_of(caller.user_id)


def _verdict(warming: Warming, domain: SendingDomain, schedule: Schedule) -> str:
    """Where the domain stands, by its item alone; `service.show` judges it by all that is known."""
    problems = domain.why_not_sending or words.stopped(warming)
    if problems:
        return problems[0]
    if warming.held_at is not None:
        return words.held_at(warming.held_at, warming.held_on)
    if warming.phase in RAMPED:
        least = schedule.plan(warming.phase).min_days
        days = warming.mailed_days + (clock.today() - date.fromisoformat(warming.counted_on)).days
        if warming.mailed_days < least:
            return f"day {days + 1} of this phase; at least {least} with mail are needed"
        return "has had the days that the phase asks for; its page says what is missing"
    return "warmed"
