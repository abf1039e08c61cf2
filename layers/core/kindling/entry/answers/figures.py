"""Answers about what became of a domain's mail."""

from kindling.entry.answers import Answer, Listed, Omitted, Shown


class ShownCounts(Shown):
    """Recipients, and shares of them from 0 to 1; opens and clicks are shares of what was delivered."""

    total_sent: int
    total_delivered: int
    total_bounced: int
    total_hard_bounce: int
    total_soft_bounce: int
    total_unknown_mailbox: int
    total_blocked: int
    total_complaints: int
    total_rejected: int
    total_opened: int
    total_clicked: int
    delivery_rate: float
    bounce_rate: float
    hard_bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float


class ShownMetrics(ShownCounts):
    period_days: int


class ShownEntry(ShownCounts):
    id: str
    domain_id: str


class ShownDate(ShownEntry):
    """Counts of a UTC day, with Gmail's own figures: shares from 0 to 1, null when Gmail tells none.

    The gate refused at least so many recipients and messages: some refusals are counted late, and a few never.
    """

    date: str
    gmail_spam_rate: float | None
    gmail_delivery_error_rate: float | None
    refused_recipients: int
    refused_messages: int


class ShownHour(ShownEntry):
    hour: str


class ShownIsp(ShownEntry):
    isp: str


class StatsAnswer(Answer):
    """Totals and rates of a period."""

    domain_id: str
    domain: str
    period_days: int
    metrics: ShownMetrics
    today_sent: int
    this_hour_sent: int


class DailyStatsAnswer(Answer):
    """One entry per day, oldest first."""

    domain_id: str
    domain: str
    days: int
    stats: list[ShownDate]


class HourlyStatsAnswer(Answer):
    """One entry per hour, oldest first."""

    domain_id: str
    domain: str
    hours: int
    stats: list[ShownHour]


class IspStatsAnswer(Answer):
    """One entry per mailbox provider, and one each for `own` and `ungated` recipients."""

    domain_id: str
    domain: str
    days: int
    stats: list[ShownIsp]


class ShownUsage(ShownCounts):
    domain_id: str
    domain: str


class ShownQuotas(Shown):
    """How much a tenant and one of its keys may ask for."""

    tenant_requests_per_second: int
    key_requests_per_second: int
    tenant_creates_per_hour: int
    key_creates_per_hour: int


class UsageAnswer(Listed):
    """What became of the mail of a page of domains, newest first, in a period of UTC days, and the quotas.

    `usage` is the sum of all domains. It is left out when they fill more than one page: add the pages up.
    """

    period_days: int
    period_start: str
    period_end: str
    usage: Omitted[ShownCounts] = None
    domains: list[ShownUsage]
    quotas: ShownQuotas
