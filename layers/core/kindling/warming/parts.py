"""What other topics write into their transactions for warming."""

from kindling.platform import clock
from kindling.platform.table import Part
from kindling.warming import changes, cohorts, store
from kindling.warming.model import SYSTEM, Phase, Warming, history_entry

# The tenant and id of a domain.
Named = tuple[str, str]


def created(user_id: str, domain_id: str, *, verified: bool, last: Named | None = None) -> Part:
    """Create the warming of a new domain: begun when the domain is verified, otherwise `not_started`."""
    new = Warming(user_id=user_id, domain_id=domain_id, updated_at=clock.timestamp())
    return _begun(new, last) if verified else [store.created(new)]


def started(user_id: str, domain_id: str, *, last: Named | None) -> Part:
    """Begin the warming of a domain that was just verified; empty when it has begun already."""
    warming = store.get(user_id, domain_id)
    return _begun(warming, last) if warming else []


def deleted(user_id: str, domain_id: str) -> Part:
    """End a domain's warming. Its gate is kept for the next domain of the name, its history and metrics stay."""
    return [store.deleted(user_id, domain_id)] if store.get(user_id, domain_id) else []


def _begun(warming: Warming, last: Named | None) -> Part:
    """Begin warming: from the gate of `last`, the domain that was verified under the name before, or from the start."""
    schedule = store.schedule_of(warming.user_id)
    gate = store.kept(*last) if last and last != (warming.user_id, warming.domain_id) else None
    if gate is None or gate.phase == Phase.NOT_STARTED:
        # An ended one goes on from itself when the domain that took the name over is forgotten by now.
        gate = warming if warming.ended_at else None
    if gate is None:
        if warming.phase != Phase.NOT_STARTED:
            return []
        put, drop = changes.started(warming, schedule)
        return store.replaced(warming, changes.start_entry(warming, SYSTEM), put=put, drop=drop)
    cohorts.keep(gate)
    phase, (put, drop) = changes.inherited(warming, gate, schedule)
    part: Part = [] if gate is warming or gate.deleted else [store.ended(gate)]
    if gate is not warming:
        # Evidence stays with the name, whoever registers it.
        put |= {"former": f"{gate.user_id}/{gate.domain_id}", "former_until": changes.today()}
    detail = put.get("stopped_because", "the name was registered before: its warming goes on from there")
    entry = history_entry(warming, phase, reason="warming_continued", triggered_by=SYSTEM, detail=detail)
    return [*store.replaced(warming, entry, put=put, drop=drop), *part]
