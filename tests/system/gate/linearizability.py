"""Checks whether a history of concurrent calls on one object is linearizable.

The search is that of Wing and Gong with Lowe's memoization, breadth first. A *configuration* is the set of pending
operations that have taken effect, and the state after them; orders that lead to the same configuration are merged. An
operation takes effect only when a response requires it, so that the cost depends on the number of pending operations
and not on the length of the history.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

# More configurations than any history of answered calls has. A search beyond that would not end.
MOST = 100_000

S = TypeVar("S", bound=Hashable)


class TooManyWays(Exception):
    """The history allows too many orders to search."""


class Call(Protocol[S]):
    """A call with its response; `reads` is True when it changes nothing."""

    @property
    def reads(self) -> bool: ...

    def apply(self, state: S) -> S | None:
        """The state after the call; None when the response is impossible in `state`."""
        ...


@dataclass(frozen=True, slots=True)
class Event(Generic[S]):
    """A call between two instants. Without an end it is unknown whether, and when after its start, it took effect."""

    call: Call[S]
    began: int
    ended: int | None


@dataclass(frozen=True)
class Verdict(Generic[S]):
    """`stuck` is the first event whose response no order explains; None when the history is linearizable."""

    stuck: Event[S] | None
    most_configurations: int

    @property
    def linearizable(self) -> bool:
        return self.stuck is None


def check(initial: S, events: Sequence[Event[S]]) -> Verdict[S]:
    """Search an order of `events` from the state `initial` that respects their instants and gives their responses."""
    search = _Search(initial)
    most = 1
    # At the same instant starts come before ends: adjacent events may have taken effect in either order.
    points = [(event.began, 0, i) for i, event in enumerate(events)]
    points += [(event.ended, 1, i) for i, event in enumerate(events) if event.ended is not None]
    for _, is_end, i in sorted(points):
        if not is_end:
            search.begin(i, events[i].call)
            continue
        search.end(i)
        most = max(most, len(search.configurations))
        if not search.configurations:
            return Verdict(events[i], most)
    return Verdict(None, most)


class _Search(Generic[S]):
    """All configurations at one instant. A pending call has a slot, whose bit is set once the call has taken effect."""

    def __init__(self, initial: S) -> None:
        self.configurations: set[tuple[int, S]] = {(0, initial)}
        self._bits: dict[int, int] = {}
        self._free: list[int] = []
        self._reads: dict[int, Call[S]] = {}
        self._writes: dict[int, Call[S]] = {}
        # Reads that have not been applied to the configurations yet.
        self._new_reads: dict[int, Call[S]] = {}

    def begin(self, i: int, call: Call[S]) -> None:
        bit = self._free.pop() if self._free else 1 << len(self._bits)
        self._bits[i] = bit
        if call.reads:
            self._reads[bit] = self._new_reads[bit] = call
        else:
            self._writes[bit] = call

    def end(self, i: int) -> None:
        """Keep the configurations in which the call has taken effect, applying pending calls where possible."""
        bit = self._bits.pop(i)
        kept = set()
        pending = [_with_reads(done, state, self._new_reads.items()) for done, state in self.configurations]
        seen = set(pending)
        while pending:
            done, state = pending.pop()
            if done & bit:
                kept.add((done ^ bit, state))
                continue
            for other, call in self._writes.items():
                if not done & other and (after := call.apply(state)) is not None:
                    reached = _with_reads(done | other, after, self._reads.items())
                    if reached not in seen:
                        seen.add(reached)
                        pending.append(reached)
            if len(seen) > MOST:
                raise TooManyWays(f"more than {MOST} configurations")
        self.configurations = kept
        self._new_reads = {}
        self._reads.pop(bit, None)
        self._writes.pop(bit, None)
        self._free.append(bit)


def _with_reads(done: int, state: S, reads: Iterable[tuple[int, Call[S]]]) -> tuple[int, S]:
    """The configuration with every possible read applied, which excludes no other order."""
    for bit, call in reads:
        if not done & bit and call.apply(state) is not None:
            done |= bit
    return done, state
