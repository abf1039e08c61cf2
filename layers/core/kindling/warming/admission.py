"""Admitting a send: the gate's decision, made and counted in one conditional write."""

from kindling.errors import NotFound, StoreUnavailable
from kindling.platform import clock, table
from kindling.warming import gate, store
from kindling.warming.gate import Refusal, Windows
from kindling.warming.model import Warming

# Each lost race means that somebody paused, changed a limit or used the room up: the next look decides.
TRIES = 10


def admit(warming: Warming, n: int) -> Windows | Refusal:
    """The windows in which `n` recipients were counted, or what stands in their way.

    `warming` may be old: nothing is admitted that the item, as it is at the moment of the write, does not allow.
    Raises NotFound when the domain is gone, StoreUnavailable when no decision could be made, or nobody knows whether
    the recipients were counted: then they may not be sent to.
    """
    for _ in range(TRIES):
        now = clock.now()
        refused = gate.refusal(warming, n, now)
        if refused:
            return refused
        at = gate.windows(warming, now)
        try:
            store.count(warming, at, n)
        except table.ConditionFailed as lost:
            if not lost.item:
                raise NotFound("There is no such domain.") from lost
            warming = Warming.model_validate(lost.item)
        else:
            return at
    raise StoreUnavailable("The gate changes all the time; try again.")
