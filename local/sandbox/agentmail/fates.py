"""What becomes of each recipient: by the rates of the sender's domain, spread evenly, and the same in every run.

Every kind of outcome is owed its share of each recipient, and is paid with whole recipients. How a recipient ends goes
to the kind that would otherwise be the first to fall a whole recipient behind, so that of N recipients each kind gets
its share of N, rounded down or up. A reaction is due as soon as its share rounds up, and waits for the next delivered
recipient.
"""

from local.sandbox.settings import Rates
from local.sandbox.world import Fates, World

WHOLE = 10**9
SIMULATOR = "@simulator.example"
SIMULATED = {"softbounce": ["soft_bounce"], "bounce": ["bounce"], "complaint": ["delivery", "complaint"]}

Outcomes = dict[str, list[str]]


def decide(world: World, domain: str, recipients: list[str]) -> Outcomes:
    """The recipients of a message that a domain sends, by kind of outcome; kinds are named as in the rates."""
    rates = world.settings.rates.get(domain, Rates())
    fates = world.fates.get(domain)
    if fates is None or fates.rates != rates:
        fates = world.fates[domain] = Fates(rates=rates)
    ends, reactions = _ends(rates), _reactions(rates)
    outcomes: Outcomes = {}
    for recipient in recipients:
        for kind in _simulated(recipient) or _decide(fates.owed, ends, reactions):
            outcomes.setdefault(kind, []).append(recipient)
    return outcomes


def _simulated(recipient: str) -> list[str]:
    """What always becomes of a test address; nothing for any other."""
    address = recipient.lower()
    if address.endswith(SIMULATOR):
        for name, kinds in SIMULATED.items():
            if address.startswith(name):
                return kinds
    return []


def _ends(rates: Rates) -> dict[str, int]:
    """The share of each way to end, all together a whole recipient; of two that are as urgent, the first is paid."""
    failures = {kind: round(getattr(rates, kind) * WHOLE) for kind in ("bounce", "soft_bounce", "reject")}
    left = max(0, WHOLE - sum(failures.values()))
    delivery = min(round(rates.delivery * WHOLE), left)
    shares = {"delivery": delivery, **failures, "silence": left - delivery}
    return {kind: share for kind, share in shares.items() if share}


def _reactions(rates: Rates) -> dict[str, int]:
    shares = {kind: round(getattr(rates, kind) * WHOLE) for kind in ("open", "click", "complaint")}
    return {kind: share for kind, share in shares.items() if share}


def _decide(owed: dict[str, int], ends: dict[str, int], reactions: dict[str, int]) -> list[str]:
    """Pays one recipient out: how it ends, and how it reacts if it is delivered."""
    for kind, share in ends.items():
        owed[kind] = owed.get(kind, 0) + share
    waits = {kind: -((owed[kind] - WHOLE) // share) for kind, share in ends.items() if owed[kind] > 0}
    end = min(waits, key=waits.__getitem__)
    owed[end] -= WHOLE
    paid = [end]
    for kind, share in reactions.items():
        # What falls on recipients that are never delivered is not saved up for ever.
        owed[kind] = min(owed.get(kind, WHOLE // 2) + share, 2 * WHOLE)
        if end == "delivery" and owed[kind] >= WHOLE:
            owed[kind] -= WHOLE
            paid.append(kind)
    return paid
