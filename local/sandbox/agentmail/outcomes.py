"""Assigns each recipient its outcomes by the rates of the sender's domain: spread evenly, and the same in every run.

Every recipient adds its share to every kind of outcome, and assigning it to a kind subtracts one. Its final outcome is
the kind that would otherwise be the first to lag by a whole recipient, so that of N recipients each kind gets its share
of N, rounded down or up. A reaction is due when its share rounds up to a recipient, and goes to the next delivered one.
"""

from local.sandbox.settings import Rates
from local.sandbox.world import OwedOutcomes, World

WHOLE = 10**9
SIMULATOR = "@simulator.example"
SIMULATED = {
    "softbounce": ["soft_bounce"],
    "bounce": ["bounce"],
    "block": ["block"],
    "complaint": ["delivery", "complaint"],
}

Outcomes = dict[str, list[str]]


def decide(world: World, domain: str, recipients: list[str]) -> Outcomes:
    """The recipients of a message by kind of outcome; kinds are named as in the rates."""
    rates = world.settings.rates.get(domain, Rates())
    owed_outcomes = world.owed_outcomes.get(domain)
    if owed_outcomes is None or owed_outcomes.rates != rates:
        owed_outcomes = world.owed_outcomes[domain] = OwedOutcomes(rates=rates)
    ends, reactions = _ends(rates), _reactions(rates)
    outcomes: Outcomes = {}
    for recipient in recipients:
        for kind in _simulated(recipient) or _decide(owed_outcomes.owed, ends, reactions):
            outcomes.setdefault(kind, []).append(recipient)
    return outcomes


def _simulated(recipient: str) -> list[str]:
    """The fixed outcomes of a test address; empty for any other address."""
    address = recipient.lower()
    if address.endswith(SIMULATOR):
        for name, kinds in SIMULATED.items():
            if address.startswith(name):
                return kinds
    return []


def _ends(rates: Rates) -> dict[str, int]:
    """The share of each final outcome, in all one recipient; when two are equally due, the first is assigned."""
    failures = {kind: round(getattr(rates, kind) * WHOLE) for kind in ("bounce", "soft_bounce", "block", "reject")}
    left = max(0, WHOLE - sum(failures.values()))
    delivery = min(round(rates.delivery * WHOLE), left)
    shares = {"delivery": delivery, **failures, "silence": left - delivery}
    return {kind: share for kind, share in shares.items() if share}


def _reactions(rates: Rates) -> dict[str, int]:
    shares = {kind: round(getattr(rates, kind) * WHOLE) for kind in ("open", "click", "complaint")}
    return {kind: share for kind, share in shares.items() if share}


def _decide(owed: dict[str, int], ends: dict[str, int], reactions: dict[str, int]) -> list[str]:
    """Assign one recipient its final outcome, and its reactions if it is delivered."""
    for kind, share in ends.items():
        owed[kind] = owed.get(kind, 0) + share
    waits = {kind: -((owed[kind] - WHOLE) // share) for kind, share in ends.items() if owed[kind] > 0}
    end = min(waits, key=waits.__getitem__)
    owed[end] -= WHOLE
    outcomes = [end]
    for kind, share in reactions.items():
        # Reactions do not accumulate without bound while no recipient is delivered.
        owed[kind] = min(owed.get(kind, WHOLE // 2) + share, 2 * WHOLE)
        if end == "delivery" and owed[kind] >= WHOLE:
            owed[kind] -= WHOLE
            outcomes.append(kind)
    return outcomes
