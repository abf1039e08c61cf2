"""Warming schedules: the limits of each day of a phase, and what is required to advance.

Presets are data with a version; a changed preset gets a new version, so that a domain's history stays readable.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from math import ceil
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kindling.warming.model import RAMPED, UNLIMITED, Limits, MailboxProvider, Phase

Count = Annotated[int, Field(ge=1, lt=UNLIMITED)]
# Of the daily limit, what may go to recipients at each mailbox provider; all of it to one that is not named.
Shares = dict[MailboxProvider, Annotated[float, Field(gt=0, le=1)]]


class Stage(BaseModel):
    """The limits of one day of a phase, in recipients. The next day uses the next stage."""

    model_config = ConfigDict(extra="forbid")

    daily_limit: Count
    hourly_limit: Count
    per_minute_limit: Count

    @model_validator(mode="after")
    def _nested(self) -> Self:
        if not self.per_minute_limit <= self.hourly_limit <= self.daily_limit:
            raise ValueError("needs per_minute_limit <= hourly_limit <= daily_limit")
        return self

    @property
    def limits(self) -> Limits:
        return Limits(**self.model_dump())


class PhasePlan(BaseModel):
    """One phase: its stages, and the minimum of days with mail and of recipients before it may be left.

    On the wire the stages are called `steps`.
    """

    model_config = ConfigDict(extra="forbid")

    stages: Annotated[list[Stage], Field(alias="steps", min_length=1, max_length=60)]
    min_days: Annotated[int, Field(ge=1, le=60)]
    min_volume: Count


class Thresholds(BaseModel):
    """Shares of the recipients, 0 to 1. A schedule may be stricter than the mailbox providers' rules, not laxer.

    Complaints: Gmail and Yahoo ask for less than 0.1 % and act at 0.3 %. Bounces: Amazon SES reviews an account at
    5 % and stops it at 10 %.
    """

    model_config = ConfigDict(extra="forbid")

    # Needed to advance, on the raw figures.
    min_delivery_rate: Annotated[float, Field(ge=0.9, le=1)] = 0.95
    max_bounce_rate: Annotated[float, Field(gt=0, le=0.05)] = 0.03
    max_complaint_rate: Annotated[float, Field(gt=0, le=0.001)] = 0.001
    # The domain is paused, or suspended, when its true rate is above these with confidence.
    pause_bounce_rate: Annotated[float, Field(gt=0, le=0.05)] = 0.05
    pause_complaint_rate: Annotated[float, Field(gt=0, le=0.001)] = 0.001
    suspend_bounce_rate: Annotated[float, Field(gt=0, le=0.1)] = 0.1
    suspend_complaint_rate: Annotated[float, Field(gt=0, le=0.003)] = 0.003

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.max_bounce_rate <= self.pause_bounce_rate <= self.suspend_bounce_rate:
            raise ValueError("needs max_bounce_rate <= pause_bounce_rate <= suspend_bounce_rate")
        if not self.max_complaint_rate <= self.pause_complaint_rate <= self.suspend_complaint_rate:
            raise ValueError("needs max_complaint_rate <= pause_complaint_rate <= suspend_complaint_rate")
        return self


class Phases(BaseModel):
    """The plans of the four phases."""

    model_config = ConfigDict(extra="forbid")

    phase_1: PhasePlan
    phase_2: PhasePlan
    phase_3: PhasePlan
    phase_4: PhasePlan


class Schedule(BaseModel):
    """A whole schedule. Limits never fall from one day to the next, so a late judgement can only lower what is sent."""

    name: str
    version: int
    phases: Phases
    thresholds: Thresholds = Thresholds()
    mailbox_providers: Shares = {}

    @model_validator(mode="after")
    def _rising(self) -> Self:
        stages = [(phase, day, stage) for phase in RAMPED for day, stage in enumerate(self.plan(phase).stages)]
        for (_, _, low), (phase, day, high) in pairwise(stages):
            if low.limits.lower_of(high.limits) != low.limits:
                raise ValueError(f"{phase} day {day} allows less than the day before")
        return self

    def plan(self, phase: Phase) -> PhasePlan:
        """The plan of one of the four phases."""
        plan: PhasePlan = getattr(self.phases, phase.value)
        return plan

    def limits(self, phase: Phase, day: int) -> Limits:
        """The limits on a phase's `day`, counted from 0; the last stage's from then on, and for `warmed`."""
        stages = self.plan(phase if phase in RAMPED else RAMPED[-1]).stages
        return stages[min(day, len(stages) - 1) if phase in RAMPED else -1].limits

    def budgets(self, limits: Limits) -> dict[str, int]:
        """The recipients at each mailbox provider with a share of the daily limit, rounded up."""
        # As written: 0.07 of 100 are 7, though the nearest float is above.
        shares = {name: Decimal(str(share)) for name, share in self.mailbox_providers.items()}
        return {name: ceil(share * limits.daily_limit) for name, share in shares.items()}

    def wire(self) -> dict[str, Any]:
        """The schedule as the API returns it."""
        return self.model_dump(mode="json", by_alias=True)


class OwnSchedule(BaseModel):
    """The body of `PUT /v1/warming/schedules`: a preset's name, or four phases of the tenant's own."""

    model_config = ConfigDict(extra="forbid")

    preset: str | None = None
    phases: Phases | None = None
    thresholds: Thresholds | None = None
    mailbox_providers: Shares = {}

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.preset is None) == (self.phases is None):
            raise ValueError("needs either preset or phases")
        if self.preset is not None and self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}")
        if self.preset is not None and self.thresholds is not None:
            raise ValueError("a preset has its own thresholds")
        if self.preset is not None and self.mailbox_providers:
            raise ValueError("a preset has no mailbox_providers")
        return self

    @model_validator(mode="after")
    def _valid_as_a_whole(self) -> Self:
        if self.phases is not None:
            self.schedule(1)
        return self

    def schedule(self, version: int) -> Schedule:
        """The preset, or the tenant's own schedule as version `version`."""
        if self.phases is None:
            return PRESETS[self.preset or STANDARD]
        return Schedule(
            name=CUSTOM,
            version=version,
            phases=self.phases,
            thresholds=self.thresholds or Thresholds(),
            mailbox_providers=self.mailbox_providers,
        )


STANDARD, CUSTOM = "standard", "custom"

Triple = tuple[int, int, int]


def _phase(stages: Iterable[Triple], *, min_days: int, min_volume: int) -> PhasePlan:
    plan = [Stage(daily_limit=day, hourly_limit=hour, per_minute_limit=minute) for day, hour, minute in stages]
    return PhasePlan.model_validate({"steps": plan, "min_days": min_days, "min_volume": min_volume})


def _preset(name: str, *phases: PhasePlan) -> Schedule:
    by_name = dict(zip((phase.value for phase in RAMPED), phases, strict=True))
    return Schedule(name=name, version=1, phases=Phases(**by_name))


# The published ranges (50-1,500, 2,000-10,000, 15,000-60,000, 100,000-200,000 a day, two weeks each) with the two
# printed triples at phase_2 day 5 and phase_3 day 0; the hourly limit is a tenth of the daily one, as in both.
# Within a phase no day allows more than 1.5 times the day before. On the first days the hourly limit is higher, so
# that one message with some copies fits.
_STANDARD = _preset(
    STANDARD,
    _phase(
        [
            (50, 10, 5), (75, 10, 5), (100, 10, 5), (150, 15, 5), (200, 20, 5), (275, 28, 5), (350, 35, 5),
            (450, 45, 5), (550, 55, 5), (700, 70, 5), (850, 85, 5), (1_000, 100, 5), (1_250, 125, 5), (1_500, 150, 6),
        ],
        min_days=7,
        min_volume=3_000,
    ),
    _phase(
        [
            (2_000, 200, 8), (2_500, 250, 10), (3_000, 300, 12), (3_500, 350, 14), (4_200, 420, 17),
            (5_000, 500, 20), (5_500, 550, 22), (6_000, 600, 24), (6_500, 650, 26), (7_000, 700, 28),
            (7_500, 750, 30), (8_000, 800, 32), (9_000, 900, 36), (10_000, 1_000, 40),
        ],
        min_days=7,
        min_volume=20_000,
    ),
    _phase(
        [
            (15_000, 1_500, 50), (18_000, 1_800, 60), (21_000, 2_100, 70), (24_000, 2_400, 80), (27_000, 2_700, 90),
            (30_000, 3_000, 100), (33_000, 3_300, 110), (36_000, 3_600, 120), (40_000, 4_000, 133),
            (44_000, 4_400, 146), (48_000, 4_800, 160), (52_000, 5_200, 173), (56_000, 5_600, 186),
            (60_000, 6_000, 200),
        ],
        min_days=7,
        min_volume=120_000,
    ),
    _phase(
        [
            (100_000, 10_000, 333), (107_000, 10_700, 356), (115_000, 11_500, 383), (122_000, 12_200, 406),
            (130_000, 13_000, 433), (138_000, 13_800, 460), (146_000, 14_600, 486), (154_000, 15_400, 513),
            (162_000, 16_200, 540), (170_000, 17_000, 566), (178_000, 17_800, 593), (185_000, 18_500, 616),
            (192_000, 19_200, 640), (200_000, 20_000, 666),
        ],
        min_days=7,
        min_volume=400_000,
    ),
)  # fmt: skip

# For newsletters that recipients expect: the tiers of 50, 100, 250 … 100,000 a day that SendBolt publishes, over its
# three weeks: two days each, but one day at 25,000. The hourly limit is a fifth of the daily one, as a newsletter goes
# out in few runs.
_TIERED = _preset(
    "tiered",
    _phase([(50, 10, 5), (50, 10, 5), (100, 20, 5), (100, 20, 5), (250, 50, 5), (250, 50, 5)],
           min_days=5, min_volume=400),
    _phase([(500, 100, 10), (500, 100, 10), (1_000, 200, 20), (1_000, 200, 20), (2_500, 500, 50), (2_500, 500, 50)],
           min_days=5, min_volume=4_000),
    _phase([(5_000, 1_000, 50), (5_000, 1_000, 50), (10_000, 2_000, 100), (10_000, 2_000, 100),
            (25_000, 5_000, 250)], min_days=4, min_volume=25_000),
    _phase([(50_000, 10_000, 500), (50_000, 10_000, 500), (100_000, 20_000, 1_000), (100_000, 20_000, 1_000)],
           min_days=4, min_volume=100_000),
)  # fmt: skip

# For cold outreach from five inboxes that start together: Warmbly's ten a day, one more each day up to forty, then
# up to its fifty a day per inbox, with ten minutes between two mails.
_OUTREACH = _preset(
    "outreach",
    _phase([(10 + day, 5, 2) for day in range(14)], min_days=14, min_volume=50),
    _phase([(24 + day, 8, 3) for day in range(16)], min_days=14, min_volume=80),
    _phase([(40 + 5 * day, 15, 4) for day in range(14)], min_days=14, min_volume=150),
    _phase([(110 + 10 * day, 30, 5) for day in range(15)], min_days=14, min_volume=400),
)

# What AgentMail advises for a new domain (docs.agentmail.to/knowledge-base/domain-warming): 10 to 20 on the first three
# days, 50 to 100 up to the seventh, 200 to 500 in the second week and 500 to 1,000 in the third. The days between, and
# the fourth phase, which adds a tenth each day, are ours.
_AGENTMAIL = _preset(
    "agentmail",
    _phase([(10, 5, 2), (15, 5, 2), (20, 5, 2), (50, 10, 5), (65, 10, 5), (80, 10, 5), (100, 10, 5)],
           min_days=7, min_volume=200),
    _phase([(200, 20, 5), (250, 25, 5), (300, 30, 5), (350, 35, 5), (400, 40, 5), (450, 45, 5), (500, 50, 5)],
           min_days=7, min_volume=1_200),
    _phase([(500, 50, 5), (575, 57, 5), (650, 65, 5), (725, 72, 5), (800, 80, 5), (900, 90, 5), (1_000, 100, 5)],
           min_days=7, min_volume=2_500),
    _phase([(1_100, 110, 5), (1_200, 120, 5), (1_300, 130, 5), (1_450, 145, 5), (1_600, 160, 6), (1_750, 175, 6),
            (1_950, 195, 7)], min_days=7, min_volume=5_000),
)  # fmt: skip

PRESETS = {schedule.name: schedule for schedule in (_STANDARD, _TIERED, _OUTREACH, _AGENTMAIL)}
