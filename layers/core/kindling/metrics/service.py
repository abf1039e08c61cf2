"""A domain's counts over the days and hours that end now."""

from datetime import timedelta

from kindling.metrics import store
from kindling.metrics.model import Period, dates
from kindling.platform import clock


def last_days(user_id: str, domain_id: str, days: int) -> list[Period]:
    """The domain's last `days` UTC days, today included, oldest first; a day without mail is all zeros."""
    return store.days(user_id, domain_id, dates(clock.today(), days))


def last_hours(user_id: str, domain_id: str, hours: int) -> list[Period]:
    """The domain's last `hours` UTC hours, this one included, oldest first; an hour without mail is all zeros."""
    now = clock.now()
    names = [f"{now - timedelta(hours=back):%Y-%m-%dT%H}" for back in reversed(range(hours))]
    return store.hours(user_id, domain_id, names)


def hours(user_id: str, domain_id: str, names: list[str]) -> list[Period]:
    """The domain's UTC hours of these names (`YYYY-MM-DDTHH`), which are in order."""
    return store.hours(user_id, domain_id, names) if names else []


def keep_admitted(user_id: str, domain_id: str, day: str, admitted: dict[str, int], limit: int | None = None) -> None:
    """Keep what the gate admitted on a UTC day, by mailbox provider, and the daily limit, for as long as the reports.

    Idempotent.
    """
    store.put_admitted(user_id, domain_id, day, admitted, limit)
