"""Invariants that must hold in any order, computed from the responses alone, and the figures of a run."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from kindling.metrics.model import GMAIL
from kindling.warming.model import DAY, HOUR, MINUTE, OF_CLASS, window_of_class
from tests.system.gate.linearizability import Event
from tests.system.gate.model import (
    LENGTHS,
    OPEN,
    Admitted,
    Changed,
    ClosedTo,
    GaveBack,
    Looked,
    Outrun,
    Refused,
    State,
    Three,
)
from tests.system.gate.run import History

FOR_EVER = 1 << 62
FIGURES = (
    "decisions",
    "admitted",
    "refused by the minute",
    "refused by the hour",
    "refused by the mailbox provider",
    "refused by the day",
    "refused by the phase",
    "undecided",
    "unknown",
    "lost answers",
    "lost races",
    "given back",
    "looks",
    "changes",
    "changes outrun",
    "pauses",
    "resumes",
    "other phases",
    "limits raised",
    "limits lowered",
    "minutes rolled",
    "hours rolled",
    "days rolled",
)
_OTHERS = {Looked: "looks", Changed: "changes", Outrun: "changes outrun", GaveBack: "given back"}
_NAMES = {DAY: "day", HOUR: "hour", MINUTE: "minute"}


@dataclass(frozen=True)
class Took:
    """`n` recipients, `at_gmail` of them there, counted in the windows of a minute or returned between two instants."""

    n: int
    at_gmail: int
    minute: str
    began: int
    ended: int


@dataclass(frozen=True)
class Rule:
    """A phase, limits and a budget that may have been in force between two instants, but not before or after."""

    phase: str
    limits: Three | None
    budget: int | None
    since: int
    until: int

    def limit(self, window: str) -> int | None:
        """What may be counted in a window."""
        if len(window) == OF_CLASS:
            return self.budget
        return self.limits[LENGTHS.index(len(window))] if self.limits else None


def violations(history: History) -> list[str]:
    """Describe every violated invariant. None depends on the search for an order."""
    return [*_broken_chain(history), *_wrong_admissions(history), *_wrong_counters(history)]


def figures(history: History) -> Counter[str]:
    """The figures of a run, by name."""
    count: Counter[str] = Counter(dict.fromkeys(FIGURES, 0))
    minutes = {took.minute for took in _admissions(history)}
    for length, name in _NAMES.items():
        count[f"{name}s rolled"] = max(len({minute[:length] for minute in minutes}) - 1, 0)
    for event in history.events:
        match event.call:
            case Admitted():
                count.update(("decisions", "admitted"))
            case Refused(of_budget=True):
                count.update(("decisions", "refused by the mailbox provider"))
            case Refused(window=window):
                count.update(("decisions", f"refused by the {_NAMES[len(window)]}"))
            case ClosedTo():
                count.update(("decisions", "refused by the phase"))
            case call:
                count[_OTHERS[type(call)]] += 1
    count["decisions"] += history.undecided + history.unknown
    count["undecided"], count["unknown"] = history.undecided, history.unknown
    count["lost answers"], count["lost races"] = len(history.lost), history.races
    for before, after in pairwise(_rules(history)):
        if (before.phase in OPEN) != (after.phase in OPEN):
            count["resumes" if after.phase in OPEN else "pauses"] += 1
        elif before.phase != after.phase:
            count["other phases"] += 1
        if before.limits and after.limits and before.limits != after.limits:
            count["limits raised" if after.limits > before.limits else "limits lowered"] += 1
    return count


def _broken_chain(history: History) -> Iterator[str]:
    """Every change of phase or limits is based on the previous one, and no two on the same."""
    seen = sorted(event.call.seen for event in history.events if isinstance(event.call, Changed))
    if seen != list(range(len(seen))):
        yield f"the changes were made from the revisions {seen}"


def _wrong_admissions(history: History) -> Iterator[str]:
    """Admissions that no phase and limits in force during them allow."""
    rules = _rules(history)
    admissions, returns = _by_window(_admissions(history)), _by_window(_returns(history))
    for window, taken in admissions.items():
        ended, sums = _sums([(took.ended, took.n) for took in taken])
        returned, returned_sums = _sums([(took.began, took.n) for took in returns.get(window, [])])
        for took in taken:
            in_force = [rule for rule in rules if rule.since <= took.ended and rule.until >= took.began]
            if not any(rule.phase in OPEN for rule in in_force):
                yield f"{took} was admitted in a phase that sends nothing"
            before = sums[bisect_left(ended, took.began)] - returned_sums[bisect_right(returned, took.ended)]
            allowed = [rule.limit(window) for rule in in_force]
            if not any(limit is None or before + took.n <= limit for limit in allowed):
                yield f"{took} was admitted to {window} on top of {before}"


def _wrong_counters(history: History) -> Iterator[str]:
    """In the end, the item's counters equal what was admitted and not returned."""
    last = history.events[-1].call
    assert isinstance(last, Looked), last
    admissions, returns = _by_window(_admissions(history)), _by_window(_returns(history))
    _, hour, minute = last.seen.used(last.seen.minute)
    counted = dict(last.seen.days) | {last.seen.minute[:HOUR]: hour, last.seen.minute: minute}
    counted[window_of_class(last.seen.minute[:DAY], GMAIL)] = last.seen.gmail_used
    for window in sorted(counted.keys() | {name for name in admissions if len(name) == DAY}):
        due = sum(took.n for took in admissions.get(window, [])) - sum(took.n for took in returns.get(window, []))
        if window and counted.get(window) != due:
            yield f"{window} has counted {counted.get(window)} instead of {due}"


def _admissions(history: History) -> list[Took]:
    """The recipients counted, including those that a retry of an unanswered write counted twice."""
    answered = [_took(event) for event in history.events if isinstance(event.call, Admitted)]
    return answered + [
        Took(lost.call.n, lost.call.at_gmail, lost.call.minute, lost.began, lost.ended)
        for lost in history.lost
        if lost.applied and isinstance(lost.call, Admitted)
    ]


def _returns(history: History) -> list[Took]:
    answered = [_took(event) for event in history.events if isinstance(event.call, GaveBack)]
    return answered + [
        Took(lost.call.n, lost.call.at_gmail, lost.call.minute, lost.began, lost.ended)
        for lost in history.lost
        if lost.applied and isinstance(lost.call, GaveBack)
    ]


def _took(event: Event[State]) -> Took:
    assert isinstance(event.call, Admitted | GaveBack)
    assert event.ended is not None
    return Took(event.call.n, event.call.at_gmail, event.call.minute, event.began, event.ended)


def _by_window(taken: list[Took]) -> dict[str, list[Took]]:
    windows = defaultdict(list)
    for took in taken:
        for length in LENGTHS:
            windows[took.minute[:length]].append(took)
        if took.at_gmail:
            windows[window_of_class(took.minute[:DAY], GMAIL)].append(replace(took, n=took.at_gmail))
    return dict(windows)


def _sums(changes: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """The sorted instants, and the cumulative sums before the first, between them and after the last."""
    changes.sort()
    return [at for at, _ in changes], [0, *accumulate(n for _, n in changes)]


def _rules(history: History) -> list[Rule]:
    """The phases and limits in force, in order. A change takes effect between its start and its end."""
    changes = [(e.call, e.began, e.ended) for e in history.events if isinstance(e.call, Changed)]
    changes.sort(key=lambda change: change[0].seen)
    since = [0, *(began for _, began, _ in changes)]
    until = [*(ended or FOR_EVER for _, _, ended in changes), FOR_EVER]
    first = history.initial
    laws = [
        (first.phase, first.limits, first.budget),
        *((call.phase, call.limits, call.budget) for call, _, _ in changes),
    ]
    return [Rule(*law, *span) for law, span in zip(laws, zip(since, until, strict=True), strict=True)]
