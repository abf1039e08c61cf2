"""Where a domain stands in its warming, and where it may go from there."""

import uuid
from enum import StrEnum
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from kindling.metrics.model import Counts
from kindling.platform import clock
from kindling.platform.text import SingleLine
from kindling.platform.transitions import Graph

DUE_KIND = "warming"
# Digits of a history entry's sort key.
PLACE_DIGITS = 10
# What "no limit" looks like to clients that compute with numbers.
UNLIMITED = 1_000_000_000
# Characters of a window's name.
DAY, HOUR, MINUTE = 10, 13, 16


class Phase(StrEnum):
    NOT_STARTED = "not_started"
    PHASE_1 = "phase_1"
    PHASE_2 = "phase_2"
    PHASE_3 = "phase_3"
    PHASE_4 = "phase_4"
    WARMED = "warmed"
    PAUSED = "paused"
    SUSPENDED = "suspended"


N, P1, P2, P3, P4, W, PAUSED, SUSPENDED = ((phase,) for phase in Phase)
STOPPED = frozenset({PAUSED, SUSPENDED})
ALLOWED = {
    N: frozenset({P1}),
    P1: frozenset({P2}) | STOPPED,
    P2: frozenset({P1, P3}) | STOPPED,
    P3: frozenset({P2, P4}) | STOPPED,
    P4: frozenset({P3, W}) | STOPPED,
    W: frozenset({P4}) | STOPPED,
    PAUSED: frozenset({P1, P2, P3, P4}),
    # Only a start by force leads out.
    SUSPENDED: frozenset({P1}),
}
GRAPH = Graph(("phase",), ALLOWED)

RAMPED = (Phase.PHASE_1, Phase.PHASE_2, Phase.PHASE_3, Phase.PHASE_4)
SENDING = (*RAMPED, Phase.WARMED)


def after(phase: Phase) -> Phase:
    """The phase that `phase` advances to; `warmed` after the fourth."""
    return SENDING[SENDING.index(phase) + 1]


def before(phase: Phase) -> Phase:
    """The phase that `phase` is demoted to; the first one for itself."""
    return SENDING[max(SENDING.index(phase) - 1, 0)]


class Limits(BaseModel):
    """Recipients in a UTC day, hour and minute."""

    model_config = ConfigDict(frozen=True)

    daily_limit: int
    hourly_limit: int
    per_minute_limit: int

    def lower_of(self, other: "Limits") -> "Limits":
        return Limits(
            daily_limit=min(self.daily_limit, other.daily_limit),
            hourly_limit=min(self.hourly_limit, other.hourly_limit),
            per_minute_limit=min(self.per_minute_limit, other.per_minute_limit),
        )


NONE = Limits(daily_limit=UNLIMITED, hourly_limit=UNLIMITED, per_minute_limit=UNLIMITED)
SHUT = Limits(daily_limit=0, hourly_limit=0, per_minute_limit=0)


class Warming(BaseModel):
    """A domain's warming and its gate, in one item; instants are ISO 8601, dates `YYYY-MM-DD`, all UTC.

    `revision` grows with every write that is not a send, so that a decision made from an older state cannot be
    carried out. `sent` counts recipients by window, named by the beginning of its instants: `2026-01-01`,
    `2026-01-01T09`, `2026-01-01T09:30`.
    """

    user_id: str
    domain_id: str
    domain: str
    phase: Phase = Phase.NOT_STARTED
    phase_before: Phase | None = None
    revision: int = 0
    schedule: str = "standard"
    schedule_version: int = 1
    # The limits in force, absent where the phase has none, and the date from which they hold.
    limits: Limits | None = None
    limits_on: str = ""
    # The date on which the schedule was last changed.
    followed_on: str = ""
    # The stage within the phase, days served in it, and the date up to which days were counted.
    ramp_day: int = 0
    phase_days: int = 0
    counted_on: str = ""
    # Metrics count from this date, less what that date had already brought.
    judged_from: str = ""
    judged_less: dict[str, int] = {}
    # Pauses by the policy since the phase was reached.
    strikes: int = 0
    stopped_because: str | None = None
    stopped_by: str | None = None
    minute: str = ""
    sent: dict[str, int] = {}
    warming_started_at: str | None = None
    phase_started_at: str | None = None
    updated_at: str = ""

    @property
    def days(self) -> dict[str, int]:
        """The counts of whole days among `sent`."""
        return {name: count for name, count in self.sent.items() if len(name) == DAY}

    @property
    def limit(self) -> Limits:
        """The limits that hold now: none once warmed, nothing at all where nothing may be sent."""
        if self.phase not in SENDING:
            return SHUT
        return self.limits or NONE

    def item(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def warming_key(user_id: str, domain_id: str) -> dict[str, str]:
    """The key of a domain's warming, which is also its gate."""
    return {"pk": f"TENANT#{user_id}", "sk": f"WARMING#{domain_id}"}


def history_partition(user_id: str, domain_id: str) -> str:
    """The partition key of a domain's history."""
    return f"TENANT#{user_id}#WARMING#{domain_id}"


class Checks(Protocol):
    """Which of a domain's DNS records the mail provider has found."""

    spf: bool
    dkim: bool


class SendingDomain(Protocol):
    """What warming needs to know of a domain. `why_not_sending` has a sentence for each thing that prevents sending."""

    id: str
    domain: str

    @property
    def checks(self) -> Checks: ...
    @property
    def why_not_sending(self) -> list[str]: ...


# Who triggered a change of phase.
SYSTEM, API = "system", "api"


class HistoryEntry(BaseModel):
    """One change of phase. `reason` is a word for programs or its sender's own; `detail` says it in numbers."""

    id: str
    domain_id: str
    from_phase: Phase
    to_phase: Phase
    reason: str
    detail: str | None = None
    metrics_snapshot: dict[str, int | float] | None = None
    triggered_by: str
    created_at: str

    def wire(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def history_entry(
    warming: Warming, to: Phase, *, reason: str, triggered_by: str, detail: str | None = None
) -> HistoryEntry:
    """A new entry for a change from the warming's phase to `to`."""
    return HistoryEntry(
        id=str(uuid.uuid4()),
        domain_id=warming.domain_id,
        from_phase=warming.phase,
        to_phase=to,
        reason=reason,
        detail=detail,
        triggered_by=triggered_by,
        created_at=clock.timestamp(),
    )


class ListHistory(BaseModel):
    """The query of `GET …/warming/history`."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1)
    cursor: str | None = None


class StartWarming(BaseModel):
    """The body of `POST …/warming/start`."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False


class PauseWarming(BaseModel):
    """The body of `POST …/warming/pause`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Annotated[SingleLine, Field(min_length=1, max_length=500)] = "manual pause"


class ExplainWarming(BaseModel):
    """The body of `POST …/warming/explain`."""

    model_config = ConfigDict(extra="forbid")

    recipients: int = Field(default=1, ge=1, le=UNLIMITED)


def snapshot(counts: Counts, *, daily_volume: int, days_in_phase: int) -> dict[str, int | float]:
    """The figures on which a change of phase was decided, for its history."""
    rates = counts.rates()
    return {
        "bounce_rate": rates["bounce_rate"],
        "complaint_rate": rates["complaint_rate"],
        "delivery_rate": rates["delivery_rate"],
        "daily_volume": daily_volume,
        "days_in_phase": days_in_phase,
    }
