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
