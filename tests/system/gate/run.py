"""Runs many clients against the gates of one table."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from tests.system.gate import worker
from tests.system.gate.linearizability import Event, Verdict, check
from tests.system.gate.model import State, state_of
from tests.system.gate.worker import Lost, Plan, Record

SILENCE_SECONDS = 600.0


class ClientFailed(Exception):
    """A client's process failed; the message is its traceback."""


@dataclass
class History:
    """The events of all clients on one item; the last one is a read after all have finished."""

    initial: State
    events: list[Event[State]] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    undecided: int = 0
    unknown: int = 0
    races: int = 0

    def add(self, record: Record) -> None:
        self.events += record.events
        self.lost += record.lost
        self.undecided += record.undecided
        self.unknown += record.unknown
        self.races += record.races

    def check(self) -> Verdict[State]:
        """Check linearizability. A write whose response was lost stays pending to the end: it may still be applied."""
        return check(self.initial, [*self.events, *(Event(lost.call, lost.began, None) for lost in self.lost)])


@dataclass
class Outcome:
    histories: list[History]
    seconds: float


def run(plan: Plan) -> Outcome:
    """Run a plan. All its processes have ended when it returns or raises."""
    histories = [History(state_of(plan.first(number))) for number in range(plan.rounds)]
    began = time.monotonic()
    with _clients(plan) as open_ends:
        missing = Counter(dict.fromkeys(open_ends, plan.rounds))
        while missing:
            ready = wait(list(missing), SILENCE_SECONDS)
            if not ready:
                raise TimeoutError("the clients have fallen silent")
            received: list[Record | str] = [end.recv() for end in ready if isinstance(end, Connection)]
            # A failing client stops the others; its error is among the results.
            if failures := [text for text in received if isinstance(text, str)]:
                raise ClientFailed("\n".join(failures))
            for record in received:
                assert isinstance(record, Record)
                histories[record.number].add(record)
            missing -= Counter(end for end in ready if isinstance(end, Connection))
    for history in histories:
        history.events.sort(key=lambda event: event.began)
    return Outcome(histories, time.monotonic() - began)


@contextmanager
def _clients(plan: Plan) -> Iterator[list[Connection]]:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(plan.clients)
    processes: list[SpawnProcess] = []
    ends: list[Connection] = []
    try:
        for index in range(plan.clients):
            ours, theirs = spawn.Pipe(duplex=False)
            process = spawn.Process(target=worker.main, args=(plan, index, barrier, theirs), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            ends.append(ours)
        yield ends
        for process in processes:
            process.join(SILENCE_SECONDS)
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
            process.join()
            process.close()
        for end in ends:
            end.close()
