"""One client in its own process: it sends, returns quota, pauses and changes limits, and records every response."""

import gc
import os
import random
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from threading import Barrier
from typing import Any
from unittest import mock

from botocore.exceptions import ReadTimeoutError

from kindling.errors import StaleStatus, StoreUnavailable
from kindling.metrics.model import GMAIL, OTHER
from kindling.platform import aws, clock, table
from kindling.warming import admission, changes, store
from kindling.warming.gate import Refusal, Windows
from kindling.warming.model import (
    API,
    DAY,
    Limits,
    Phase,
    Warming,
    history_entry,
    next_phase,
    previous_phase,
    warming_key,
    window_of_class,
)
from tests.system.gate.linearizability import Event
from tests.system.gate.model import (
    Admitted,
    Changed,
    ClosedTo,
    GaveBack,
    Looked,
    Outrun,
    Refused,
    State,
    state_of,
    three,
)
from tests.system.gate.wire import Unanswered, Wire

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
# The speeds of the clock, as multiples of real time, cycled from round to round.
SPEEDS = (600, 300, 1200, 120)
SKEW_SECONDS = 2.0
LAG_SECONDS = 90.0
ROUND_SECONDS = 300.0
# The limit per minute at the first speed, from which the other limits are derived.
PER_MINUTE = (40, 80, 120, 200, 400)
MINUTES_IN_HOUR, HOURS_IN_DAY = (15, 30, 60), (1, 2, 8)
# The part of the daily limit that may go to Gmail, where half of the mail goes.
GMAIL_SHARES = (3, 4, 8)

CHANGE, LOOK, GIVE_BACK, LOSE, LOSE_ALL = 0.01, 0.02, 0.04, 0.002, 0.0004
# The SDK tries three times.
ALL_TRIES = 3
_UNIT = {
    "daily": timedelta(days=1),
    "mailbox_provider": timedelta(days=1),
    "hourly": timedelta(hours=1),
    "per_minute": timedelta(minutes=1),
}
_LENGTH = {"daily": 10, "mailbox_provider": 10, "hourly": 13, "per_minute": 16}


@dataclass(frozen=True)
class Plan:
    """A run. In every round all clients use one item, until each has made `decisions` decisions."""

    engine_url: str
    table_name: str
    run: str
    rounds: int
    clients: int
    decisions: int
    # Use a broken gate, which writes back what it has read, to show that the checks detect it.
    careless: bool = False
    # The share of quota returns whose response is lost.
    lose_give_backs: float = 0.0

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.engine_url,
            "TABLE_NAME": self.table_name,
        }

    def first(self, number: int) -> Warming:
        """A round's item at the start."""
        dice = random.Random(number)  # noqa: S311
        limits = some_limits(dice, number)
        return Warming(
            user_id=f"gate-{self.run}",
            domain_id=f"domain-{number}",
            phase=Phase.PHASE_1,
            limits=limits,
            budgets=some_budgets(dice, limits),
        )


@dataclass(frozen=True, slots=True)
class Lost:
    """A write whose response was lost. If it was applied, then before `ended`; a client cannot know either."""

    call: Admitted | GaveBack
    began: int
    ended: int
    applied: bool


@dataclass
class Record:
    """The events of one client on one item."""

    number: int
    events: list[Event[State]] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    # Decisions that raised an error: none was made, or its outcome is unknown.
    undecided: int = 0
    unknown: int = 0
    # Writes whose condition failed.
    races: int = 0


def some_limits(dice: random.Random, number: int) -> Limits:
    minute = dice.choice(PER_MINUTE) * SPEEDS[0] // SPEEDS[number % len(SPEEDS)]
    hour = minute * dice.choice(MINUTES_IN_HOUR)
    return Limits(daily_limit=hour * dice.choice(HOURS_IN_DAY), hourly_limit=hour, per_minute_limit=minute)


def some_budgets(dice: random.Random, limits: Limits) -> dict[str, int]:
    return {GMAIL: max(limits.daily_limit // dice.choice(GMAIL_SHARES), 1)}


def main(plan: Plan, index: int, barrier: Barrier, results: Connection) -> None:
    """Take part in every round and send a record of each, or the text of an error."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "KINDLING_"))]:
        del os.environ[name]
    os.environ |= plan.environment
    wire = Wire(plan.engine_url)
    try:
        wire.attach(aws.dynamodb().meta.client)
        wire.attach(aws.table_without_retries().meta.client)
        # All objects are kept until the end, so garbage collection would only take a tenth of the time.
        gc.freeze()
        gc.set_threshold(100_000)
        for number in range(plan.rounds):
            if index == 0:
                table.transact([store.created(plan.first(number))])
            barrier.wait(ROUND_SECONDS)
            client = Client(plan, index, number, wire)
            client.work()
            barrier.wait(ROUND_SECONDS)
            client.record.races, wire.races = wire.races, 0
            if index == 0:
                client.look()
            results.send(client.record)
    except BaseException:
        results.send(traceback.format_exc())
        barrier.abort()
        raise
    finally:
        wire.close()
        results.close()


class FastClock:
    """A clock that reaches midnight in a few real seconds. The last client's is behind, the others' are close."""

    def __init__(self, plan: Plan, index: int, number: int) -> None:
        self._speed = SPEEDS[number % len(SPEEDS)]
        self._began = time.monotonic()
        skew = -LAG_SECONDS if index == plan.clients - 1 else SKEW_SECONDS * index
        self._first = MIDNIGHT + timedelta(seconds=skew - self._speed * (2 + number % 3))

    def now(self) -> datetime:
        return self._first + timedelta(seconds=(time.monotonic() - self._began) * self._speed)

    def minute(self) -> str:
        return self.now().isoformat(timespec="minutes")[:16]


class Client:
    """A client in one round."""

    def __init__(self, plan: Plan, index: int, number: int, wire: Wire) -> None:
        self._plan = plan
        self._number = number
        self._first = plan.first(number)
        self._wire = wire
        self._dice = random.Random(f"{number}/{index}")  # noqa: S311
        self._clock = FastClock(plan, index, number)
        self._kept: list[tuple[Windows, int, int]] = []
        self.record = Record(number)

    def work(self) -> None:
        with ExitStack() as patches:
            patches.enter_context(mock.patch.object(clock, "now", self._clock.now))
            if self._plan.careless:
                patches.enter_context(mock.patch.object(store, "count", careless_count))
            for _ in range(self._plan.decisions):
                self._decide()
                chance = self._dice.random()
                if chance < CHANGE:
                    self._change()
                elif chance < CHANGE + LOOK:
                    self.look()
                elif chance < CHANGE + LOOK + GIVE_BACK and self._kept:
                    self._give_back()

    def look(self) -> Warming:
        began = time.monotonic_ns()
        warming = self._read()
        self._note(Looked(state_of(warming)), began)
        return warming

    def _read(self) -> Warming:
        warming = store.get(self._first.user_id, self._first.domain_id)
        assert warming is not None
        return warming

    def _note(self, call: Any, began: int) -> None:
        self.record.events.append(Event(call, began, time.monotonic_ns()))

    def _decide(self) -> None:
        """Decide as a send does: read the item, then pass the gate."""
        n = self._dice.randint(1, 20)
        at_gmail = self._dice.randint(0, n)
        chance = 1.0 if self._plan.careless else self._dice.random()
        self._wire.to_lose = ALL_TRIES if chance < LOSE_ALL else 1 if chance < LOSE else 0
        since, began = self._clock.minute(), time.monotonic_ns()
        try:
            outcome = admission.admit(self._read(), _recipients(n, at_gmail))
        except StoreUnavailable as unavailable:
            if isinstance(unavailable.__cause__, ReadTimeoutError):
                self.record.unknown += 1
            else:
                self.record.undecided += 1
        else:
            self._note(answer(outcome, n, since, self._clock.minute(), at_gmail), began)
            if isinstance(outcome, Windows):
                self._kept.append((outcome, n, at_gmail))
        self.record.lost += [_counted(unanswered) for unanswered in self._wire.take()]

    def _give_back(self) -> None:
        """Return the quota of one of the last admissions, whose windows may have expired."""
        windows, n, at_gmail = self._kept.pop(-self._dice.randint(1, min(len(self._kept), 20)))
        call = GaveBack(n, windows.minute, at_gmail)
        self._wire.to_lose = int(self._dice.random() < self._plan.lose_give_backs)
        began = time.monotonic_ns()
        recipients = _recipients(n, at_gmail)
        admission.give_back(self._first.user_id, self._first.domain_id, windows, recipients)
        if unanswered := self._wire.take():
            applied = any(write.applied for write in unanswered)
            self.record.lost.append(Lost(call, began, time.monotonic_ns(), applied))
        else:
            self._note(call, began)

    def _change(self) -> None:
        warming = self.look()
        limits = some_limits(self._dice, self._number)
        chance = self._dice.random()
        if warming.phase == Phase.PAUSED:
            self._move(warming, _resumed(warming) if chance < 0.85 else Phase.PAUSED, limits, changes.STOP_FIELDS)
        elif chance < 0.2:
            put, drop = changes.stopped(warming, "drill", API)
            self._try(warming, warming, Phase.PAUSED, lambda: self._write(warming, Phase.PAUSED, put, drop))
        elif chance < 0.35 or warming.phase == Phase.WARMED:
            forward = warming.phase != Phase.WARMED and self._dice.random() < 0.5
            self._move(warming, next_phase(warming.phase) if forward else previous_phase(warming.phase), limits)
        else:
            self._move(warming, warming.phase, limits)

    def _move(self, warming: Warming, to: Phase, limits: Limits, drop: tuple[str, ...] = ()) -> None:
        """Set limits from today on, none in the last phase, and the phase if it differs."""
        budgets = some_budgets(self._dice, limits)
        new = warming.model_copy(update={"limits": limits, "limits_on": changes.today(), "budgets": budgets})
        put = {"limits": limits.model_dump(), "limits_on": new.limits_on, "budgets": budgets}
        if to == warming.phase:
            self._try(warming, new, to, lambda: store.adjust(warming, put=put))
        elif to == Phase.WARMED:
            new = warming.model_copy(update={"limits": None, "limits_on": "", "budgets": {}})
            self._try(
                warming, new, to, lambda: self._write(warming, to, {"budgets": {}}, (*drop, "limits", "limits_on"))
            )
        else:
            self._try(warming, new, to, lambda: self._write(warming, to, put, drop))

    def _write(self, warming: Warming, to: Phase, put: dict[str, Any], drop: tuple[str, ...]) -> bool:
        try:
            store.move(warming, history_entry(warming, to, reason="drill", triggered_by=API), put=put, drop=drop)
        except StaleStatus:
            return False
        return True

    def _try(self, warming: Warming, new: Warming, to: Phase, write: Callable[[], bool]) -> None:
        began = time.monotonic_ns()
        changed = Changed(warming.revision, to.value, three(new.limits), new.limits_on, new.budgets.get(GMAIL))
        self._note(changed if write() else Outrun(warming.revision), began)


def _resumed(warming: Warming) -> Phase:
    """The phase after a pause; a warmed domain, which only the policy pauses, resumes a phase lower."""
    before = warming.phase_before or Phase.PHASE_1
    return previous_phase(before) if before == Phase.WARMED else before


def _recipients(n: int, at_gmail: int) -> dict[str, int]:
    return {GMAIL: at_gmail, OTHER: n - at_gmail}


def answer(
    outcome: Windows | Refusal, n: int, since: str, until: str, at_gmail: int = 0
) -> Admitted | ClosedTo | Refused:
    """The call for a decision that was made between `since` and `until` of the client's clock."""
    if isinstance(outcome, Windows):
        return Admitted(n, outcome.minute, since, until, at_gmail=at_gmail)
    if outcome.bound is None:
        return ClosedTo(outcome.phase.value)
    bound, of_budget = outcome.bound, bool(outcome.bound.mailbox_provider)
    begin = bound.ends_at - _UNIT[bound.limit_type]
    window = begin.isoformat()[: _LENGTH[bound.limit_type]]
    return Refused(n, outcome.phase.value, window, bound.limit, bound.used, since, until, at_gmail, of_budget)


def _counted(unanswered: Unanswered) -> Lost:
    """The call for a counting write whose response was lost, from its names and values."""
    names, values = unanswered.names, unanswered.values
    windows = {window: values[f":n{name[2:]}"]["N"] for name, window in names.items() if name.startswith("#w")}
    minute = values[":minute"]["S"]
    at_gmail = int(windows.get(window_of_class(minute[:DAY], GMAIL), 0))
    call = Admitted(int(windows[minute]), minute, minute, minute, int(values[":revision"]["N"]), at_gmail)
    return Lost(call, unanswered.began, unanswered.ended, unanswered.applied)


def careless_count(warming: Warming, windows: Windows, recipients: dict[str, int]) -> None:
    """Counts like `store.count`, but in the item as it was read, and writes it back without a condition."""
    sent = {name: warming.sent.get(name, 0) + n for name, n in windows.counts(recipients).items()}
    counted = warming.model_copy(update={"minute": windows.minute, "sent": warming.sent | sent})
    aws.table().put_item(Item={**warming_key(warming.user_id, warming.domain_id), **counted.item()})
