"""The linearizability checker of the gate's histories: which it accepts, and which it rejects."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import permutations

from kindling.metrics.model import GMAIL
from kindling.warming import gate
from kindling.warming.model import Limits, Phase, Warming
from tests.system.gate.accounts import violations
from tests.system.gate.linearizability import Event, check
from tests.system.gate.model import Admitted as Admission
from tests.system.gate.model import AnyCall, Changed, ClosedTo, GaveBack, Looked, Outrun, State, state_of
from tests.system.gate.model import Refused as Refusal
from tests.system.gate.run import History
from tests.system.gate.worker import answer

NOON, LATER = "2026-03-01T12:00", "2026-03-01T12:01"
DAY, HOUR = NOON[:10], NOON[:13]
LIMITS = (100, 50, 10)
OPEN = State(0, "phase_1", LIMITS)


def admitted(n: int, minute: str = NOON) -> Admission:
    return Admission(n, minute, minute, minute)


def refused(n: int, used: int, window: str = NOON, limit: int = 10, clock: str = "") -> Refusal:
    return Refusal(n, "phase_1", window, limit, used, clock or window.ljust(16, "0"), clock or window.ljust(16, "9"))


def looked(used: int, revision: int = 0, phase: str = "phase_1") -> Looked:
    return Looked(State(revision, phase, LIMITS, NOON, ((DAY, used),), used, used))


PAUSE, RESUME = Changed(0, "paused", LIMITS), Changed(1, "phase_1", LIMITS)


def one_by_one(*calls: AnyCall) -> list[Event[State]]:
    return [Event(call, 10 * i, 10 * i + 5) for i, call in enumerate(calls)]


def at_once(*calls: AnyCall) -> list[Event[State]]:
    return [Event(call, i, 100 + i) for i, call in enumerate(calls)]


def fits(events: list[Event[State]], initial: State = OPEN) -> bool:
    return check(initial, events).linearizable


def test_decisions_that_keep_to_the_limits_fit() -> None:
    calls: list[AnyCall] = [
        admitted(6),
        refused(5, 6),
        admitted(4),
        refused(1, 10),
        admitted(10, LATER),
        GaveBack(4, NOON),
    ]
    last = Looked(State(0, "phase_1", LIMITS, LATER, ((DAY, 16),), 16, 10))
    assert fits(one_by_one(*calls, last))


def test_more_than_a_limit_does_not_fit_in_any_order() -> None:
    assert fits(at_once(admitted(6), admitted(4)))
    assert not fits(at_once(admitted(6), admitted(5)))
    assert not fits(at_once(*(admitted(10, f"2026-03-01T12:0{i}") for i in range(6))))


def test_the_end_of_a_window_makes_room_and_its_return_does_not_come() -> None:
    assert fits(one_by_one(admitted(10), admitted(10, LATER)))
    assert not fits(one_by_one(admitted(10, LATER), admitted(10)))


def test_a_window_is_the_one_of_the_client_s_clock_or_the_newest() -> None:
    behind, ahead = Admission(1, LATER, NOON, NOON), Admission(1, NOON, LATER, LATER)
    assert fits(one_by_one(admitted(1, LATER), behind))
    assert not fits(one_by_one(behind))
    assert not fits(one_by_one(ahead))


def test_new_limits_never_count_into_the_day_before_them() -> None:
    midnight, late = "2026-03-02T00:00", "2026-03-01T23:59"
    tomorrow = Changed(0, "phase_1", LIMITS, "2026-03-02")
    assert fits(one_by_one(tomorrow, Admission(1, midnight, late, late)))
    assert not fits(one_by_one(tomorrow, Admission(1, late, late, late)))
    assert not fits(one_by_one(Admission(1, midnight, late, late)))


def test_nothing_is_admitted_after_a_pause_was_acknowledged() -> None:
    assert fits(at_once(PAUSE, admitted(1)))
    assert not fits(one_by_one(PAUSE, admitted(1)))
    assert fits(one_by_one(PAUSE, ClosedTo("paused"), RESUME, admitted(1)))
    assert not fits(one_by_one(PAUSE, RESUME, ClosedTo("paused")))


def test_a_lowered_limit_holds_from_its_acknowledgement_on() -> None:
    lowered = Changed(0, "phase_1", (100, 50, 5))
    assert fits(at_once(lowered, admitted(6)))
    assert not fits(one_by_one(lowered, admitted(6)))
    assert not fits(one_by_one(admitted(5), lowered, admitted(1)))


def test_a_refusal_though_there_was_room_does_not_fit() -> None:
    assert not fits(one_by_one(admitted(5), refused(5, 5)))
    assert not fits(one_by_one(admitted(5), refused(6, 6)))
    assert not fits(one_by_one(refused(1, 0)))


def test_a_refusal_names_the_longest_window_in_the_way() -> None:
    full = State(0, "phase_1", (20, 10, 10))
    hourly = refused(1, 10, HOUR, clock=NOON)
    assert fits(one_by_one(admitted(10), hourly), full)
    assert not fits(one_by_one(admitted(10), refused(1, 10)), full)
    assert not fits(one_by_one(admitted(10), refused(1, 10, DAY, 20, clock=NOON)), full)


def test_a_stale_read_does_not_fit() -> None:
    before = Looked(OPEN)
    assert fits([Event(admitted(3), 0, 10), Event(before, 5, 20)])
    assert not fits([Event(admitted(3), 0, 10), Event(before, 11, 20)])
    seen_then_not = [Event(admitted(3), 0, 90), Event(looked(3), 10, 20), Event(before, 30, 40)]
    assert not fits(seen_then_not)


def test_a_give_back_that_got_lost_or_came_twice_does_not_fit() -> None:
    assert fits(one_by_one(admitted(10), GaveBack(4, NOON), admitted(4)))
    assert not fits(one_by_one(admitted(10), GaveBack(4, NOON), refused(4, 10)))
    assert not fits(one_by_one(admitted(10), GaveBack(4, NOON), looked(2)))
    assert not fits(one_by_one(admitted(3), GaveBack(4, NOON)))


def test_an_operation_without_an_answer_may_have_happened_at_any_time_or_never() -> None:
    open_end: Event[State] = Event(admitted(3), 10, None)
    first, zero = Event(admitted(1), 0, 5), Event(looked(1), 20, 25)
    counted, uncounted = Event(looked(4), 50, 55), Event(looked(1), 50, 55)
    assert fits([first, open_end, zero, counted])
    assert fits([first, open_end, zero, uncounted])
    assert not fits([first, open_end, counted, Event(looked(1), 60, 65)])
    assert not fits([first, Event(looked(4), 6, 9), open_end])
    assert not fits([first, open_end, Event(looked(7), 50, 55)])


def test_no_two_changes_are_made_from_the_same_revision() -> None:
    assert not fits(at_once(PAUSE, Changed(0, "phase_2", LIMITS)))
    assert fits(at_once(PAUSE, Outrun(0)))
    assert not fits(one_by_one(Outrun(0), PAUSE))


def test_the_checker_agrees_with_trying_every_order() -> None:
    dice = random.Random(7)  # noqa: S311
    kinds: list[AnyCall] = [admitted(4), admitted(6), GaveBack(4, NOON), refused(5, 6), refused(7, 4)]
    kinds += [looked(4), looked(6), PAUSE]
    verdicts = set()
    for _ in range(1500):
        events: list[Event[State]] = []
        for _ in range(dice.randint(2, 5)):
            began = dice.randrange(12)
            events.append(Event(dice.choice(kinds), began, dice.choice((None, *range(began + 1, began + 9)))))
        assert fits(events) == any(explains(order) for order in subsets_in_order(events)), events
        verdicts.add(fits(events))
    assert verdicts == {True, False}


def subsets_in_order(events: list[Event[State]]) -> Iterator[tuple[Event[State], ...]]:
    """All orders of all subsets of the events that include every answered one."""
    answered = {i for i, event in enumerate(events) if event.ended is not None}
    for size in range(len(answered), len(events) + 1):
        for order in permutations(range(len(events)), size):
            if answered <= set(order):
                yield tuple(events[i] for i in order)


def explains(order: tuple[Event[State], ...]) -> bool:
    state: State | None = OPEN
    for i, event in enumerate(order):
        if any(later.ended is not None and later.ended < event.began for later in order[i + 1 :]):
            return False
        state = event.call.apply(state) if state else None
    return state is not None


# --- A gate in memory, whose clients are interleaved between reads and writes ---

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Simulated:
    """One item and its clients. A careless gate writes what it has read plus its count, without a condition."""

    def __init__(self, seed: int, *, careless: bool) -> None:
        self._dice = random.Random(seed)  # noqa: S311
        self._careless = careless
        self._instant = 0
        limits = Limits(daily_limit=200, hourly_limit=60, per_minute_limit=40)
        self._item = Warming(user_id="u", domain_id="d", phase=Phase.PHASE_1, limits=limits)
        self.history = History(state_of(self._item))

    def run(self) -> History:
        clients = [self._decisions() for _ in range(4)] + [self._pauses()]
        while clients:
            client = self._dice.choice(clients)
            if next(client, "finished") == "finished":
                clients.remove(client)
        self._note(Looked(state_of(self._item)), self._tick())
        return self.history

    def _decisions(self) -> Iterator[None]:
        for _ in range(10):
            n, began, warming = self._dice.randint(1, 9), self._tick(), self._item
            outcome: gate.Windows | gate.Refusal | None = None
            while outcome is None:
                yield
                outcome = gate.refusal(warming, {GMAIL: n}, NOW)
                if outcome is None and (self._careless or self._allows(warming, n)):
                    outcome = gate.windows(warming, NOW)
                    self._count(warming if self._careless else self._item, outcome, n)
                warming = self._item
            yield
            self._note(answer(outcome, n, NOON, NOON), began)

    def _pauses(self) -> Iterator[None]:
        for phase in (Phase.PAUSED, Phase.PHASE_1) * 2:
            began, seen = self._tick(), self._item.revision
            self._item = self._item.model_copy(update={"phase": phase, "revision": seen + 1})
            yield
            self._note(Changed(seen, phase.value, (200, 60, 40)), began)
            for _ in range(self._dice.randint(5, 20)):
                yield

    def _allows(self, warming: Warming, n: int) -> bool:
        return self._item.revision == warming.revision and gate.refusal(self._item, {GMAIL: n}, NOW) is None

    def _count(self, onto: Warming, at: gate.Windows, n: int) -> None:
        sent = {name: onto.sent.get(name, 0) + n for name in at.names}
        self._item = onto.model_copy(update={"minute": at.minute, "sent": sent})

    def _note(self, call: AnyCall, began: int) -> None:
        self.history.events.append(Event(call, began, self._tick()))

    def _tick(self) -> int:
        self._instant += 1
        return self._instant


SEEDS = range(200)


def test_a_gate_that_decides_and_counts_in_one_write_passes_in_every_interleaving() -> None:
    for history in (Simulated(seed, careless=False).run() for seed in SEEDS):
        assert history.check().linearizable
        assert violations(history) == []


def test_a_gate_that_reads_and_then_writes_is_caught() -> None:
    histories = [Simulated(seed, careless=True).run() for seed in SEEDS]
    unexplained = [history for history in histories if not history.check().linearizable]
    # Sometimes no client interleaves, and the history is correct by chance.
    assert len(unexplained) > 0.95 * len(SEEDS)
    assert all(violations(history) for history in unexplained)
