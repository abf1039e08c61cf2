"""Admitting a send: the gate's decision, made and counted in one conditional write, and given back if unused."""

from collections.abc import Mapping

from kindling.errors import DomainNotSending, NotFound, StoreUnavailable
from kindling.metrics import refusals
from kindling.platform import clock, table
from kindling.platform.observability import SENDS_ADMITTED, SENDS_REFUSED, logger
from kindling.warming import gate, store
from kindling.warming.gate import Refusal, Windows
from kindling.warming.model import Warming

# A failed condition returns the item as it is now: the next try decides from that.
TRIES = 10


def admit(warming: Warming, recipients: Mapping[str, int]) -> Windows | Refusal:
    """Count `recipients`; the windows in which they were counted, or why they may not be sent to now.

    They are counts by class: a mailbox provider or OWN. `warming` may be stale: the write's condition checks the item
    itself. Raises DomainNotSending when the domain was deleted or has lost its name, NotFound when it has no item,
    StoreUnavailable when no decision was made or its outcome is unknown; then nothing may be sent.
    """
    n = sum(recipients.values())
    for _ in range(TRIES):
        if warming.ended_at:
            raise DomainNotSending("The domain was deleted, or is another tenant's now.")
        now = clock.now()
        refused = gate.refusal(warming, recipients, now)
        if refused:
            SENDS_REFUSED.add(n, refused.limit)
            refusals.note(warming.user_id, warming.domain_id, gate.windows(warming, now).day, n)
            return refused
        at = gate.windows(warming, now)
        try:
            store.count(warming, at, recipients)
        except table.ConditionFailed as lost:
            if not lost.item:
                raise NotFound("There is no such domain.") from lost
            warming = Warming.model_validate(lost.item)
        else:
            SENDS_ADMITTED.add(n)
            return at
    raise StoreUnavailable("The gate keeps changing; try again.")


def give_back(user_id: str, domain_id: str, windows: Windows, recipients: Mapping[str, int]) -> None:
    """Free the quota of `recipients`, who were certainly not sent to, in the windows that the item still has.

    When the outcome of the write is unknown, the quota stays used.
    """
    counts = windows.counts(recipients)
    while counts:
        try:
            store.uncount(user_id, domain_id, counts)
        except table.ConditionFailed as lost:
            sent = lost.item["sent"] if lost.item else {}
            counts = {window: n for window, n in counts.items() if sent.get(window, 0) >= n}
            continue
        except StoreUnavailable as error:
            n = sum(recipients.values())
            logger.warning("quota not given back", domain_id=domain_id, recipients=n, reason=str(error))
        return
