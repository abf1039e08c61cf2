"""What other topics write into their transactions for warming."""

from kindling.platform import clock, due
from kindling.platform.table import Action, Part
from kindling.warming import changes, store
from kindling.warming.model import SYSTEM, Phase, Warming, warming_key


def created(user_id: str, domain_id: str, domain: str, *, verified: bool) -> Part:
    """Create the warming of a new domain: started when the domain is verified, otherwise `not_started`."""
    new = Warming(user_id=user_id, domain_id=domain_id, domain=domain, updated_at=clock.timestamp())
    if not verified:
        return [store.created(new, {})]
    put, _ = changes.started(new, store.schedule_of(user_id))
    due_fields = {name: put.pop(name) for name in due.FIELDS}
    warming = Warming.model_validate(new.model_dump() | put | {"phase": Phase.PHASE_1, "revision": 1})
    return [store.created(warming, due_fields), store.recorded(new, changes.start_entry(new, SYSTEM))]


def started(user_id: str, domain_id: str) -> Part:
    """Start the warming of a domain that was just verified; empty unless it is `not_started`."""
    warming = store.get(user_id, domain_id)
    if warming is None or warming.phase != Phase.NOT_STARTED:
        return []
    put, drop = changes.started(warming, store.schedule_of(user_id))
    return store.moved(warming, changes.start_entry(warming, SYSTEM), put=put, drop=drop)


def deleted(user_id: str, domain_id: str) -> Action:
    """Delete a domain's warming. Its history and metrics stay."""
    return {"Delete": {"Key": warming_key(user_id, domain_id)}}
