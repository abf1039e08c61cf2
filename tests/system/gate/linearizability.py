"""Whether what several clients saw of one thing can have happened one after the other.

The search is Wing and Gong's with Lowe's memory, done breadth first: every way in which the operations so far can have
followed each other is kept as one *configuration*, the pending operations that already took place and the state
after them, and ways that lead to the same configuration are one. An operation is made to take place no earlier than
some answer needs it, so that a history of any length costs only what is pending at a time.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

# More than any history comes to whose calls are answered; a search that grows further would not end.
MOST = 100_000

S = TypeVar("S", bound=Hashable)


class TooManyWays(Exception):
    """The history leaves so much open that the search was given up."""


class Call(Protocol[S]):
    """What was asked and answered; `reads` says that it changes nothing."""

    @property
    def reads(self) -> bool: ...

    def step(self, state: S) -> S | None:
        """The state afterwards, None where this answer cannot have been given."""
        ...


@dataclass(frozen=True, slots=True)
class Event(Generic[S]):
    """A call between two instants. Without an end, nobody knows whether it took place, or when since its beginning."""

    call: Call[S]
    began: int
    ended: int | None


@dataclass(frozen=True)
class Verdict(Generic[S]):
    """`stuck` is the event whose answer nothing explains, None when everything fits."""

    stuck: Event[S] | None
    most_configurations: int

    @property
    def linearizable(self) -> bool:
        return self.stuck is None


def check(initial: S, events: Sequence[Event[S]]) -> Verdict[S]:
    """Look for one order of `events` that begins in `initial`, keeps to their instants and gives their answers."""
    search = _Search(initial)
    most = 1
    # At one and the same instant beginnings come first: events that touch may have happened in either order.
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
    """All configurations at one instant. A pending call has a slot, and is a bit in a configuration once it is done."""

    def __init__(self, initial: S) -> None:
        self.configurations: set[tuple[int, S]] = {(0, initial)}
        self._bits: dict[int, int] = {}
        self._free: list[int] = []
        self._reads: dict[int, Call[S]] = {}
        self._writes: dict[int, Call[S]] = {}
        # Reads that no configuration has been asked about yet.
        self._new_reads: dict[int, Call[S]] = {}

    def begin(self, i: int, call: Call[S]) -> None:
        bit = self._free.pop() if self._free else 1 << len(self._bits)
        self._bits[i] = bit
        if call.reads:
            self._reads[bit] = self._new_reads[bit] = call
        else:
            self._writes[bit] = call

    def end(self, i: int) -> None:
        """Keep the configurations in which the call was done, having it and others done where that is possible."""
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
                if not done & other and (after := call.step(state)) is not None:
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
    """The configuration with every read done that fits: doing one now rules nothing out."""
    for bit, call in reads:
        if not done & bit and call.step(state) is not None:
            done |= bit
    return done, state
