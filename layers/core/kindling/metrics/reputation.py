"""What Gmail tells of a domain's days, beside what is counted here."""

from datetime import date

from kindling.metrics import store
from kindling.metrics.model import DELIVERY_ERROR_RATE, SPAM_RATE


def note(
    user_id: str, domain_id: str, day: date, *, spam_rate: float | None, delivery_error_rate: float | None
) -> bool:
    """Note the rates of a day, shares from 0 to 1; whether any of them is new. What is None now stays as it was known.

    Raises StoreUnavailable.
    """
    told = {SPAM_RATE: spam_rate, DELIVERY_ERROR_RATE: delivery_error_rate}
    rates = {name: rate for name, rate in told.items() if rate is not None}
    return bool(rates) and store.set_rates(user_id, domain_id, day.isoformat(), rates)
