"""The rules for resources at the providers: which are left alone, reported or removed, and when. Pure.

A resource is removed only when the end of the account or domain to which it belonged is recorded.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kindling.inventory.model import GRACE, Finding
from kindling.platform import clock


class Outcome(StrEnum):
    """What to do with a resource."""

    NOTHING = "nothing"  # it is in use, or its saga is running
    REPORT = "report"  # to the operator
    REMOVE = "remove"  # after the grace


class ClaimState(StrEnum):
    """The state of the claim to an address or name, as seen from one account or domain."""

    NO = "no"
    RESERVED = "reserved"
    IN_USE = "in_use"
    BURNT = "burnt"
    OTHER = "other"  # another account's, in use or burnt


@dataclass(frozen=True)
class OwnerState:
    """What the table has about the account or domain to which a resource belongs.

    `row` and `cleanup` are whether they exist, `ended` is whether its end is recorded; see `kindling.operations.ended`.
    """

    row: bool = False
    cleanup: bool = False
    claimed: ClaimState = ClaimState.NO
    ended: bool = False


def classify(owner: OwnerState) -> Outcome:
    """What to do with a resource, by the state of its owner.

    A reserved claim belongs to a running saga. A resource without any record is only reported: its rows may have been
    lost when the table was restored from a backup.
    """
    if owner.row or owner.cleanup:
        return Outcome.NOTHING
    match owner.claimed:
        case ClaimState.RESERVED:
            return Outcome.NOTHING
        case ClaimState.BURNT:
            return Outcome.REMOVE
        case ClaimState.NO if owner.ended:
            return Outcome.REMOVE
        case _:
            return Outcome.REPORT


def may_remove(finding: Finding, now: datetime) -> bool:
    """Whether the resource may be removed now."""
    return finding.acts_at is not None and clock.parse(finding.acts_at) <= now


def is_settled(created_at: str, now: datetime) -> bool:
    """Whether a row is old enough for its resource to be missed. A younger one may be newer than the listing."""
    return clock.parse(created_at) + GRACE <= now
