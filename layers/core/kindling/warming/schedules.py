"""Warming schedules: what may be sent on which day of a phase, and what it takes to come further.

Presets are data with a version; a preset that changes gets a new one, so that a domain's history stays readable.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kindling.warming.model import RAMPED, UNLIMITED, Limits, Phase

Count = Annotated[int, Field(ge=1, lt=UNLIMITED)]


class Step(BaseModel):
    """The limits of one day of a phase, in recipients; the day after uses the next step."""

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
    """One phase: its steps, the least days in it, and the least recipients in seven days, before it is left."""

    model_config = ConfigDict(extra="forbid")

    steps: Annotated[list[Step], Field(min_length=1, max_length=60)]
    min_days: Annotated[int, Field(ge=1, le=60)]
    min_volume: Count


class Thresholds(BaseModel):
    """Shares of what was sent, 0 to 1. A schedule may be stricter than the mailbox providers' own rules, not laxer.

    Complaints: Gmail and Yahoo ask for less than 0.1 % and act at 0.3 %. Bounces: Amazon SES reviews an account at
    5 % and stops it at 10 %.
    """

    model_config = ConfigDict(extra="forbid")

    # Needed to advance, on the raw figures.
    min_delivery_rate: Annotated[float, Field(ge=0.9, le=1)] = 0.95
    max_bounce_rate: Annotated[float, Field(gt=0, le=0.05)] = 0.03
    max_complaint_rate: Annotated[float, Field(gt=0, le=0.001)] = 0.001
    # Paused, and suspended, once the true rate is above these with confidence.
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
    model_config = ConfigDict(extra="forbid")

    phase_1: PhasePlan
    phase_2: PhasePlan
    phase_3: PhasePlan
    phase_4: PhasePlan


class Schedule(BaseModel):
    """A whole schedule. Limits never fall from one day to the next, so that being late only means sending less."""

    name: str
    version: int
    phases: Phases
    thresholds: Thresholds = Thresholds()

    @model_validator(mode="after")
    def _rising(self) -> Self:
        steps = [(phase, day, step) for phase in RAMPED for day, step in enumerate(self.plan(phase).steps)]
        for (_, _, low), (phase, day, high) in pairwise(steps):
            if low.limits.lower_of(high.limits) != low.limits:
                raise ValueError(f"{phase} day {day} allows less than the day before")
        return self

    def plan(self, phase: Phase) -> PhasePlan:
        """The plan of one of the four phases."""
        plan: PhasePlan = getattr(self.phases, phase.value)
        return plan

    def limits(self, phase: Phase, day: int) -> Limits | None:
        """What a phase allows on its `day`, counted from 0 and staying at the last step; None once warmed."""
        if phase not in RAMPED:
            return None
        steps = self.plan(phase).steps
        return steps[min(day, len(steps) - 1)].limits

    def wire(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class OwnSchedule(BaseModel):
    """The body of `PUT /v1/warming/schedules`: a preset's name, or four phases of the tenant's own."""

    model_config = ConfigDict(extra="forbid")

    preset: str | None = None
    phases: Phases | None = None
    thresholds: Thresholds | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.preset is None) == (self.phases is None):
            raise ValueError("needs either preset or phases")
        if self.preset is not None and self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}")
        if self.preset is not None and self.thresholds is not None:
            raise ValueError("a preset has its own thresholds")
        return self

    @model_validator(mode="after")
    def _valid_as_a_whole(self) -> Self:
        if self.phases is not None:
            self.schedule(1)
        return self

    def schedule(self, version: int) -> Schedule:
        """What it asks for, as the tenant's version `version` where it is the tenant's own."""
        if self.phases is None:
            return PRESETS[self.preset or STANDARD]
        return Schedule(name=CUSTOM, version=version, phases=self.phases, thresholds=self.thresholds or Thresholds())


STANDARD, CUSTOM = "standard", "custom"

Triple = tuple[int, int, int]


def _phase(steps: Iterable[Triple], *, min_days: int, min_volume: int) -> PhasePlan:
    return PhasePlan(
        steps=[Step(daily_limit=day, hourly_limit=hour, per_minute_limit=minute) for day, hour, minute in steps],
        min_days=min_days,
        min_volume=min_volume,
    )


def _preset(name: str, *phases: PhasePlan) -> Schedule:
    named = dict(zip((phase.value for phase in RAMPED), phases, strict=True))
    return Schedule(name=name, version=1, phases=Phases(**named))


# The published ranges (50-1,500, 2,000-10,000, 15,000-60,000, 100,000-200,000 a day, two weeks each) with the two
# printed triples at phase_2 day 5 and phase_3 day 0; an hour is a tenth of a day as in both. In between no day
# allows more than half as much again as the one before. The first days' hours and minutes are wide enough for one
# message with some copies.
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

# For newsletters that are expected: the tiers of 50, 100, 250 … 100,000 a day that SendBolt publishes, two or three
# days each as its three weeks ask, with an hour of a fifth of the day as such mail goes out in few runs.
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

# For cold outreach from a handful of inboxes: Warmbly's ten a day, one more every day to forty, then its fifty a
# day and inbox at ten minutes between two mails, here for five inboxes that begin together.
_OUTREACH = _preset(
    "outreach",
    _phase([(10 + day, 5, 2) for day in range(14)], min_days=14, min_volume=50),
    _phase([(24 + day, 8, 3) for day in range(16)], min_days=14, min_volume=80),
    _phase([(40 + 5 * day, 15, 4) for day in range(14)], min_days=14, min_volume=150),
    _phase([(110 + 10 * day, 30, 5) for day in range(15)], min_days=14, min_volume=400),
)

PRESETS = {schedule.name: schedule for schedule in (_STANDARD, _TIERED, _OUTREACH)}
