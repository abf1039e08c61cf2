"""Counts of what became of a domain's mail, and the rates that follow from them."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kindling.platform.paging import Paging

# The window of the figures that the API shows and the policy judges, today included.
PERIOD_DAYS = 7
PLACES = 4
# How long the metrics of a day and of an hour are kept.
DAYS_KEPT, HOURS_KEPT = timedelta(days=400), timedelta(days=40)

# Who a report is about: a recipient at one of these mailbox providers,
GMAIL, MICROSOFT, YAHOO, APPLE, OTHER = MAILBOX_PROVIDERS = ("gmail", "microsoft", "yahoo", "apple", "other")
# a recipient in one of the tenant's own domains, or anybody who was sent a message that did not pass the gate, such as
# one of a warmup network. The last two are shown, and judged by nothing.
OWN, UNGATED = "own", "ungated"


class Counts(BaseModel):
    """Recipients, not messages. `admitted` counts what the gate let pass, the others what was reported.

    `bounced` counts every bounce; `unknown_mailbox`, `blocked` and `soft_bounced` are its kinds as far as they are
    known.
    """

    admitted: int = 0
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    hard_bounced: int = 0
    unknown_mailbox: int = 0
    blocked: int = 0
    soft_bounced: int = 0
    complained: int = 0
    rejected: int = 0
    opened: int = 0
    clicked: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in FIELDS})

    def rates(self) -> dict[str, float]:
        """Delivery, bounces and complaints are shares of what was sent, opens and clicks of what was delivered."""
        return {
            "delivery_rate": share(self.delivered, self.sent),
            "bounce_rate": share(self.bounced, self.sent),
            "hard_bounce_rate": share(self.hard_bounced, self.sent),
            "complaint_rate": share(self.complained, self.sent),
            "open_rate": share(self.opened, self.delivered),
            "click_rate": share(self.clicked, self.delivered),
        }

    def wire(self) -> dict[str, Any]:
        """The totals and rates in the contract's names."""
        return {
            "total_sent": self.sent,
            "total_delivered": self.delivered,
            "total_bounced": self.bounced,
            "total_hard_bounce": self.hard_bounced,
            "total_soft_bounce": self.soft_bounced,
            "total_unknown_mailbox": self.unknown_mailbox,
            "total_blocked": self.blocked,
            "total_complaints": self.complained,
            "total_rejected": self.rejected,
            "total_opened": self.opened,
            "total_clicked": self.clicked,
            **self.rates(),
        }


FIELDS = tuple(Counts.model_fields)


class Period(BaseModel):
    """A UTC day (`YYYY-MM-DD`) or hour (`YYYY-MM-DDTHH`) of a domain: the whole, and the classes of recipients.

    The classes are mailbox providers, `OWN` and `UNGATED`. `spam_rate` and `delivery_error_rate` are Gmail's own
    figures of a day, as shares from 0 to 1. None is unknown, as for every hour, and never as good as 0. `limit` is the
    daily limit of the gate at the day's end. `refused` are the recipients and `refused_messages` the messages that the
    gate refused on the day, at least; every hour has 0.
    """

    name: str
    total: Counts = Counts()
    providers: dict[str, Counts] = {}
    spam_rate: float | None = None
    delivery_error_rate: float | None = None
    limit: int | None = None
    refused: int = 0
    refused_messages: int = 0


# What Gmail tells of a day, by the attributes of its item.
SPAM_RATE, DELIVERY_ERROR_RATE = "gmail_spam_rate", "gmail_delivery_error_rate"
# The gate's daily limit, kept when the day is over.
LIMIT = "daily_limit"
# What the gate refused, of all classes of recipients together.
REFUSED, REFUSED_MESSAGES = "refused", "refused_messages"


class StatsQuery(BaseModel):
    """The query of `GET …/stats` and `…/stats/isp`; today is one of the days."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(default=7, ge=1, le=90)


class DailyStatsQuery(BaseModel):
    """The query of `GET …/stats/daily`; today is one of the days."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(default=30, ge=1, le=90)


class HourlyStatsQuery(BaseModel):
    """The query of `GET …/stats/hourly`; this hour is one of the hours."""

    model_config = ConfigDict(extra="forbid")

    hours: int = Field(default=24, ge=1, le=720)


class UsageQuery(Paging):
    """The query of `GET /v1/usage/summary`, for a page of domains; today is one of the days."""

    days: int = Field(default=30, ge=1, le=90)
    limit: int = Field(default=100, ge=1, le=100)


def metrics_partition(user_id: str, domain_id: str) -> str:
    """The partition key of a domain's metrics."""
    return f"TENANT#{user_id}#METRICS#{domain_id}"


def day_sort_key(date: str) -> str:
    """The sort key of a day, `YYYY-MM-DD`."""
    return f"DAY#{date}"


def hour_sort_key(hour: str) -> str:
    """The sort key of an hour, `YYYY-MM-DDTHH`."""
    return f"HOUR#{hour}"


def total(periods: Iterable[Period]) -> Counts:
    return sum((period.total for period in periods), Counts())


def dates(last: date, days: int) -> list[str]:
    """The `days` dates that end with `last`, oldest first."""
    return [(last - timedelta(days=back)).isoformat() for back in reversed(range(days))]


def share(part: int, whole: int) -> float:
    """A rate, rounded; 1 at most, since more reports than recipients mean that other reports are missing."""
    return round(min(part / whole, 1.0), PLACES) if whole else 0.0
