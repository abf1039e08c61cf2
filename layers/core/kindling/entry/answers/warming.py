"""Answers about warming."""

from typing import Literal

from kindling.entry.answers import Answer, Omitted, Shown
from kindling.entry.answers.figures import ShownMetrics
from kindling.warming.model import Limits, MailboxProvider, Phase
from kindling.warming.schedules import Schedule


class ShownSchedule(Shown):
    name: str
    version: int


class ShownProvider(Shown):
    """What was sent to a mailbox provider today. Limit and rest are null where only the domain's limits apply."""

    mailbox_provider: MailboxProvider
    sent_today: int
    daily_limit: int | None
    remaining_today: int | None


class ShownEvidence(Shown):
    """The recipients of whole days by which the domain is judged, and what became of them.

    `reported` is the number with a report, `listening` the number at mailbox providers that report complaints.
    """

    window: Literal["7_days", "28_days"]
    recipients: int
    reported: int
    delivered: int
    bounces: int
    blocks: int
    listening: int
    complaints: int


class WarmingAnswer(Answer):
    """Phase, limits, use, metrics and evidence of a domain, why it does not climb or advance, and what would help."""

    domain_id: str
    domain: str
    phase: Phase
    warming_started_at: str | None
    phase_started_at: str | None
    days_in_current_phase: int
    current_limits: Limits
    today_sent: int
    this_hour_sent: int
    this_minute_sent: int
    remaining_today: int
    remaining_this_hour: int
    remaining_this_minute: int
    metrics: ShownMetrics
    eligible_for_advancement: bool
    advancement_blockers: list[str]
    climbing_blockers: list[str]
    advice: list[str]
    evidence: list[ShownEvidence]
    next_phase: Phase | None
    next_phase_limits: Limits | None
    phase_before: Phase | None
    stopped_because: str | None
    schedule: ShownSchedule
    mailbox_providers: list[ShownProvider]


class ShownSnapshot(Shown):
    bounce_rate: float
    complaint_rate: float
    delivery_rate: float
    daily_volume: int
    days_in_phase: int


class ShownChange(Shown):
    id: str
    domain_id: str
    from_phase: Phase
    to_phase: Phase
    reason: str
    detail: Omitted[str] = None
    metrics_snapshot: Omitted[ShownSnapshot] = None
    triggered_by: str
    created_at: str


class HistoryAnswer(Answer):
    """A page of the domain's changes of phase, newest first; `next_cursor` is null on the last page."""

    domain_id: str
    history: list[ShownChange]
    next_cursor: str | None


class StartedAnswer(Answer):
    """Warming has started."""

    message: str
    phase: Phase


class PausedAnswer(Answer):
    """Warming is paused."""

    message: str
    previous_phase: Phase
    reason: str


class ResumedAnswer(Answer):
    """Warming goes on."""

    message: str
    phase: Phase


class ExplainAnswer(Answer):
    """Whether the gate would admit that many recipients now; if not, when, and why."""

    domain_id: str
    recipients: int
    allowed: bool
    phase: Phase
    reasons: list[str]
    earliest_at: str | None
    retry_after_seconds: int | None
    mailbox_providers: list[ShownProvider]


class CapAnswer(Answer):
    """The cap of a domain, null for none."""

    domain_id: str
    daily_limit: int | None
    message: str


class ScheduleAnswer(Answer):
    """The tenant's schedule."""

    schedule: Schedule


class SchedulesAnswer(Answer):
    """The tenant's schedule, its latest own one if there is any, and the presets."""

    schedule: Schedule
    own: Schedule | None
    presets: list[Schedule]
