"""What the gate refused, counted so that a refusal stays as cheap as the read that decides it.

Each execution environment gathers refusals by domain and day, and adds them to the day's item: the first one of the day
with the request that met it, what comes later when `WRITE_SECONDS` have passed, with any message of the tenant. What an
environment still holds when it ends is lost, as is what a failed write had: nobody knows whether it was made. So a day
has at least the refusals that are shown.
"""

from dataclasses import dataclass

from kindling.errors import StoreUnavailable
from kindling.metrics import store
from kindling.platform import clock
from kindling.platform.observability import logger

WRITE_SECONDS = 10
# In one request, so that it is not delayed by all domains of a tenant at once.
MOST_WRITES = 5
# How long one write may take (the timeouts of `platform.aws`); it is left out of a request that has less time.
LONGEST_WRITE_SECONDS = 7.0
# Days of domains of which refusals are remembered.
MOST_DAYS = 1_000

Place = tuple[str, str, str]  # tenant, domain, day


@dataclass
class Gathered:
    """What is not written yet of a domain's day; `tried_at` is the last write, in seconds since 1970."""

    recipients: int = 0
    messages: int = 0
    tried_at: float = 0.0


_gathered: dict[Place, Gathered] = {}


def note(user_id: str, domain_id: str, day: str, recipients: int) -> None:
    """Count a message to so many recipients that was refused on a UTC day, in memory only."""
    place = (user_id, domain_id, day)
    if place not in _gathered and len(_gathered) >= MOST_DAYS:
        del _gathered[next(iter(_gathered))]
    gathered = _gathered.setdefault(place, Gathered())
    gathered.recipients += recipients
    gathered.messages += 1


def write(user_id: str) -> None:
    """Write what is due of the tenant's domains: first what never was, then what waits longest.

    A write that fails is not repeated, and no other is tried in this request.
    """
    now = clock.now().timestamp()
    due = [
        (place, gathered)
        for place, gathered in _gathered.items()
        if place[0] == user_id and gathered.messages and now - gathered.tried_at >= WRITE_SECONDS
    ]
    for place, gathered in sorted(due, key=lambda entry: entry[1].tried_at)[:MOST_WRITES]:
        if not clock.has(LONGEST_WRITE_SECONDS):
            return
        _gathered[place] = Gathered(tried_at=now)
        try:
            store.add_refused(*place, recipients=gathered.recipients, messages=gathered.messages)
        except StoreUnavailable as error:
            logger.warning("refusals not counted", domain_id=place[1], reason=str(error))
            return
