"""The table, the metrics and the clock of one domain in memory, for the production code."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from unittest.mock import Mock, patch

from kindling.metrics import store as metrics
from kindling.metrics.model import GMAIL, OTHER, OWN, Counts, Period
from kindling.platform import clock, due
from kindling.warming import changes, cohorts, gate, judgement, policy, store
from kindling.warming.evidence import Evidence, Tally
from kindling.warming.model import (
    ALLOWED,
    SENDING,
    HistoryEntry,
    Limits,
    Phase,
    Slowed,
    Warming,
    history_entry,
    window_of_class,
)
from kindling.warming.policy import Verdict
from kindling.warming.schedules import Schedule

Judge = Callable[..., Verdict]
KEY = {"pk": "TENANT#u", "sk": "WARMING#d"}


# More days than any simulation has.
MOST_DAYS = 1_000


class Memory:
    """One domain's item, history and metrics, and the time. `faults` has the writes that break a guarantee."""

    def __init__(self, schedule: Schedule, first: date, tenant: dict[int, Tally] | None = None) -> None:
        self.schedule = schedule
        self.first = first
        self.instant = datetime.combine(first, time.min, tzinfo=UTC)
        self.warming = Warming(user_id="u", domain_id="d", domain="acme.example")
        self.history: list[HistoryEntry] = []
        self._reports: dict[str, list[int]] = {}
        self.admitted: dict[str, dict[str, int]] = {}
        self._periods: dict[str, tuple[tuple[int, ...], Period]] = {}
        self.names = [(first + timedelta(days=day)).isoformat() for day in range(MOST_DAYS)]
        self.faults: list[str] = []
        self.steps_back = self.lowered = 0
        # What the tenant's domains show, and the gates of domains that had the name before.
        self.tenant = {} if tenant is None else tenant
        self.gates: dict[str, Warming] = {}
        self.owners = {"u": ""}

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

    def admit(self, recipients: int, *, gmail: float = 0.0, own: float = 0.0) -> None:
        """Set today's count of admitted recipients, and drop the days that the gate drops."""
        if recipients == self.warming.sent.get(self.today, 0):
            return
        if recipients > self.warming.limit.daily_limit:
            self.faults.append(f"{recipients} admitted on {self.today} with {self.warming.limit}")
        sent = self.warming.sent
        if self.today not in sent:
            for old in gate.outdated(self.warming, gate.Windows(f"{self.today}T00:00")):
                sent.pop(old, None)
        hour = f"{self.today}T{self.instant:%H}"
        sent[hour] = sent.get(hour, 0) + recipients - sent.get(self.today, 0)
        sent[self.today] = recipients
        at_own = round(own * recipients)
        at_gmail = round(gmail * (recipients - at_own))
        for name, count in ((OTHER, recipients - at_own - at_gmail), (GMAIL, at_gmail), (OWN, at_own)):
            sent[window_of_class(self.today, name)] = count

    def reports(self, place: str) -> list[int]:
        """Bounces, complaints and deliveries of the mail of a day, or of an hour, to be counted up."""
        found = self._reports.get(place)
        if found is None:
            found = self._reports[place] = [0, 0, 0]
        return found

    def name(self, day: int) -> str:
        """The date of a day of the simulation."""
        return self.names[day]

    def evidence(self) -> Evidence:
        """The evidence that the policy would use now."""
        return cohorts.read(self.warming)

    def start(self) -> None:
        """Start warming, as for a verified domain."""
        entry = changes.start_entry(self.warming, "system")
        put, drop = changes.started(self.warming, self.schedule)
        self.move(self.warming, entry, put=put, drop=drop)

    def resume(self) -> None:
        """Resume after a pause by the policy, as `resume` does."""
        cohorts.keep(self.warming)
        phase, (put, drop) = changes.resumed(self.warming, self.schedule, peak=self.evidence().peak)
        entry = history_entry(self.warming, phase, reason="warming_resumed", triggered_by="api")
        self.move(self.warming, entry, put=put, drop=drop)

    def register_again(self, day: int) -> None:
        """Delete the domain, and let another tenant register the name, as `parts.started` does."""
        cohorts.keep(self.warming)
        gate, tenant = self.warming, f"u{day}"
        fresh = Warming(user_id=tenant, domain_id="d")
        phase, (put, drop) = changes.inherited(fresh, gate, self.schedule)
        put |= {"former": f"{gate.user_id}/{gate.domain_id}", "former_until": changes.today()}
        self.gates[gate.user_id] = gate
        self.owners[tenant] = self.today
        self.warming = fresh.model_copy(update={"limits": gate.limits, "limits_on": gate.limits_on})
        self._write(phase, put, drop)

    # These replace functions of kindling.warming.store and kindling.metrics.store.

    def read(self, _key: dict[str, str]) -> Warming:
        return self.warming

    def kept(self, user_id: str, _domain_id: str) -> Warming | None:
        return self.gates.get(user_id)

    def put_evidence(self, _warming: Warming, week: Tally) -> None:
        self.tenant[id(self)] = week

    def evidence_of(self, _user_id: str) -> list[Tally]:
        return list(self.tenant.values())

    def schedule_of(self, _user_id: str) -> Schedule:
        return self.schedule

    def periods(self, user_id: str, _domain_id: str, names: list[str]) -> list[Period]:
        """The metrics of each day belong to the domain that had the name then."""
        return [self._period(name) if self._owner(name) == user_id else Period(name=name) for name in names]

    def _owner(self, name: str) -> str:
        since = [user_id for user_id, day in self.owners.items() if day <= name[:10]]
        return since[-1]

    def _period(self, name: str) -> Period:
        """All reports are about recipients at one mailbox provider. Most days do not change any more."""
        reports, admitted = self._reports.get(name, [0, 0, 0]), self.admitted.get(name, {})
        seen = (*reports, *admitted.values())
        if name not in self._periods or self._periods[name][0] != seen:
            bounced, complained, delivered = reports
            counts = Counts(
                admitted=admitted.get(OTHER, 0), bounced=bounced, complained=complained, delivered=delivered
            )
            providers = {GMAIL: Counts(admitted=admitted.get(GMAIL, 0)), OTHER: counts}
            self._periods[name] = seen, Period(name=name, providers=providers)
        return self._periods[name][1]

    def put_admitted(self, _user: str, _domain: str, day: str, admitted: dict[str, int], _limit: int | None) -> None:
        self.admitted[day] = admitted

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
        self.lowered += "held_on" in put
        self.steps_back += before.phase in SENDING and phase in SENDING and self._falls(before, phase, put)
        changes = {name: value for name, value in put.items() if name not in due.FIELDS}
        changes |= {name: Warming.model_fields[name].default for name in drop if name not in due.FIELDS}
        if changes.get("limits"):
            changes["limits"] = Limits(**changes["limits"])
        if "slowed" in changes:
            changes["slowed"] = {name: Slowed(**one) for name, one in changes["slowed"].items()}
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
        if now.phase != Phase.WARMED and now.limits.lower_of(planned) != now.limits:
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
            (store, "kept", memory.kept),
            (store, "put_evidence", memory.put_evidence),
            (store, "evidence_of", memory.evidence_of),
            (metrics, "days", memory.periods),
            (metrics, "hours", memory.periods),
            (metrics, "put_admitted", memory.put_admitted),
            (policy, "judge", judge),
            (judgement, "logger", Mock()),
        ):
            stack.enter_context(patch.object(place, name, instead))
        yield
