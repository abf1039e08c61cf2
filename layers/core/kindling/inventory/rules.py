"""What becomes of a resource that carries our mark. Pure: nothing is removed unless its end is on record."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kindling.inventory.model import GRACE, Finding
from kindling.platform import clock


class Outcome(StrEnum):
    """Named, or about to be; told to somebody; or provably nobody's any more."""

    NOTHING = "nothing"
    REPORT = "report"
    REMOVE = "remove"


class Claimed(StrEnum):
    """How an address or a name stands towards the account or domain in question."""

    NO = "no"
    RESERVED = "reserved"
    IN_USE = "in_use"
    BURNT = "burnt"
    OTHERWISE = "otherwise"  # another account has it, or had it


@dataclass(frozen=True)
class Known:
    """What the table says of the account or domain whose resource was seen; `ended` is the note of its end."""

    row: bool = False
    cleanup: bool = False
    claimed: Claimed = Claimed.NO
    ended: bool = False


def classify(known: Known) -> Outcome:
    """What becomes of a resource whose owner is known as that.

    A row or a cleanup names it, and a claim that is only reserved belongs to work under way. What the table does not
    know may be somebody's whose rows a restore has lost.
    """
    if known.row or known.cleanup:
        return Outcome.NOTHING
    match known.claimed:
        case Claimed.RESERVED:
            return Outcome.NOTHING
        case Claimed.BURNT:
            return Outcome.REMOVE
        case Claimed.NO if known.ended:
            return Outcome.REMOVE
        case _:
            return Outcome.REPORT


def may_act(finding: Finding, now: datetime) -> bool:
    """Whether what is left over may be removed by now."""
    return finding.acts_at is not None and clock.parse(finding.acts_at) <= now


def is_settled(created_at: str, now: datetime) -> bool:
    """Whether a row is old enough for its resources to be missed: younger ones may be newer than the listing."""
    return clock.parse(created_at) + GRACE <= now
