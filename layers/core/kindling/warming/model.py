"""The warming of a domain: its phase, limits and counters, the transitions of the phase, and its history."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kindling.metrics.model import APPLE, GMAIL, MICROSOFT, OTHER, OWN, YAHOO
from kindling.platform import clock
from kindling.platform.text import SingleLine
from kindling.platform.transitions import Graph

DUE_KIND = "warming"
# Digits of a history entry's sort key.
SORT_KEY_DIGITS = 10
# The limit that the API returns for "no limit", so that clients can compute with it.
UNLIMITED = 1_000_000_000
# The lengths of the names of windows: `2026-01-01`, `2026-01-01T09`, `2026-01-01T09:30`, and for a class `260101g`.
DAY, HOUR, MINUTE, OF_CLASS = 10, 13, 16, 7
# A class of recipients, which is a mailbox provider or OWN, in the name of its window. The item must stay small.
LETTERS = {GMAIL: "g", MICROSOFT: "m", YAHOO: "y", APPLE: "a", OTHER: "o", OWN: "t"}
# Those of MAILBOX_PROVIDERS, for fields.
MailboxProvider = Literal["gmail", "microsoft", "yahoo", "apple", "other"]


def window_of_class(day: str, name: str) -> str:
    """The name of a day's window for the class `name`: `260101g` for Gmail on 2026-01-01."""
    return day[2:].replace("-", "") + LETTERS[name]


def day_of_class(window: str) -> str:
    """The day of such a window."""
    return f"20{window[:2]}-{window[2:4]}-{window[4:6]}"


class Phase(StrEnum):
    NOT_STARTED = "not_started"
    PHASE_1 = "phase_1"
    PHASE_2 = "phase_2"
    PHASE_3 = "phase_3"
    PHASE_4 = "phase_4"
    WARMED = "warmed"
    PAUSED = "paused"
    SUSPENDED = "suspended"


NOT_STARTED, PHASE_1, PHASE_2, PHASE_3, PHASE_4, WARMED, PAUSED, SUSPENDED = ((phase,) for phase in Phase)
STOPPED = frozenset({PAUSED, SUSPENDED})
ALLOWED = {
    NOT_STARTED: frozenset({PHASE_1}),
    PHASE_1: frozenset({PHASE_2}) | STOPPED,
    PHASE_2: frozenset({PHASE_1, PHASE_3}) | STOPPED,
    PHASE_3: frozenset({PHASE_2, PHASE_4}) | STOPPED,
    PHASE_4: frozenset({PHASE_3, WARMED}) | STOPPED,
    WARMED: frozenset({PHASE_4}) | STOPPED,
    PAUSED: frozenset({PHASE_1, PHASE_2, PHASE_3, PHASE_4}),
    # Only by starting again with `force`.
    SUSPENDED: frozenset({PHASE_1}),
}
GRAPH = Graph(("phase",), ALLOWED)

# The phases with limits, those after a stop, and all phases in which a domain may send.
RAMPED = (Phase.PHASE_1, Phase.PHASE_2, Phase.PHASE_3, Phase.PHASE_4)
CLOSED = (Phase.PAUSED, Phase.SUSPENDED)
SENDING = (*RAMPED, Phase.WARMED)


def next_phase(phase: Phase) -> Phase:
    """The phase to which a domain advances; `warmed` after the fourth."""
    return SENDING[SENDING.index(phase) + 1]


def previous_phase(phase: Phase) -> Phase:
    """The phase to which a domain is demoted; the first one is its own."""
    return SENDING[max(SENDING.index(phase) - 1, 0)]


class Limits(BaseModel):
    """Recipients in a UTC day, hour and minute."""

    model_config = ConfigDict(frozen=True)

    daily_limit: int
    hourly_limit: int
    per_minute_limit: int

    @classmethod
    def of(cls, n: int) -> "Limits":
        """The same number in every window."""
        return cls(daily_limit=n, hourly_limit=n, per_minute_limit=n)

    def scaled(self, daily: int, least: "Limits") -> "Limits":
        """These limits in proportion to another `daily` one, with those of an hour and a minute not below `least`."""
        hourly = min(daily, max(least.hourly_limit, ceil(self.hourly_limit * daily / self.daily_limit)))
        minute = max(least.per_minute_limit, ceil(self.per_minute_limit * daily / self.daily_limit))
        return Limits(daily_limit=daily, hourly_limit=hourly, per_minute_limit=min(hourly, minute))

    def lower_of(self, other: "Limits") -> "Limits":
        """The lower of both, for each limit."""
        return Limits(
            daily_limit=min(self.daily_limit, other.daily_limit),
            hourly_limit=min(self.hourly_limit, other.hourly_limit),
            per_minute_limit=min(self.per_minute_limit, other.per_minute_limit),
        )


class Slowed(BaseModel):
    """A mailbox provider with a lower daily limit, and the date on which it was set last."""

    model_config = ConfigDict(frozen=True)

    limit: int
    on: str


NO_LIMITS, NO_SENDING = Limits.of(UNLIMITED), Limits.of(0)


def lower_budgets(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """The lower of both budgets for each mailbox provider; where only one has a budget, that one."""
    return {name: min(budgets[name] for budgets in (one, other) if name in budgets) for name in one | other}


class Warming(BaseModel):
    """A domain's warming and the counters of its gate, in one item. Instants are ISO 8601, dates `YYYY-MM-DD`, all UTC.

    `revision` grows with every write except those of sends, so that decisions made from an older state fail. `sent`
    holds the counted recipients by day, hour and minute: `2026-01-01`, `2026-01-01T09`, `2026-01-01T09:30`; and by day
    and class of recipients: `260101g`. The gate writes the whole item with every send, so it must stay small.
    """

    user_id: str
    domain_id: str
    phase: Phase = Phase.NOT_STARTED
    phase_before: Phase | None = None
    revision: int = 0
    schedule: str = "standard"
    schedule_version: int = 1
    # The current limits, None when the phase has none, and the date from which they apply.
    limits: Limits | None = None
    limits_on: str = ""
    # The date on which the schedule was last changed.
    followed_on: str = ""
    # The index of the current stage in the phase's plan, the days spent in the phase, and the date up to which these
    # were counted.
    ramp_day: int = 0
    phase_days: int = 0
    counted_on: str = ""
    # The days on which mail was admitted since the phase began, and the recipients of those days; the first day of
    # sending that the policy judges, and, if that is later, the first by whose rates the domain moves on or back.
    mailed_days: int = 0
    mailed: int = 0
    judged_from: str = ""
    moved_from: str | None = None
    # The daily limit is held at this number after a bad day, on which it was lowered, until good days raise it again.
    held_at: int | None = None
    held_on: str = ""
    # The mailbox providers that are written to less, since they block the domain's mail.
    slowed: dict[str, "Slowed"] = {}
    # Pauses by the policy since the domain advanced to the phase.
    strikes: int = 0
    stopped_because: str | None = None
    stopped_by: str | None = None
    # The newest minute in which a send was counted.
    minute: str = ""
    sent: dict[str, int] = {}
    # Recipients at a mailbox provider in a UTC day; one without an entry has no limit of its own.
    budgets: dict[str, int] = {}
    # The daily limit of the warmed domain that a key with the scope `admin` has set.
    cap: int | None = None
    warming_started_at: str | None = None
    phase_started_at: str | None = None
    updated_at: str = ""
    # The tenant and id of the domain that had the name before, and the day on which this one took it over.
    former: str | None = None
    former_until: str | None = None
    # When the domain's time with the name ended: it was deleted, and the item expires, or another domain has verified
    # the name and goes on from here. From then on nothing is counted.
    ended_at: str = ""
    expires_at: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_key(cls, item: dict[str, Any]) -> dict[str, Any]:
        if "pk" not in item:
            return item
        names = {"user_id": item["pk"].partition("#")[2], "domain_id": item["sk"].partition("#")[2]}
        return names | item

    @property
    def deleted(self) -> bool:
        return self.expires_at is not None

    @property
    def days(self) -> dict[str, int]:
        """The entries of `sent` for days."""
        return self._windows(DAY)

    @property
    def hours(self) -> dict[str, int]:
        """The entries of `sent` for hours."""
        return self._windows(HOUR)

    def by_provider(self, day: str) -> dict[str, int]:
        """The recipients of a day by mailbox provider, or OWN; empty for a day whose windows are not kept any more."""
        windows = {name: window_of_class(day, name) for name in LETTERS}
        return {name: self.sent[window] for name, window in windows.items() if window in self.sent}

    def _windows(self, length: int) -> dict[str, int]:
        return {name: count for name, count in self.sent.items() if len(name) == length}

    @property
    def limit(self) -> Limits:
        """The limits as numbers: `NO_SENDING` in a phase without sending, `NO_LIMITS` when there are none."""
        if self.phase not in SENDING:
            return NO_SENDING
        return self.limits or NO_LIMITS

    def item(self) -> dict[str, Any]:
        """The attributes of the row, without its key, in which tenant and domain stand."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"user_id", "domain_id"})


def warming_key(user_id: str, domain_id: str) -> dict[str, str]:
    """The key of a domain's warming."""
    return {"pk": f"TENANT#{user_id}", "sk": f"WARMING#{domain_id}"}


def evidence_partition(user_id: str) -> str:
    """The partition key of what each of a tenant's domains shows for the judgement of all of them."""
    return f"TENANT#{user_id}#EVIDENCE"


def history_partition(user_id: str, domain_id: str) -> str:
    """The partition key of a domain's history."""
    return f"TENANT#{user_id}#WARMING#{domain_id}"


class Checks(Protocol):
    """Which of a domain's DNS records the mail provider has found."""

    spf: bool
    dkim: bool


class SendingDomain(Protocol):
    """The properties of a domain that warming uses. `why_not_sending` has the reasons why it cannot send."""

    id: str
    domain: str

    @property
    def checks(self) -> Checks: ...
    @property
    def why_not_sending(self) -> list[str]: ...


# The fields that a name's next domain, of any tenant, takes over as they are.
KEPT_FIELDS = (
    "strikes",
    "sent",
    "minute",
    "warming_started_at",
    "judged_from",
    "moved_from",
    "held_at",
    "held_on",
    "slowed",
)
# How long the gate of a deleted domain is kept for the next one of its name.
KEPT = timedelta(days=90)

# Who triggered a change of phase.
SYSTEM, API = "system", "api"


class HistoryEntry(BaseModel):
    """One change of phase.

    `reason` is a code such as `metrics_passed`, or the caller's own text; `detail` is a sentence with numbers.
    `triggered_by` is `SYSTEM` or `API`.
    """

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
    """The body of `POST …/warming/explain`: recipients as a whole, by mailbox provider, or both."""

    model_config = ConfigDict(extra="forbid")

    recipients: int = Field(default=1, ge=1, le=UNLIMITED)
    mailbox_providers: dict[MailboxProvider, Annotated[int, Field(ge=1, le=UNLIMITED)]] = {}

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.mailbox_providers:
            whole = sum(self.mailbox_providers.values())
            if "recipients" in self.model_fields_set and self.recipients != whole:
                raise ValueError(f"mailbox_providers add up to {whole:,}, not to the {self.recipients:,} of recipients")
            self.recipients = whole
        return self

    @property
    def by_class(self) -> Mapping[str, int]:
        """Unless told, the recipients count as those of a class without a budget."""
        return {str(name): n for name, n in self.mailbox_providers.items()} or {OWN: self.recipients}


class SetCap(BaseModel):
    """The body of `PUT …/warming/cap`. Null ends the cap."""

    model_config = ConfigDict(extra="forbid")

    daily_limit: Annotated[int, Field(ge=1, lt=UNLIMITED)] | None
