"""Where each status leads, written down a second time: `test_transitions` tries that the table follows these graphs."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from kindling.accounts import claims
from kindling.accounts import model as accounts
from kindling.domains import model as domains
from kindling.operations import model as operations
from kindling.operations import rows
from kindling.warming.model import ALLOWED, RAMPED, SENDING, Phase, next_phase, previous_phase

ACCOUNTS = {
    "pending/not_started": "warming/warming",
    "warming/warming": "active/active error/banned error/suspended",
    "active/active": "error/banned error/suspended",
    "error/banned": "",
    "error/suspended": "",
}
DOMAINS = {
    "pending": "failed verified verifying",
    "verifying": "failed pending verified verifying",
    "verified": "failed pending verifying",
    "failed": "pending verified verifying",
}
OPERATIONS = {"running": "failed succeeded undoing", "undoing": "failed", "succeeded": "", "failed": ""}
ROWS = {
    "waiting": "exists failed running succeeded",
    "running": "exists failed succeeded",
    "succeeded": "",
    "exists": "",
    "failed": "",
}
# A free address has no item, and so no status.
CLAIMS = {"": "burnt reserved", "reserved": " burnt in_use reserved", "in_use": "burnt", "burnt": "burnt"}


@pytest.mark.parametrize(
    ("allowed", "meant"),
    [
        (accounts.ALLOWED, ACCOUNTS),
        (domains.ALLOWED, DOMAINS),
        (operations.ALLOWED, OPERATIONS),
        (rows.ALLOWED, ROWS),
        (claims.ALLOWED, CLAIMS),
    ],
    ids=["accounts", "domains", "operations", "rows", "claims"],
)
def test_a_status_leads_where_the_contract_says_and_nowhere_else(
    allowed: Mapping[Any, frozenset[Any]], meant: dict[str, str]
) -> None:
    assert {"/".join(state): " ".join(sorted(map("/".join, to))) for state, to in allowed.items()} == meant


def test_a_phase_leads_one_further_or_one_back_and_every_sending_one_to_a_stop() -> None:
    steps = {(phase, next_phase(phase)) for phase in RAMPED} | {(phase, previous_phase(phase)) for phase in SENDING}
    stops = set(product(SENDING, (Phase.PAUSED, Phase.SUSPENDED)))
    begun = {(Phase.NOT_STARTED, Phase.PHASE_1)}
    # A pause ends in a phase with limits, whichever it came from; a suspension where everything begins.
    resumed = set(product((Phase.PAUSED,), RAMPED)) | {(Phase.SUSPENDED, Phase.PHASE_1)}
    # The first phase is the one before itself: a domain eases there, and does not move.
    allowed = {(Phase(source[0]), Phase(to[0])) for source, targets in ALLOWED.items() for to in targets}
    assert allowed == (steps - {(Phase.PHASE_1, Phase.PHASE_1)}) | stops | begun | resumed


def test_the_phases_follow_each_other_in_order_and_the_first_has_none_before_it() -> None:
    assert [next_phase(phase) for phase in RAMPED] == list(SENDING[1:])
    assert [previous_phase(phase) for phase in SENDING] == [Phase.PHASE_1, *RAMPED]
