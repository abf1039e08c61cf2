"""The table, the metrics and the clock of one domain in memory, for the production code."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from unittest.mock import Mock, patch

from kindling.metrics import store as metrics
from kindling.metrics.model import PERIOD_DAYS, Counts, Period, dates
from kindling.platform import clock, due
from kindling.warming import changes, gate, judgement, policy, store
from kindling.warming.model import ALLOWED, SENDING, HistoryEntry, Limits, Phase, Warming, history_entry
from kindling.warming.policy import Evidence, Verdict
from kindling.warming.schedules import Schedule

Judge = Callable[..., Verdict]
KEY = {"pk": "TENANT#u", "sk": "WARMING#d"}


class Memory:
    """One domain's item, history and metrics, and the time. `faults` has the writes that break a guarantee."""

    def __init__(self, schedule: Schedule, first: date) -> None:
        self.schedule = schedule
        self.first = first
        self.instant = datetime.combine(first, time.min, tzinfo=UTC)
        self.warming = Warming(user_id="u", domain_id="d", domain="acme.example")
        self.history: list[HistoryEntry] = []
        self.periods: dict[str, Period] = {}
        self.faults: list[str] = []
        self.steps_back = 0

    @property
    def today(self) -> str:
        return self.instant.date().isoformat()

    @property
    def sends(self) -> bool:
        """Whether the domain is in a phase in which it may send."""
        return self.warming.phase in SENDING

    def go_to(self, day: int, hours: float) -> None:
        """Move the clock to `hours` of day `day` of the simulation."""
        self.instant = datetime.combine(self.first, time.min, tzinfo=UTC) + timedelta(days=day, hours=hours)

    def admit(self, recipients: int) -> None:
        """Set today's count of admitted recipients, and drop the days that the gate drops."""
        if recipients == self.warming.sent.get(self.today, 0):
            return
        if recipients > self.warming.limit.daily_limit:
            self.faults.append(f"{recipients} admitted on {self.today} with {self.warming.limit}")
        if self.today not in self.warming.sent:
            for old in gate.outdated(self.warming, gate.Windows(f"{self.today}T00:00")):
                del self.warming.sent[old]
        self.warming.sent[self.today] = recipients

    @property
    def today_counts(self) -> Counts:
        """Today's metrics, which are counted up."""
        return self.periods.setdefault(self.today, Period(name=self.today)).total

    def evidence(self) -> Evidence:
        """The evidence that the policy would use now."""
        today = self.instant.date()
        return policy.evidence(self.warming, self.days("u", "d", dates(today, PERIOD_DAYS)), today)

    def start(self) -> None:
        """Start warming, as for a verified domain."""
        entry = changes.start_entry(self.warming, "system")
        put, drop = changes.started(self.warming, self.schedule)
        self.move(self.warming, entry, put=put, drop=drop)

    def resume(self) -> None:
        """Resume after a pause by the policy, as `resume` does."""
        phase = self.warming.phase_before or Phase.PHASE_1
        put, drop = changes.resumed(self.warming, self.schedule)
        put |= changes.judged_from_now(self.today_counts)
        entry = history_entry(self.warming, phase, reason="warming_resumed", triggered_by="api")
        self.move(self.warming, entry, put=put, drop=drop)

    # These replace functions of kindling.warming.store and kindling.metrics.store.

    def read(self, _key: dict[str, str]) -> Warming:
        return self.warming

    def schedule_of(self, _user_id: str) -> Schedule:
        return self.schedule

    def days(self, _user_id: str, _domain_id: str, names: list[str]) -> list[Period]:
        return [self.periods.get(name) or Period(name=name) for name in names]

    def adjust(self, warming: Warming, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> bool:
        self._write(warming.phase, put, drop)
        return True

    def move(self, warming: Warming, entry: HistoryEntry, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> None:
        if (entry.to_phase,) not in ALLOWED[warming.phase,]:
            self.faults.append(f"from {warming.phase} to {entry.to_phase}")
        self.history.append(entry)
        self._write(entry.to_phase, put, drop)

    def _write(self, phase: Phase, put: dict[str, Any], drop: tuple[str, ...]) -> None:
        before = self.warming
        self.steps_back += before.phase in SENDING and phase in SENDING and self._falls(before, phase, put)
        changes = {name: value for name, value in put.items() if name not in due.FIELDS}
        changes |= {name: Warming.model_fields[name].default for name in drop if name not in due.FIELDS}
        if changes.get("limits"):
            changes["limits"] = Limits(**changes["limits"])
        self.warming = before.model_copy(update=changes | {"phase": phase, "revision": before.revision + 1})
        self._check(before, self.warming)

    @staticmethod
    def _falls(before: Warming, phase: Phase, put: dict[str, Any]) -> bool:
        """Whether a write moves to an earlier phase, or to an earlier day of the same phase."""
        now = (SENDING.index(phase), put.get("ramp_day", before.ramp_day))
        return now < (SENDING.index(before.phase), before.ramp_day)

    def _check(self, before: Warming, now: Warming) -> None:
        if now.phase not in SENDING or now.limits is None:
            return
        planned = self.schedule.limits(now.phase, now.ramp_day)
        if planned is None or now.limits.lower_of(planned) != now.limits:
            self.faults.append(f"{now.limits} on day {now.ramp_day} of {now.phase}")
        if before.limits and before.limits_on == self.today and now.limits.lower_of(before.limits) != now.limits:
            self.faults.append(f"{before.limits} raised to {now.limits} within {self.today}")


@contextmanager
def remembering(memory: Memory, judge: Judge = policy.judge) -> Iterator[None]:
    """Let the production code use `memory` as its table and clock, and `judge` as its policy."""
    with ExitStack() as stack:
        for place, name, instead in (
            (clock, "now", lambda: memory.instant),
            (clock, "timestamp", lambda instant=None: (instant or memory.instant).isoformat(timespec="milliseconds")),
            (store, "read", memory.read),
            (store, "schedule_of", memory.schedule_of),
            (store, "adjust", memory.adjust),
            (store, "move", memory.move),
            (metrics, "days", memory.days),
            (policy, "judge", judge),
            (judgement, "logger", Mock()),
        ):
            stack.enter_context(patch.object(place, name, instead))
        yield
